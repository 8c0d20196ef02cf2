import { expect, picture, settled, test } from './support';

test('a flag is tried for somebody', async ({ page }) => {
  await page.goto('/prepare/configuration/checkout?environment=production');
  await page.getByLabel('Context').fill('targetingKey = user-7\ncountry = NZ');
  await page.getByRole('button', { name: 'Evaluate' }).click();
  await expect(page.getByLabel('Answers')).toContainText('one-page.colour');
  await expect(page.getByLabel('Answers')).toContainText('SPLIT');
  await settled(page);
  await picture(page, 'config-profile-tried');
});

test('a context that cannot be read is told', async ({ page }) => {
  await page.goto('/prepare/configuration/checkout');
  await page.getByLabel('Context').fill('nonsense');
  await page.getByRole('button', { name: 'Evaluate' }).click();
  await expect(page.getByRole('alert')).toContainText('key = value');
});
