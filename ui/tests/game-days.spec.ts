import type { Page } from '@playwright/test';
import { coverage, gameDay, gameDayReport, gameDays, trainings } from './mock/game-days';
import { allOutputOf } from './mock/output';
import { runDetail, runs } from './mock/runs';
import { expect, picture, settled, test } from './support';

/** Answers of a server on which game days have been played; everything else is the server's own. */
async function played(page: Page) {
  await page.route('**/api/game-days', (route) => route.fulfill({ json: gameDays }));
  await page.route('**/api/game-days/coverage', (route) => route.fulfill({ json: coverage }));
  await page.route('**/api/game-days/autumn', (route) => route.fulfill({ json: gameDay }));
  await page.route('**/api/trainings*', (route) => route.fulfill({ json: trainings }));
  await page.route(/\/api\/runs\/01jd3v5z0k8m4x2q7c9r1t6y0k(\/output)?(\?.*)?$/, (route) => {
    const url = new URL(route.request().url());
    const after = Number(url.searchParams.get('after') ?? -1);
    const json = url.pathname.endsWith('/output') ? { chunks: allOutputOf(gameDayReport.run).filter(({ sequence }) => sequence > after), next: 2 } : runDetail(gameDayReport.run);
    return route.fulfill({ json });
  });
}

test.beforeEach(async ({ page }) => played(page));

for (const [look, colorScheme, width] of [['dark', 'dark', 1400], ['light', 'light', 1400], ['narrow', 'dark', 360]] as const) {
  test.describe(look, () => {
    test.use({ colorScheme, viewport: { width, height: width > 400 ? 900 : 780 } });

    test('the calendar and the coverage', async ({ page }) => {
      await page.goto('/evolve/game-days');
      await expect(page.getByRole('region', { name: 'What was tried' })).toContainText('of');
      await settled(page);
      await page.screenshot({ path: `test-results/game-days-${look}.png`, fullPage: true });
    });

    test('one day', async ({ page }) => {
      await page.goto('/evolve/game-days/autumn');
      await expect(page.getByRole('region', { name: 'How it changes' }).locator('canvas')).toBeVisible();
      await settled(page);
      await page.screenshot({ path: `test-results/game-day-${look}.png`, fullPage: true });
    });
  });
}

test('the calendar goes to the next game day, and back to today', async ({ page }) => {
  await page.goto('/evolve/game-days');
  await page.getByRole('button', { name: 'The next one' }).click();
  await expect(page.getByRole('table', { name: /\d{4}/ }).getByRole('link', { name: /The other region takes over/ })).toBeVisible();
  const heading = page.locator('#calendar');
  const shown = await heading.textContent();
  await page.getByRole('button', { name: 'The month after' }).focus();
  await page.keyboard.press('Enter');
  await expect(heading).not.toHaveText(shown!);
});

test('what was never tried says so, and what was tried leads to its run', async ({ page }) => {
  await page.goto('/evolve/game-days');
  const matrix = page.getByRole('table', { name: 'What was tried' });
  await expect(matrix.getByLabel('Web, full disk: never tried, and no experiment would')).toBeVisible();
  await expect(matrix.getByRole('link', { name: /Orders, dependency down: never tried; slow-database would/ })).toBeVisible();
  await matrix.getByRole('link', { name: /Orders, slow answers: held by slow-database/ }).focus();
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/prepare\/runs\//);
});

test('a game day says what it will do before it starts', async ({ page }) => {
  let sent: unknown;
  await page.route('**/api/runs', (route) => {
    if (route.request().method() !== 'POST') return route.fallback();
    sent = route.request().postDataJSON();
    return route.fulfill({ status: 201, json: runs.find(({ id }) => id === gameDayReport.run) });
  });
  await page.goto('/evolve/game-days/autumn');
  await page.getByRole('button', { name: 'Start', exact: true }).click();
  const dialog = page.getByRole('dialog');
  await expect(dialog).toContainText('The queue stands a lost worker (production: somebody else must approve it)');
  await expect(dialog).toContainText('ShopDown fires');
  await picture(page, 'game-day-start');
  expect(sent).toBeUndefined();
  await dialog.getByRole('button', { name: 'Start it' }).click();
  await expect(page).toHaveURL(/prepare\/runs\//);
  expect(sent).toEqual({ document: 'autumn' });
  await expect(page.locator('.report')).toContainText('no alarm fired');
  await settled(page);
  await page.screenshot({ path: 'test-results/report-game-day.png', fullPage: true });
});

test('a person judges a hypothesis', async ({ page }) => {
  let sent: unknown;
  await page.route('**/api/game-days/runs/*/verdicts', (route) => {
    sent = route.request().postDataJSON();
    return route.fulfill({ status: 204 });
  });
  await page.goto('/evolve/game-days/autumn');
  await page.getByRole('button', { name: 'Judge' }).nth(2).click();
  await page.getByLabel('Why').fill('Ben saw it');
  await page.getByRole('button', { name: 'Held' }).click();
  await expect(page.getByLabel('Why')).toBeHidden();
  expect(sent).toEqual({ hypothesis: 2, verdict: 'held', because: 'Ben saw it' });
});
