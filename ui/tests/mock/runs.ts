import type { OutputChunk, Run, RunDetail, Step } from '../../src/lib/api/types.ts';
import { deploymentDetail, deploymentRuns } from './deployments.ts';
import { ago } from './documents.ts';

const run = (id: string, rest: Partial<Run>): Run => ({
  id, kind: 'runbook', document: 'restart-orders', title: 'Restart orders', document_digest: 'b1946ac9', status: 'waiting', initiator: 'rule:open-incident', incident: 'INC-7', component: 'component:default/orders',
  parameters: { service: 'orders', grace: '5', reason: 'errors' }, outputs: {}, requested_at: ago(60), started_at: ago(59), finished_at: null, deadline: null, error: null, cancel_requested: false, revision: 3, ...rest
});

const played = (letter: string, kind: Run['kind'], document: string, rest: Partial<Run>): Run =>
  run(`01jd3v5z0k8m4x2q7c9r1t6y0${letter}`, { kind, document, title: document, status: 'succeeded', initiator: 'user:default/ada', incident: null, component: null, parameters: {}, ...rest });

export const runs: Run[] = [
  run('01jd3v5z0k8m4x2q7c9r1t6y0a', {}),
  run('01jd3v5z0k8m4x2q7c9r1t6y0b', { kind: 'playbook', document: 'diagnose-errors', title: 'Diagnose errors', status: 'succeeded', requested_at: ago(180), started_at: ago(180), finished_at: ago(172), outputs: { failing_service: 'orders', failing_span: 'reserve stock' } }),
  run('01jd3v5z0k8m4x2q7c9r1t6y0c', { document: 'drain-queue', title: 'Drain the queue', status: 'failed', incident: null, initiator: 'user:default/ben', requested_at: ago(7200), started_at: ago(7200), finished_at: ago(7150), error: 'Step drain ended with exit code 2.' }),
  run('01jd3v5z0k8m4x2q7c9r1t6y0d', { document: 'drain-queue', title: 'Drain the queue', status: 'interrupted', incident: null, initiator: 'user:default/ben', requested_at: ago(9200), started_at: ago(9200), error: 'The server ended while step drain was running.' }),
  played('e', 'scenario', 'checkout', { status: 'failed', parameters: { mode: 'test', environment: 'staging' }, requested_at: ago(900), started_at: ago(900), finished_at: ago(899), error: 'The journey buy a pair of shoes failed: the status is not what was expected.' }),
  played('f', 'scenario', 'checkout', { parameters: { mode: 'load' }, requested_at: ago(4000), started_at: ago(4000), finished_at: ago(3880) }),
  played('g', 'scenario', 'checkout', { parameters: { mode: 'load' }, status: 'failed', requested_at: ago(90_000), started_at: ago(90_000), finished_at: ago(89_880), error: 'The generator slipped by 13%.' }),
  played('h', 'scenario', 'checkout', { parameters: { mode: 'load' }, requested_at: ago(176_000), started_at: ago(176_000), finished_at: ago(175_880) }),
  played('j', 'scenario', 'checkout', { parameters: { mode: 'load' }, status: 'running', requested_at: ago(70), started_at: ago(70) }),
  played('i', 'experiment', 'slow-database', { title: 'The shop stands a slow database', status: 'failed', requested_at: ago(640), started_at: ago(640), finished_at: ago(599), error: 'The hypothesis is not met after the method: orders-are-taken.' }),
  played('k', 'gameday', 'autumn', { title: 'Autumn game day', requested_at: ago(3 * 86_400), started_at: ago(3 * 86_400), finished_at: ago(3 * 86_400 - 2400) }),
  played('l', 'gameday', 'autumn', { title: 'Autumn game day', requested_at: ago(35 * 86_400), started_at: ago(35 * 86_400), finished_at: ago(35 * 86_400 - 2400) }),
  played('m', 'gameday', 'autumn', { title: 'Autumn game day', status: 'failed', requested_at: ago(64 * 86_400), started_at: ago(64 * 86_400), finished_at: ago(64 * 86_400 - 2400), error: 'it was aborted: the alarm OrdersFailing fires' }),
  ...deploymentRuns
];

const step = (index: number, rest: Partial<Step>): Step => ({
  run: '', index, name: `cell-${index + 1}`, language: 'bash', source: '', status: 'succeeded', attempt: 1, started_at: ago(59 - index), finished_at: ago(58 - index), exit_code: 0, error: null, approval: null, ...rest
});

export function runDetail(id: string): RunDetail | null {
  const found = runs.find((one) => one.id === id);
  if (!found) return null;
  if (found.kind === 'deployment') return deploymentDetail(id);
  if (found.kind === 'scenario' || found.kind === 'experiment') {
    const source = 'config:\n  target: http://127.0.0.1:8080\n';
    return { run: found, steps: [step(0, { name: found.document, language: found.kind, source, status: found.status as Step['status'], started_at: found.started_at, finished_at: found.finished_at, exit_code: null })] };
  }
  if (found.kind === 'gameday') {
    const steps = ['open the practice incident', 'slow-database', 'lost-worker', 'write the report'];
    return { run: found, steps: steps.map((name, index) => step(index, { name, language: 'game-day', source: index ? '' : 'ops/game-days/autumn.yaml', started_at: found.started_at, finished_at: found.finished_at, exit_code: null })) };
  }
  const ended = found.status === 'succeeded';
  return {
    run: found,
    steps: [
      step(0, { name: 'error-ratio', language: 'promql', source: 'sum(rate(http_server_request_duration_seconds_count{service_name="orders",status="500"}[1m]))', exit_code: null }),
      step(1, { name: 'failing-spans', language: 'sql', source: "select service, name, count(*) as failed\nfrom spans where status = 'error'\ngroup by service, name order by failed desc limit 5", exit_code: null }),
      step(2, {
        name: 'restart', source: 'curl -fsS -X POST "$ADMIN_URL/faults/clear"\necho "restarted $SERVICE"',
        status: ended ? 'succeeded' : found.status === 'failed' ? 'failed' : found.status === 'interrupted' ? 'interrupted' : 'waiting', started_at: null, finished_at: null, exit_code: null,
        approval: found.status === 'waiting' ? { approvers: ['group:default/fulfilment'], needed: 1, reason: 'Restarting orders drops the requests under way.', expires_at: new Date(Date.now() + 36e5).toISOString(), approved_by: [], rejected_by: null, digest: '9f86d081884c7d65' } : null
      }),
      step(3, { name: 'verify', language: 'python', source: 'print("ok")', status: ended ? 'succeeded' : 'pending', started_at: null, finished_at: null })
    ]
  };
}

export function outputOf(id: string): OutputChunk[] {
  const end = Date.now() / 1e3;
  const values = Array.from({ length: 60 }, (_, index) => [end - 3600 + index * 60, String(index > 45 ? 0.3 + Math.random() / 20 : 0.01)]);
  const chunk = (sequence: number, stepIndex: number, kind: OutputChunk['kind'], data: string): OutputChunk => ({ run: id, step: stepIndex, sequence, kind, time: ago(59 - sequence), data });
  return [
    chunk(0, 0, 'chart', JSON.stringify({ expression: 'sum(rate(http_server_request_duration_seconds_count{status="500"}[1m]))', start: ago(3600), end: ago(0), step: 60, result: [{ metric: { service_name: 'orders' }, values }], left_out: 0 })),
    chunk(1, 1, 'table', JSON.stringify({ columns: [{ name: 'service', type: 'text' }, { name: 'name', type: 'text' }, { name: 'failed', type: 'integer' }], rows: [['orders', 'reserve stock', 128], ['web', 'POST /checkout', 119]], truncated: false })),
    chunk(2, 2, 'note', 'Waits for the approval of group:default/fulfilment.'),
    chunk(3, 2, 'stdout', '\u001b[1mRestarting\u001b[0m orders … \u001b[32m✓ healthy\u001b[0m in 1.2 s\n'),
    chunk(4, 2, 'stderr', '\u001b[33mwarning:\u001b[0m 3 requests were cut\n')
  ];
}
