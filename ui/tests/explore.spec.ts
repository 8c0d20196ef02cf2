import { readFile } from 'node:fs/promises';
import type { Logs, TraceSummary } from '../src/lib/api/types';
import { expect, picture, read, settled, test } from './support';

test('a metric is completed, drawn, hidden and shared by its address', async ({ page }) => {
  await page.goto('/explore/metrics');
  const editor = page.getByLabel('PromQL expression 1').and(page.locator('[contenteditable]'));
  await editor.click();
  await page.keyboard.type('coun');
  await expect(page.locator('.cm-tooltip-autocomplete')).toContainText('count');
  await page.keyboard.press('Escape');
  await editor.fill('count by (job, instance) ({__name__=~".+"})');
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/q=count/);
  await expect(page.locator('[aria-label="Chart"] canvas')).toBeVisible();
  const first = page.getByRole('list', { name: 'Series' }).getByRole('button').first();
  await first.click();
  await expect(first).toHaveAttribute('aria-pressed', 'false');
  await first.click();
  await expect(first).toHaveAttribute('aria-pressed', 'true');
  await page.getByLabel('Time range: Last hour').click();
  await page.getByRole('button', { name: 'Last 15 minutes' }).click();
  await expect(page).toHaveURL(/from=now-15m/);
  await page.getByRole('navigation').getByRole('link', { name: 'Logs' }).click();
  await expect(page).toHaveURL(/logs\?from=now-15m/);
});

test('an expression that is wrong says where', async ({ page, problems }) => {
  await page.goto(`/explore/metrics?q=${encodeURIComponent('sum((')}`);
  await expect(page.getByRole('alert').first()).toContainText(/parse|unclosed|expected|syntax/i);
  // The browser itself reports the refused request.
  problems.length = 0;
});

test('logs are filtered, opened, followed to their trace and back', async ({ page, request }) => {
  const { lines } = await read<Logs>(request, 'logs?limit=1000');
  const line = lines.find(({ trace_id }) => trace_id)!;
  await page.goto('/explore/logs');
  await page.getByLabel('Service').selectOption(line.service);
  await expect(page).toHaveURL(new RegExp(`service=${line.service}`));
  const word = line.body.split(/\s+/)[0]!;
  await page.getByRole('searchbox').fill(word);
  await page.getByRole('searchbox').press('Enter');
  await expect(page).toHaveURL(/contains=/);
  const rows = page.locator('[aria-label="Log records"] li');
  await expect(rows.first()).toContainText(word);
  await page.goto(`/explore/logs?trace_id=${line.trace_id}`);
  await rows.first().locator('summary').click();
  await expect(rows.first().getByText('Resource')).toBeVisible();
  await picture(page, 'log-open');
  await rows.first().getByRole('link', { name: 'Open the trace' }).click();
  await expect(page.getByRole('tree')).toBeVisible();
  await page.getByRole('link', { name: 'Logs of this trace' }).click();
  await expect(page).toHaveURL(/trace_id=/);
  await expect(page.locator('[aria-label="Log records"] li').first()).toBeVisible();
});

test('the live tail shows records as they arrive', async ({ page }) => {
  await page.goto('/explore/logs');
  await page.getByRole('button', { name: 'Live tail' }).click();
  await expect(page.locator('[aria-label="Log records"] li').first()).toBeVisible({ timeout: 20_000 });
  await page.getByRole('button', { name: 'Stop the live tail' }).click();
  await expect(page).not.toHaveURL(/live=1/);
});

test('a waterfall is walked with the keyboard', async ({ page, request }) => {
  const traces = await read<TraceSummary[]>(request, 'traces');
  const trace = traces.find(({ spans }) => spans >= 4) ?? traces[0]!;
  await page.goto(`/explore/traces/${trace.trace_id}`);
  const rows = page.getByRole('treeitem');
  await expect(rows.first()).toBeVisible();
  const all = await rows.count();
  await rows.first().focus();
  await page.keyboard.press('ArrowDown');
  await expect(rows.nth(1)).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(page.getByRole('complementary', { name: 'Span details' })).toBeVisible();
  await expect(page).toHaveURL(/span=/);
  await rows.first().focus();
  await page.keyboard.press('ArrowLeft');
  await expect.poll(() => rows.count()).toBeLessThan(all);
  await page.keyboard.press('ArrowRight');
  await expect(rows).toHaveCount(all);
  await picture(page, 'waterfall');
});

test('traces are searched by errors and service', async ({ page }) => {
  await page.goto('/explore/traces');
  await expect(page.locator('table tbody tr').first()).toBeVisible();
  await page.getByLabel('Only with errors').check();
  await expect(page).toHaveURL(/errors=true/);
  await settled(page);
});

test('SQL runs, draws, and leaves as CSV', async ({ page }) => {
  await page.goto('/explore/sql');
  const editor = page.getByLabel('SQL query').and(page.locator('[contenteditable]'));
  await editor.fill("select date_trunc('minute', time) as minute, count(*) as records from logs group by 1 order by 1");
  await page.keyboard.press('Control+Enter');
  await expect(page.locator('[aria-label="Result"] tbody tr').first()).toBeVisible();
  const downloading = page.waitForEvent('download');
  await page.getByRole('button', { name: 'CSV' }).click();
  const text = await readFile(await (await downloading).path(), 'utf8');
  expect(text.split('\r\n')[0]).toMatch(/^minute,/);
  await expect(page.getByRole('complementary', { name: 'Tables' })).toContainText('logs');
});

test('SQL that is wrong gets the server’s own words', async ({ page, problems }) => {
  await page.goto('/explore/sql?sql=oops');
  await expect(page.getByRole('alert')).toContainText(/sql|oops/i);
  problems.length = 0;
});
