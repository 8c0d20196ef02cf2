import type { Page } from '@playwright/test';
import { allOutputOf } from './mock/output';
import { runDetail, runs } from './mock/runs';
import { canaries, experiment, scenarios } from './mock/scenarios';
import { expect, picture, settled, test } from './support';

/** Answers of a server on which these have been played; everything else is the server's own. */
async function played(page: Page) {
  const one = <T extends { name: string }>(list: T[], url: string) => list.find(({ name }) => url.endsWith(`/${name}`));
  await page.route('**/api/scenarios/*', (route) => route.fulfill({ json: one(scenarios, route.request().url()) }));
  await page.route('**/api/canaries', (route) => route.fulfill({ json: canaries }));
  await page.route('**/api/canaries/*', (route) => route.fulfill({ json: one(canaries, route.request().url()) }));
  await page.route('**/api/experiments/*', (route) => route.fulfill({ json: experiment }));
  await page.route(/\/api\/runs\/01jd3v5z0k8m4x2q7c9r1t6y0[e-j](\/output)?(\?.*)?$/, (route) => {
    const url = new URL(route.request().url());
    const id = url.pathname.split('/')[3]!;
    const after = Number(url.searchParams.get('after') ?? -1);
    const json = url.pathname.endsWith('/output') ? { chunks: allOutputOf(id).filter(({ sequence }) => sequence > after), next: 2 } : runDetail(id);
    return route.fulfill({ json });
  });
}

const runOf = (letter: string) => `/prepare/runs/${runs.find(({ id }) => id.endsWith(letter))!.id}`;

test.beforeEach(async ({ page }) => played(page));

test('a failed test shows the expectation that failed and the answer', async ({ page }) => {
  await page.goto(runOf('e'));
  const journey = page.getByRole('region', { name: 'Journey buy a pair of shoes' });
  await expect(journey).toContainText('statusCode: expected 200 or 201, got 503');
  await expect(journey.getByLabel('Beginning of the response')).toContainText('reserve stock failed');
  await expect(journey.getByText('p-17', { exact: true })).toBeHidden();
  await journey.getByText('products', { exact: true }).click();
  await expect(journey.getByText('p-17', { exact: true })).toBeVisible();
  await settled(page);
  await picture(page, 'report-test');
});

test('a load run shows what was asked and delivered, and its thresholds', async ({ page }) => {
  await page.goto(runOf('f'));
  await expect(page.getByLabel('Figures')).toContainText('99.9%');
  await expect(page.getByRole('table', { name: 'Latency' })).toContainText('First byte');
  await expect(page.getByRole('table', { name: 'Thresholds' })).toContainText('Broken');
  await expect(page.getByRole('table', { name: 'Endpoints' }).locator('tbody tr')).toHaveCount(3);
  await expect(page.locator('.report canvas')).toHaveCount(2);
  await settled(page);
  await picture(page, 'report-load');
});

test('a running load shows how far it is, and its figures as they come', async ({ page }) => {
  const id = runOf('j').split('/').at(-1)!;
  const [, first, later] = allOutputOf(id);
  await page.route(`**/api/runs/${id}/output*`, (route) => route.fulfill({ json: { chunks: new URL(route.request().url()).searchParams.get('after') === '-1' ? [first] : [], next: 1 } }));
  await page.route(`**/api/runs/${id}/stream*`, async (route) => {
    await expect(page.getByText('40 s of 2 min')).toBeVisible();
    await route.fulfill({ contentType: 'text/event-stream', body: `event: output\ndata: ${JSON.stringify(later)}\n\n` });
  });
  await page.goto(runOf('j'));
  await expect(page.getByText('1 min 10 s of 2 min')).toBeVisible();
  await expect(page.getByRole('progressbar', { name: 'Of the planned time' })).toBeVisible();
  await expect(page.getByLabel('Figures')).toContainText('10,500');
  await expect(page.locator('.report canvas')).toHaveCount(2);
  await picture(page, 'report-running');
});

test('a load run says when the generator was the limit', async ({ page }) => {
  await page.goto(runOf('g'));
  await expect(page.getByRole('alert').filter({ hasText: 'The generator was the limit' })).toContainText('99 % busy');
});

test('an experiment shows its parts, and opens what went wrong', async ({ page }) => {
  await page.goto(runOf('i'));
  for (const part of ['Hypothesis before', 'Method', 'Hypothesis after', 'Rollbacks']) await expect(page.getByRole('region', { name: part })).toBeVisible();
  await expect(page.getByRole('region', { name: 'Method' })).toContainText('timed out after 3 s');
  await expect(page.getByRole('region', { name: 'Hypothesis after' })).toContainText('$.status is ok');
  await settled(page);
  await picture(page, 'report-experiment');
});

test('load runs only after it was said where it goes', async ({ page }) => {
  let sent: unknown;
  await page.route('**/api/runs', (route) => {
    if (route.request().method() !== 'POST') return route.fallback();
    sent = route.request().postDataJSON();
    return route.fulfill({ status: 201, json: runs.find(({ id }) => id.endsWith('f')) });
  });
  await page.goto('/prepare/scenarios/checkout');
  await expect(page.getByRole('table', { name: 'Results of load runs' }).locator('tbody tr')).toHaveCount(3);
  await picture(page, 'scenario');
  await page.getByLabel('Environment').selectOption('staging');
  await page.getByRole('button', { name: 'Run the load' }).click();
  const dialog = page.getByRole('dialog');
  await expect(dialog).toContainText('the target of the environment “staging”');
  expect(sent).toBeUndefined();
  await dialog.getByRole('button', { name: 'Run the load' }).click();
  await expect(page).toHaveURL(/prepare\/runs\//);
  expect(sent).toEqual({ document: 'checkout', parameters: { mode: 'load', environment: 'staging' } });
});

test('an experiment says what it will touch before it runs', async ({ page }) => {
  await page.goto('/evolve/experiments/slow-database');
  await expect(page.getByRole('region', { name: 'Hypothesis' })).toContainText('Orders are taken');
  await picture(page, 'experiment');
  await page.getByRole('button', { name: 'Run', exact: true }).click();
  const dialog = page.getByRole('dialog');
  await expect(dialog).toContainText('slow-the-database');
  await expect(dialog).toContainText('proxies: database');
  await expect(dialog).toContainText('restart-orders');
  await picture(page, 'experiment-confirm');
  await dialog.getByRole('button', { name: 'Leave it' }).click();
  await expect(dialog).toBeHidden();
});

test('the looks of a canary are walked with the keyboard', async ({ page }) => {
  await page.goto('/operate/canaries');
  const strip = page.getByRole('toolbar', { name: 'Last looks of The checkout works' });
  const looks = strip.getByRole('button');
  await expect(looks).toHaveCount(30);
  await looks.last().focus();
  await page.keyboard.press('ArrowLeft');
  await expect(looks.nth(28)).toBeFocused();
  await expect(looks.nth(28)).toHaveAccessibleName(/frankfurt · failed: .*503/);
  await page.keyboard.press('Home');
  await expect(looks.first()).toBeFocused();
  await expect(looks.first()).toHaveAccessibleName(/passed/);
  await page.getByRole('link', { name: 'The checkout works' }).click();
  await expect(page.getByRole('table').locator('tbody tr')).toHaveCount(30);
  await settled(page);
  await picture(page, 'canary');
});

test('a job is told how to call in', async ({ page }) => {
  await page.goto('/operate/canaries/backup');
  await expect(page.getByRole('region', { name: 'How the job calls in' })).toContainText('/api/canaries/backup/heartbeat');
});
