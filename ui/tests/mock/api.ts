import type { Action, Delivery, DocumentProblem, Event, Incident, IncidentDetail, LogLine, Overview, RunnerSummary, ServerStatus } from '../../src/lib/api/types.ts';
import { configProfiles, flagAnswers } from './config-profiles.ts';
import * as docs from './documents.ts';
import * as rollouts from './deployments.ts';
import * as days from './game-days.ts';
import { allOutputOf } from './output.ts';
import { runDetail, runs } from './runs.ts';
import * as scripts from './scenarios.ts';
import * as telemetry from './telemetry.ts';
import * as values from './values.ts';

export interface Answer {
  status: number;
  body: unknown;
}

/** `MAINSTAY_MOCK_EMPTY=1` shows what a newcomer sees: no documents, no signals. */
const EMPTY = process.env.MAINSTAY_MOCK_EMPTY === '1';

const actions: Action[] = [
  { id: '01jd3v5z0k8m4x2q7c9r1t6y1a', incident: 'INC-6', title: 'Let the canary judge the checkout’s duration', owner: 'user:default/ben', status: 'open', created_at: docs.ago(84000), done_at: null },
  { id: '01jd3v5z0k8m4x2q7c9r1t6y1b', incident: 'INC-6', title: 'Write the rollback down as a runbook', owner: null, status: 'done', created_at: docs.ago(84000), done_at: docs.ago(4000) }
];

const event = (position: number, type: string, secondsAgo: number, rest: Partial<Event>): Event => ({
  specversion: '1.0', id: `01jd3v5z0k8m4x2q7c9r1t${String(position).padStart(4, '0')}`, source: '/operate/alarms', type: `dev.mainstay.${type}`, time: docs.ago(secondsAgo), position, actor: 'system', data: {}, ...rest
});

const events: Event[] = [
  event(1, 'alarm.pending', 250, { subject: 'orders/OrdersFailing', data: { name: 'OrdersFailing' } }),
  event(2, 'alarm.firing', 190, { subject: 'orders/OrdersFailing', incident: 'INC-7', data: { name: 'OrdersFailing' } }),
  event(3, 'incident.opened', 185, { incident: 'INC-7', actor: 'rule:open-incident', data: { title: 'Orders fails: 31% of requests end in an error' } }),
  event(4, 'run.requested', 182, { incident: 'INC-7', run: runs[1]!.id, actor: 'rule:open-incident', data: { document: 'diagnose-errors', title: 'Diagnose errors' } }),
  event(5, 'run.succeeded', 172, { incident: 'INC-7', run: runs[1]!.id, data: { title: 'Diagnose errors' } }),
  event(6, 'incident.note', 130, { incident: 'INC-7', actor: 'user:default/ada', data: { text: 'Looks like the inventory connection. Asking for the restart.' } }),
  event(7, 'incident.updated', 120, { incident: 'INC-7', actor: 'user:default/ada', data: { status: 'acknowledged' } }),
  event(8, 'run.waiting', 58, { incident: 'INC-7', run: runs[0]!.id, data: { title: 'Restart orders' } }),
  ...rollouts.deploymentEvents(9)
];

const texts = ['Alarm OrdersFailing is pending', 'Alarm OrdersFailing fires: 31.4% of requests to orders fail', 'Incident opened as SEV-1', 'Playbook Diagnose errors was requested', 'Playbook Diagnose errors succeeded: orders / reserve stock', 'Looks like the inventory connection. Asking for the restart.', 'Status changed to acknowledged', 'Runbook Restart orders waits for approval'];

const deliveries: Delivery[] = (['dead', 'delivered', 'pending'] as const).map((status, index) => ({
  id: `01jd3v5z0k8m4x2q7c9r1t6y2${index}`, channel: index ? 'webhook' : 'slack', rule: 'open-incident', target: index ? 'https://example.com/hook' : 'env:SLACK_URL', headers: {}, body: { text: 'SEV-1: Orders fails' }, status,
  attempts: index ? 1 : 6, next_attempt_at: status === 'pending' ? new Date(Date.now() + 3e4).toISOString() : null, last_error: index ? null : 'connect to hooks.slack.com: connection refused', created_at: docs.ago(180), delivered_at: status === 'delivered' ? docs.ago(179) : null, cause: events[2]!.id, incident: 'INC-7'
}));

const overview = (): Overview => ({
  workload: 'shop', at: new Date().toISOString(), health: EMPTY ? 'good' : 'bad', incidents: EMPTY ? [] : docs.incidents.filter(({ status }) => status !== 'resolved'),
  alarms: EMPTY ? [] : docs.alarms.filter(({ state }) => state !== 'inactive'), runs: EMPTY ? [] : runs.filter(({ status }) => ['waiting', 'interrupted'].includes(status)),
  components: EMPTY ? [] : docs.entities.filter(({ kind }) => kind === 'Component').map((one, index) => ({
    reference: one.reference, title: one.title ?? one.name, owner: one.owner, impact: one.impact, tier: one.tier, alarm_state: one.alarm_state, rate: 12.1 / (index + 1), error_ratio: index === 1 ? 0.314 : 0.002, p95_ms: index === 1 ? 412 : 48
  })),
  open_actions: EMPTY ? [] : actions.filter(({ status }) => status === 'open'), dead_deliveries: EMPTY ? [] : deliveries.filter(({ status }) => status === 'dead'), recent_events: EMPTY ? [] : [...events].reverse(),
  documents: EMPTY ? { documents: 0, errors: 0, warnings: 0 } : { documents: 18, errors: 1, warnings: 2 }, has_signals: !EMPTY
});

const runners: RunnerSummary[] = [
  { runner: '01jd3v5z0k8m4x2q7c9r1t6y3a', location: 'berlin', version: '0.1.0', since: docs.ago(7200), seen_at: docs.ago(2), canaries: ['checkout', 'front-page'], plays: { run: runs[0]!.id, share: 1 } },
  { runner: '01jd3v5z0k8m4x2q7c9r1t6y3b', location: 'oslo', version: '0.1.0', since: docs.ago(300), seen_at: docs.ago(11), canaries: [], plays: null }
];

const status: ServerStatus = {
  version: '0.1.0', started_at: docs.ago(86400), ledger: 'sqlite /var/lib/mainstay/ledger.db', lake: 'file:///var/lib/mainstay/lake', otlp_grpc: 'http://127.0.0.1:4317', otlp_http: 'http://127.0.0.1:4318', ops: '/srv/shop/ops', revision: '667cee4',
  tasks: [
    { name: 'alarms', passes: 8211, failures: 0, last_summary: '4 rules evaluated, 1 firing', last_error: null, last_started: docs.ago(5), last_duration_ms: 3.2 },
    { name: 'event-rules', passes: 120, failures: 0, last_summary: '2 events matched', last_error: null, last_started: docs.ago(58), last_duration_ms: 1.1 },
    { name: 'deliveries', passes: 44, failures: 3, last_summary: '1 delivered', last_error: 'database is locked', last_started: docs.ago(30), last_duration_ms: 210 }
  ]
};

const problems: DocumentProblem[] = [
  { code: 'unknown-reference', level: 'error', origin: { path: 'ops/rules/incident.yaml', line: 12, column: 17 }, message: 'There is no runbook `diagnose-error`.', mend: 'Did you mean `diagnose-errors`?' },
  { code: 'unknown-field', level: 'warning', origin: { path: 'ops/catalog/shop.yaml', line: 31, column: 5 }, message: '`spec.lifecicle` means nothing here.', mend: 'Did you mean `lifecycle`?' }
];

const incidentDetail = (incident: Incident): IncidentDetail => ({
  incident, timeline: events.filter((one) => one.incident === incident.id).map((one) => ({ time: one.time, text: texts[one.position - 1]!, event: one })), runs: runs.filter((one) => one.incident === incident.id),
  alarms: docs.alarms.slice(0, 1), actions: actions.filter((one) => one.incident === incident.id), postmortem: docs.postmortems.find((one) => one.incident === incident.id) ?? null
});

export function respond(method: string, url: URL, sent: Record<string, unknown>): Answer {
  const path = url.pathname.slice('/api/'.length);
  if (method !== 'GET') return act(method, path, sent);
  const body = read(path, url.searchParams);
  return body === null || body === undefined ? missing(path) : { status: 200, body };
}

function read(path: string, query: URLSearchParams): unknown {
  const [head, id, rest] = path.split('/').map(decodeURIComponent);
  const end = Date.parse(query.get('end') ?? '') || Date.now();
  const start = Date.parse(query.get('start') ?? '') || end - 36e5;
  const orEmpty = <T>(list: T[]): T[] => (EMPTY ? [] : list);
  const routes: Record<string, () => unknown> = {
    overview,
    entities: () => (id ? docs.entityDetail(`${id}:${rest}/${path.split('/')[3]}`) : orEmpty(docs.entities.filter(({ kind }) => !query.get('kind') || kind === query.get('kind')))),
    services: () => telemetry.signals(id!, start / 1e3, end / 1e3),
    'service-map': () => (EMPTY ? { nodes: [], edges: [] } : telemetry.serviceMap),
    'service-names': () => ({ services: orEmpty(['web', 'orders', 'worker', 'catalog']), operations: { web: ['POST /checkout', 'GET /products'], orders: ['POST /orders'] } }),
    alarms: () => (id ? docs.alarms.find((one) => one.id === query.get('id')) : orEmpty(docs.alarms)),
    'event-rules': () => orEmpty(docs.eventRules),
    deliveries: () => orEmpty(deliveries.filter((one) => !query.get('status') || one.status === query.get('status'))),
    incidents: () => (id ? withDetail(docs.incidents.find((one) => one.id === id)) : orEmpty(docs.incidents)),
    runbooks: () => (id ? { ...docs.runbookDetail(id), runs: runs.filter((one) => one.document === id) } : orEmpty(docs.runbooks.map((one) => ({ ...one, last_run: runs.find((run) => run.document === one.name) ?? null })))),
    scenarios: () => (id ? scripts.scenarios.find((one) => one.name === id) : orEmpty(scripts.scenarios)),
    'config-profiles': () => (id ? configProfiles.find((one) => one.name === id) : orEmpty(configProfiles)),
    canaries: () => (id ? scripts.canaries.find((one) => one.name === id) : orEmpty(scripts.canaries)),
    experiments: () => (id ? (id === scripts.experiment.name ? scripts.experiment : null) : orEmpty([scripts.experiment])),
    'game-days': () => (id === 'coverage' ? (EMPTY ? { modes: days.coverage.modes, components: [], cells: [] } : days.coverage) : id ? (id === days.gameDay.name ? days.gameDay : null) : orEmpty(days.gameDays)),
    trainings: () => orEmpty(days.trainings.filter(({ user }) => user === (query.get('user') ?? user))),
    deployments: () => (id === 'switch' ? rollouts.deploymentSwitch : orEmpty(rollouts.deployments)),
    runs: () => (!id ? orEmpty(runs.filter(({ document }) => (query.get('document') ?? document) === document)) : rest === 'output' ? { chunks: allOutputOf(id).filter((one) => one.sequence > Number(query.get('after') ?? -1)), next: 4 } : runDetail(id)),
    postmortems: () => (id ? { ...docs.postmortemDetail, actions } : orEmpty(docs.postmortems)),
    actions: () => orEmpty(actions),
    events: () => orEmpty((query.get('newest_first') === 'true' ? [...events].reverse() : events).filter((one) => one.position < Number(query.get('before') ?? 1e9) && one.type.startsWith(query.get('type') ?? '') && (!query.get('run') || one.run === query.get('run')))).slice(0, Number(query.get('limit') ?? 1000)),
    tables: () => telemetry.tables,
    logs: () => (id === 'histogram' ? telemetry.histogram(start / 1e3, end / 1e3) : { lines: orEmpty(telemetry.logs(start, end, Number(query.get('limit') ?? 200)).filter((line) => matches(line, query))), truncated: true }),
    traces: () => (id ? telemetry.trace(id) : orEmpty(telemetry.traces(start, end))),
    parameters: () => (id === 'history' ? values.history(query.get('path')) : orEmpty(values.parameters)),
    secrets: () => (id === 'detail' ? values.secretDetail(query.get('path')) : orEmpty(values.secrets)),
    runners: () => orEmpty(runners),
    status: () => status,
    documents: () => orEmpty(problems)
  };
  return routes[head!]?.();
}

const matches = (line: LogLine, query: URLSearchParams) =>
  (query.get('service') ?? line.service) === line.service && (query.get('trace_id') ?? line.trace_id) === line.trace_id && line.body.includes(query.get('contains') ?? '');

const withDetail = (incident: Incident | undefined) => incident && incidentDetail(incident);

function act(method: string, path: string, sent: Record<string, unknown>): Answer {
  const [head, id, rest] = path.split('/').map(decodeURIComponent);
  if (head === 'query') {
    if (String(sent.sql).includes('oops')) return { status: 400, body: { title: 'Bad Request', status: 400, detail: 'SQL error: ParserError("Expected: an SQL statement, found: oops at Line: 1, Column: 1")' } };
    return { status: 200, body: telemetry.sqlTable() };
  }
  if (head === 'secrets' && id === 'read') return { status: 200, body: { path: sent.path, version: sent.version, value: 'correct-horse-battery' } };
  if (head === 'config-profiles') return { status: 200, body: flagAnswers };
  if (head === 'deployments' && id === 'switch') return { status: 200, body: Object.assign(rollouts.deploymentSwitch, sent.stopped ? sent : { stopped: false, reason: null }) };
  if (head === 'deployments') return { status: 204, body: undefined };
  if (head === 'runs' && rest === 'approve') return { status: 403, body: { title: 'Forbidden', status: 403, detail: 'The one who asked may not approve. Ask somebody of group:default/fulfilment.' } };
  if (head === 'runs' && !id) return { status: 201, body: runs[0] };
  if (head === 'actions') Object.assign(actions.find((one) => one.id === id) ?? {}, { status: sent.status, done_at: sent.status === 'done' ? new Date().toISOString() : null });
  if (head === 'incidents' && method === 'PATCH') Object.assign(docs.incidents.find((one) => one.id === id) ?? {}, sent);
  if (head === 'incidents' && rest === 'postmortem') return { status: 200, body: docs.postmortems[0] };
  if (head === 'incidents' && !id) return { status: 201, body: docs.incidents[0] };
  return { status: 200, body: {} };
}

function missing(path: string): Answer {
  return { status: 404, body: { title: 'Not Found', status: 404, detail: `There is no ${path}.` } };
}
