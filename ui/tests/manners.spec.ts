import { expect, picture, settled, test } from './support';

test('the keyboard reaches everything', async ({ page }) => {
  await page.goto('/organize');
  await settled(page);
  await page.keyboard.press('Tab');
  await expect(page.getByRole('link', { name: 'Skip to the content' })).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(page.locator('main')).toBeFocused();
  await page.keyboard.press('/');
  await expect(page.getByRole('searchbox')).toBeFocused();
  await page.keyboard.type('orders');
  await expect(page).toHaveURL(/search=orders/);
  await expect(page.locator('table tbody tr').first()).toContainText(/orders/i);
});

test('the service map is walked with the keyboard', async ({ page }) => {
  await page.goto('/organize/map');
  const node = page.locator('svg[aria-label="Service map"] a.node').first();
  await node.focus();
  await expect(node).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/\/(organize\/component|explore\/traces)/);
});

test('the theme follows the system until it is chosen, and the choice stays', async ({ page }) => {
  await page.emulateMedia({ colorScheme: 'light' });
  await page.goto('/');
  const background = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
  const light = await background();
  await page.emulateMedia({ colorScheme: 'dark' });
  const dark = await background();
  expect(dark).not.toBe(light);
  await page.getByRole('button', { name: /^Theme: system/ }).click();
  await page.getByRole('button', { name: /^Theme: dark/ }).click();
  await page.reload();
  expect(await background()).toBe(light);
});

test('a narrow window has a menu', async ({ page }) => {
  await page.setViewportSize({ width: 360, height: 780 });
  await page.goto('/');
  await expect(page.getByRole('navigation')).toBeHidden();
  await page.getByRole('button', { name: 'Menu' }).click();
  await picture(page, 'menu-narrow');
  await page.getByRole('navigation').getByRole('link', { name: 'Alarms' }).click();
  await expect(page).toHaveURL(/operate\/alarms/);
  await expect(page.getByRole('navigation')).toBeHidden();
});

test('an unknown page and an unknown thing say so', async ({ page, problems }) => {
  await page.goto('/nowhere');
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('No such page');
  await page.goto('/operate/incidents/INC-999999');
  await expect(page.getByRole('alert')).toBeVisible();
  await expect(page.getByRole('button', { name: 'Try again' })).toBeVisible();
  problems.length = 0;
});

test('a lost connection is told and mends itself', async ({ page, problems }) => {
  let broken = true;
  await page.route('**/api/events/stream**', (route) => (broken ? route.abort() : route.continue()));
  await page.goto('/');
  await expect(page.getByText('The connection to the server is lost')).toBeVisible();
  broken = false;
  await expect(page.getByText('The connection to the server is lost')).toBeHidden({ timeout: 15_000 });
  problems.length = 0;
});
