import type { Page } from '@playwright/test';
import { deploymentDetail, deploymentEvents, deploymentOutput, deploymentRuns, deployments } from './mock/deployments';
import { alarms } from './mock/documents';
import { actAs, expect, people, settled, test } from './support';

const runOf = (number: number) => deploymentRuns.find(({ id }) => id.endsWith(`yd${number}`))!.id;
const [UNDER_WAY, JUDGED, ARRIVED, ACCUSED, WAITING] = [1, 2, 3, 4, 5].map(runOf) as [string, string, string, string, string];

/** Answers of a server on which these were deployed; everything else is the server's own. */
async function deployed(page: Page) {
  await page.route('**/api/deployments', (route) => route.fulfill({ json: deployments }));
  await page.route('**/api/deployments/switch', (route) => (route.request().method() === 'GET' ? route.fulfill({ json: { stopped: false, reason: null } }) : route.fallback()));
  await page.route('**/api/alarms', (route) => route.fulfill({ json: alarms }));
  await page.route('**/api/events?*dev.mainstay.deployment.*', (route) => {
    const asked = new URL(route.request().url()).searchParams;
    const events = deploymentEvents(1000).filter(({ run }) => !asked.has('run') || run === asked.get('run'));
    return route.fulfill({ json: asked.get('newest_first') === 'true' ? events.reverse() : events });
  });
  await page.route('**/api/runs?document=*', (route) => route.fulfill({ json: deploymentRuns.filter(({ document }) => route.request().url().includes(document)) }));
  await page.route(/\/api\/runs\/01jd3v5z0k8m4x2q7c9r1t6yd\d(\/output|\/stream)?(\?.*)?$/, (route) => {
    const url = new URL(route.request().url());
    const run = url.pathname.split('/')[3]!;
    const after = Number(url.searchParams.get('after') ?? -1);
    // Nothing new comes.
    if (url.pathname.endsWith('/stream')) return undefined;
    const json = url.pathname.endsWith('/output') ? { chunks: deploymentOutput(run)!.filter(({ sequence }) => sequence > after), next: 2 } : deploymentDetail(run);
    return route.fulfill({ json });
  });
}

test.beforeEach(async ({ page }) => deployed(page));

for (const [look, colorScheme, width] of [['dark', 'dark', 1400], ['light', 'light', 1400], ['narrow', 'dark', 360]] as const) {
  test.describe(look, () => {
    test.use({ colorScheme, viewport: { width, height: width > 400 ? 900 : 780 } });

    for (const [name, path, shows] of [
      ['deployments', '/prepare/deployments', 'main ol.stages > li'],
      ['deployment', '/prepare/deployments/orders-rollout', 'main table tbody tr'],
      ['deployment-under-way', `/prepare/runs/${UNDER_WAY}`, 'main canvas:visible'],
      ['deployment-judged', `/prepare/runs/${JUDGED}`, 'main figure'],
      ['deployment-arrived', `/prepare/runs/${ARRIVED}`, 'main figure'],
      ['deployment-accused', `/prepare/runs/${ACCUSED}`, 'main canvas:visible'],
      ['deployment-waiting', `/prepare/runs/${WAITING}`, 'main [aria-label^="Approval"]']
    ] as const) {
      test(name, async ({ page }) => {
        await page.goto(path);
        await expect(page.locator(shows).first()).toBeVisible();
        await settled(page);
        await page.screenshot({ path: `test-results/${name}-${look}.png`, fullPage: true });
      });
    }
  });
}

test('the pipeline shows what is where, and what is on its way', async ({ page }) => {
  await page.goto('/prepare/deployments');
  const orders = page.getByRole('region', { name: 'Orders' });
  const stages = orders.getByRole('list', { name: 'Environments of Orders' }).locator(':scope > li');
  await expect(stages).toHaveCount(3);
  await expect(stages.nth(2)).toContainText('2.3.8');
  await expect(stages.nth(2).getByRole('meter', { name: 'Traffic of 2.4.0' })).toHaveAttribute('aria-valuenow', '25');
  await expect(stages.nth(2).getByRole('list', { name: 'Gates before production' })).toContainText('from 09:00 to 16:00');
  await expect(page.getByRole('region', { name: 'Web' })).toContainText('Frozen until');
  await expect(page.getByRole('region', { name: 'Worker' })).toContainText('Waits for approval');
});

test('all deployments are stopped with a reason, after a question', async ({ page }) => {
  let sent: unknown;
  await page.route('**/api/deployments/switch', (route) => {
    if (route.request().method() === 'GET') return route.fallback();
    sent = route.request().postDataJSON();
    return route.fulfill({ json: sent });
  });
  await page.goto('/prepare/deployments');
  await page.getByRole('button', { name: 'Stop all deployments' }).focus();
  await page.keyboard.press('Enter');
  const dialog = page.getByRole('dialog');
  await expect(dialog).toContainText('stand still at their weight');
  await dialog.getByLabel('Why').fill('the database is being moved');
  expect(sent).toBeUndefined();
  await page.keyboard.press('Enter');
  await expect(dialog).toBeHidden();
  expect(sent).toEqual({ stopped: true, reason: 'the database is being moved' });
});

test('the record of a shift is shown with its moments, hooks, alarms and judgement', async ({ page }) => {
  await page.goto(`/prepare/runs/${JUDGED}`);
  const production = page.getByRole('region', { name: /^production/ });
  await expect(production.getByRole('alert')).toContainText('The judge took 2.3.9 back');
  await expect(production.getByRole('alert')).toContainText('back on 2.3.8 400 ms later');
  await expect(production.getByRole('list', { name: 'Hooks' }).getByRole('link', { name: 'checkout' })).toBeVisible();
  const errors = production.getByRole('region', { name: 'Judgement of errors' });
  await expect(errors).toContainText('Fail');
  await expect(errors.getByRole('figure', { name: /Effect: \+61%, between \+14% and \+128%/ })).toBeVisible();
  await expect(errors.getByRole('table', { name: 'Tests of errors' })).toContainText('harm');
  await expect(errors.getByRole('img', { name: 'errors of both versions' }).locator('canvas')).toBeVisible();
  await production.getByText('Record', { exact: true }).click();
  await expect(production.getByRole('list', { name: 'Record' })).toContainText('the router sends 25% to 2.3.9');
});

test('the judge says what it lacks', async ({ page }) => {
  await page.goto(`/prepare/runs/${UNDER_WAY}`);
  await expect(page.getByRole('region', { name: 'Judgement of latency' })).toContainText('About 14 more points of each version would decide, that is 3 min 30 s at this rate.');
  await expect(page.getByRole('list', { name: 'Alarms watched' }).last()).toContainText('It goes on: the alarm OrdersFailing fires on version 2.3.8');
});

test('a shift is paused at once, and promoted by a person with a name after a question', async ({ page, request }) => {
  const sent: unknown[] = [];
  await page.route('**/api/deployments/runs/*/action', (route) => {
    sent.push(route.request().postDataJSON());
    return route.fulfill({ status: 204 });
  });
  await page.goto(`/prepare/runs/${UNDER_WAY}`);
  const production = page.getByRole('region', { name: /^production/ });
  // The deployment names its operators, so that nobody without a name can be one.
  await expect(production.getByRole('button', { name: 'Pause' })).toBeDisabled();
  await expect(production.getByRole('button', { name: 'Promote' })).toBeDisabled();
  await actAs(page, (await people(request))[0]);
  await production.getByRole('button', { name: 'Pause' }).click();
  await expect.poll(() => sent).toEqual(['pause']);
  await production.getByRole('button', { name: 'Promote' }).click();
  await expect(page.getByRole('dialog')).toContainText('Then 50% of the traffic of production go to 2.4.0');
  await page.getByRole('dialog').getByRole('button', { name: 'Promote' }).click();
  await expect.poll(() => sent).toEqual(['pause', 'promote']);
});

test('what was taken back is tried once more', async ({ page, request }) => {
  let sent: unknown;
  await page.route('**/api/runs', (route) => {
    if (route.request().method() !== 'POST') return route.fallback();
    sent = route.request().postDataJSON();
    return route.fulfill({ status: 201, json: deploymentRuns.find(({ id }) => id === WAITING) });
  });
  await page.goto(`/prepare/runs/${ACCUSED}`);
  await expect(page.getByRole('region', { name: /^production/ }).getByRole('alert')).toContainText('An alarm took 118 back');
  await actAs(page, (await people(request))[0]);
  await page.getByRole('button', { name: 'Retry' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Retry' }).click();
  await expect(page).toHaveURL(new RegExp(WAITING));
  expect(sent).toMatchObject({ document: 'web-rollout', parameters: { version: '118' } });
});
