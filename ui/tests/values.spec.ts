import type { Page } from '@playwright/test';
import { history, parameters, secretDetail, secrets } from './mock/values';
import { expect, picture, settled, test } from './support';

const VALUE = 'correct-horse-battery';

/** Answers of a server that keeps values; everything else is the server's own. */
async function kept(page: Page) {
  await page.route('**/api/parameters', (route) => route.fulfill({ json: parameters }));
  await page.route('**/api/parameters/history*', (route) => route.fulfill({ json: history(new URL(route.request().url()).searchParams.get('path')) }));
  await page.route('**/api/secrets', (route) => route.fulfill({ json: secrets }));
  await page.route('**/api/secrets/detail*', (route) => route.fulfill({ json: secretDetail(new URL(route.request().url()).searchParams.get('path')) }));
  await page.route('**/api/secrets/read', (route) => route.fulfill({ json: { ...route.request().postDataJSON(), value: VALUE } }));
}

test.beforeEach(async ({ page }) => kept(page));

for (const [look, colorScheme, width] of [['dark', 'dark', 1400], ['light', 'light', 1400], ['narrow', 'dark', 360]] as const) {
  test.describe(look, () => {
    test.use({ colorScheme, viewport: { width, height: width > 400 ? 900 : 780 } });

    test('the tree of parameters and the secrets', async ({ page }) => {
      await page.goto('/prepare/parameters');
      await expect(page.getByRole('region', { name: 'Parameters', exact: true })).toContainText('/shop/orders');
      await expect(page.getByRole('region', { name: 'Secrets', exact: true })).toContainText('PGPASSWORD of diagnose-errors');
      await settled(page);
      await picture(page, `parameters-kept-${look}`);
    });

    test('the versions of a parameter', async ({ page }) => {
      await page.goto('/prepare/parameters');
      await page.getByRole('button', { name: 'Versions of /shop/orders/timeout' }).click();
      await expect(page.getByRole('dialog')).toContainText('canary');
      await picture(page, `parameter-versions-${look}`);
    });

    test('a secret is shown only when its reading has a reason', async ({ page }) => {
      await page.goto('/prepare/parameters');
      await page.getByRole('button', { name: 'Versions of /shop/orders/db-password' }).click();
      const read = page.getByRole('button', { name: 'Read version 3' });
      await expect(read).toBeDisabled();
      await page.getByLabel('Why you read it').fill('to log in by hand');
      await read.click();
      await expect(page.getByRole('status').filter({ hasText: VALUE })).toBeVisible();
      await picture(page, `secret-read-${look}`);
      await page.getByRole('button', { name: 'Close' }).click();
      await expect(page.getByText(VALUE)).toHaveCount(0);
    });
  });
}
