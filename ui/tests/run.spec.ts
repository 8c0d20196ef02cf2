import type { EntityDetail, Run, RunbookDetail, RunbookSummary, RunDetail } from '../src/lib/api/types';
import { actAs, expect, people, picture, read, settled, test } from './support';

test('a playbook is run from its page and shows its output', async ({ page, request }) => {
  test.setTimeout(90_000);
  const [first] = await people(request);
  const playbook = (await read<RunbookSummary[]>(request, 'runbooks')).find(({ kind }) => kind === 'playbook')!;
  await page.goto(`/prepare/runbooks/${playbook.name}`);
  await actAs(page, first);
  await fillParameters(page, await read<RunbookDetail>(request, `runbooks/${playbook.name}`));
  await page.getByRole('button', { name: 'Run', exact: true }).click();
  await expect(page).toHaveURL(/prepare\/runs\//);
  await expect(page.locator('main').getByText(/Succeeded|Failed/).first()).toBeVisible({ timeout: 60_000 });
  await expect(page.locator('[aria-label="Output"]').first()).toBeVisible();
  await settled(page);
  await picture(page, 'run-finished');
});

test('a gated step shows what is approved and wants another person', async ({ page, request }) => {
  test.setTimeout(90_000);
  const [first] = await people(request);
  const gated = await gatedRunbook(request);
  test.skip(!gated, 'the workload has no runbook with an approval');
  await page.goto(`/prepare/runbooks/${gated!.summary.name}`);
  await actAs(page, first);
  await fillParameters(page, gated!);
  await page.getByRole('button', { name: 'Run', exact: true }).click();
  await expect(page).toHaveURL(/prepare\/runs\//);
  const gate = page.getByRole('region', { name: /^Approval of/ });
  await expect(gate).toBeVisible({ timeout: 60_000 });
  await expect(gate.getByRole('button', { name: 'Approve' })).toBeDisabled();
  await expect(gate).toContainText('somebody else must approve');
  await picture(page, 'run-waiting');
  const id = page.url().split('/').at(-1)!;
  const { steps } = await read<RunDetail>(request, `runs/${id}`);
  const waiting = steps.find(({ status }) => status === 'waiting')!;
  await actAs(page, await approver(request, waiting.approval?.approvers ?? [], first));
  await expect(page.locator('pre.source', { hasText: waiting.source.trim().split('\n')[0]! }).first()).toBeVisible();
  await gate.getByRole('button', { name: 'Reject' }).click();
  await expect.poll(async () => (await read<{ run: Run }>(request, `runs/${id}`)).run.status).toMatch(/cancelled|failed/);
  await expect(page.locator('main').getByText(/Cancelled|Failed/).first()).toBeVisible();
});

/** Somebody who may approve and is not the one who asked. */
async function approver(request: Parameters<typeof read>[0], approvers: string[], initiator: string): Promise<string> {
  const candidates = approvers.length ? approvers.filter((one) => one.startsWith('user:')) : await people(request);
  for (const group of approvers.filter((one) => one.startsWith('group:'))) {
    const { relations } = await read<EntityDetail>(request, `entities/${group.replace(':', '/')}`);
    candidates.push(...relations.filter(({ type }) => type === 'hasMember').map(({ target }) => target));
  }
  return candidates.find((one) => one !== initiator)!;
}

async function gatedRunbook(request: Parameters<typeof read>[0]): Promise<RunbookDetail | undefined> {
  for (const { name } of await read<RunbookSummary[]>(request, 'runbooks')) {
    const detail = await read<RunbookDetail>(request, `runbooks/${name}`);
    if (/^```.*approv/m.test(detail.markdown)) return detail;
  }
  return undefined;
}

async function fillParameters(page: Parameters<typeof actAs>[0], { parameters }: RunbookDetail) {
  for (const parameter of parameters.filter(({ required, default: standard }) => required && !standard)) {
    const field = page.getByRole('form', { name: /Run it/ }).getByLabel(parameter.name);
    if (parameter.allowed.length) await field.selectOption(parameter.allowed[0]!);
    else await field.fill('test');
  }
}
