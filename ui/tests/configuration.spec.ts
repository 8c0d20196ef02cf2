import type { Page } from '@playwright/test';
import { configProfiles, flagAnswers } from './mock/config-profiles';
import { expect, picture, settled, test } from './support';

/** Answers of a server that has configurations; everything else is the server's own. */
async function kept(page: Page) {
  await page.route('**/api/config-profiles', (route) => route.fulfill({ json: configProfiles }));
  await page.route('**/api/config-profiles/checkout', (route) => route.fulfill({ json: configProfiles.find(({ name }) => name === 'checkout') }));
  await page.route('**/api/config-profiles/checkout/environments/*/evaluate', (route) => route.fulfill({ json: flagAnswers }));
}

test.beforeEach(async ({ page }) => kept(page));

for (const [look, colorScheme, width] of [['dark', 'dark', 1400], ['light', 'light', 1400], ['narrow', 'dark', 360]] as const) {
  test.describe(look, () => {
    test.use({ colorScheme, viewport: { width, height: width > 400 ? 900 : 780 } });

    test('a flag is tried for somebody', async ({ page }) => {
      await page.goto('/prepare/configuration/checkout?environment=production');
      await page.getByLabel('Context').fill('targetingKey = user-7\ncountry = NZ');
      await page.getByRole('button', { name: 'Evaluate' }).click();
      await expect(page.getByLabel('Answers')).toContainText('one-page.colour');
      await expect(page.getByLabel('Answers')).toContainText('SPLIT');
      await settled(page);
      await picture(page, `config-profile-tried-${look}`);
    });
  });
}

test('a context that cannot be read is told', async ({ page }) => {
  await page.goto('/prepare/configuration/checkout');
  await page.getByLabel('Context').fill('nonsense');
  await page.getByRole('button', { name: 'Evaluate' }).click();
  await expect(page.getByRole('alert')).toContainText('key = value');
});
