import type {
  AlarmRecord,
  EntityDetail,
  EntitySummary,
  EventRuleView,
  Incident,
  Postmortem,
  PostmortemDetail,
  RunbookDetail,
  RunbookSummary
} from '../../src/lib/api/types.ts';

const NOW = Date.now();
/** An instant so many seconds ago. */
export const ago = (seconds: number): string => new Date(NOW - seconds * 1e3).toISOString();

function entity(kind: string, name: string, rest: Partial<EntitySummary> = {}): EntitySummary {
  return {
    reference: `${kind.toLowerCase()}:default/${name}`, kind, name, title: null, description: null, type: null, lifecycle: null,
    owner: null, system: null, impact: null, tier: null, tags: [], service: null, alarm_state: null, ...rest
  };
}

const shop = { system: 'system:default/shop', lifecycle: 'production' };
export const entities: EntitySummary[] = [
  entity('Component', 'web', { ...shop, title: 'Web', description: 'The storefront: pages and the checkout form.', type: 'website', owner: 'group:default/storefront', impact: 'high', tier: 2, service: 'web', alarm_state: 'pending', tags: ['rust', 'http'] }),
  entity('Component', 'orders', { ...shop, title: 'Orders', description: 'Takes orders, reserves stock and puts them into the queue.', type: 'service', owner: 'group:default/fulfilment', impact: 'critical', tier: 1, service: 'orders', alarm_state: 'firing', tags: ['rust', 'grpc'] }),
  entity('Component', 'worker', { ...shop, title: 'Worker', description: 'Takes orders from the queue and ships them.', type: 'service', owner: 'group:default/fulfilment', impact: 'medium', tier: 3, service: 'worker', alarm_state: 'inactive', tags: ['rust'] }),
  entity('System', 'shop', { title: 'Shop', description: 'Everything that sells.', owner: 'group:default/storefront' }),
  entity('API', 'orders-api', { description: 'REST API of orders.', type: 'openapi', lifecycle: 'production', owner: 'group:default/fulfilment', system: 'system:default/shop' }),
  entity('Resource', 'order-queue', { description: 'The queue between orders and worker.', type: 'queue', owner: 'group:default/fulfilment', system: 'system:default/shop' }),
  entity('Group', 'fulfilment', { title: 'Fulfilment', type: 'team' }),
  entity('Group', 'storefront', { title: 'Storefront', type: 'team' }),
  entity('User', 'ada', { title: 'Ada Okafor' }),
  entity('User', 'ben', { title: 'Ben Lindqvist' }),
  entity('User', 'chiyo', { title: 'Chiyo Tanaka' }),
  entity('Domain', 'retail', { title: 'Retail' })
];

const ratio = 'sum by (service_name) (rate(http_server_request_duration_seconds_count{status="500"}[1m]))\n  / sum by (service_name) (rate(http_server_request_duration_seconds_count[1m])) > 0.05';
export const alarms: AlarmRecord[] = [
  {
    id: 'orders/OrdersFailing', group: 'orders', name: 'OrdersFailing', expression: ratio, component: 'component:default/orders', severity: 'page', runbook: 'restart-orders', state: 'firing', since: ago(190), error: null,
    instances: [{ labels: { alertname: 'OrdersFailing', service_name: 'orders', severity: 'page' }, annotations: { summary: '31.4% of requests to orders fail', description: 'More than 5% of the requests have failed for a minute.' }, state: 'firing', value: 0.314, active_at: ago(250), fired_at: ago(190), resolved_at: null, last_true_at: ago(5), incident: 'INC-7' }],
    verdict: { state: 'firing', at: ago(5), evidence: { language: 'promql', query: ratio, start: ago(3600), end: ago(5), result: [{ metric: { service_name: 'orders' }, value: [NOW / 1e3 - 5, '0.314'] }] } }
  },
  {
    id: 'web/CheckoutSlow', group: 'web', name: 'CheckoutSlow', expression: 'histogram_quantile(0.95, sum by (le) (rate(http_server_request_duration_seconds_bucket{service_name="web"}[5m]))) > 0.8', component: 'component:default/web', severity: 'ticket', runbook: null, state: 'pending', since: ago(40), error: null,
    instances: [{ labels: { alertname: 'CheckoutSlow', service_name: 'web' }, annotations: { summary: 'Checkout takes 1.2 s at the 95th percentile' }, state: 'pending', value: 1.21, active_at: ago(40), fired_at: null, resolved_at: null, last_true_at: ago(5), incident: null }], verdict: null
  },
  { id: 'worker/QueueStuck', group: 'worker', name: 'QueueStuck', expression: 'shop_queue_depth > 100', component: 'component:default/worker', severity: 'page', runbook: null, state: 'inactive', since: ago(86400), error: null, instances: [], verdict: null },
  {
    id: 'canaries/checkout-works/CanaryFailing', group: 'canaries/checkout-works', name: 'CanaryFailing', expression: 'count_over_time(probe_success{canary="checkout-works"}[15m]) - sum_over_time(probe_success{canary="checkout-works"}[15m]) >= 2', component: 'component:default/web', severity: null, runbook: null, state: 'firing', since: ago(600), error: null,
    instances: [{ labels: { alertname: 'CanaryFailing', canary: 'checkout-works', location: 'server' }, annotations: { summary: 'The checkout works failed at least 2 of 3 times at server' }, state: 'firing', value: 2, active_at: ago(600), fired_at: ago(600), resolved_at: null, last_true_at: ago(5), incident: null }], verdict: null
  },
  { id: 'worker/NoHeartbeat', group: 'worker', name: 'NoHeartbeat', expression: 'absent(worker_heartbeat)', component: 'component:default/worker', severity: 'ticket', runbook: null, state: 'nodata', since: ago(4000), error: 'No series is named worker_heartbeat.', instances: [], verdict: null }
];

export const incidents: Incident[] = [
  { id: 'INC-7', title: 'Orders fails: 31% of requests end in an error', summary: 'Customers cannot place orders.', severity: 'sev1', status: 'acknowledged', commander: 'user:default/ada', roles: { scribe: 'user:default/chiyo' }, components: ['component:default/orders'], practice: false, fingerprint: 'orders', opened_at: ago(185), acknowledged_at: ago(120), mitigated_at: null, resolved_at: null, revision: 4 },
  { id: 'INC-6', title: 'Checkout was slow after the 14:00 deployment', summary: '', severity: 'sev3', status: 'resolved', commander: 'user:default/ben', roles: {}, components: ['component:default/web'], fingerprint: null, opened_at: ago(90000), acknowledged_at: ago(89000), mitigated_at: ago(87000), resolved_at: ago(86000), revision: 6 }
];

export const postmortems: Postmortem[] = [
  { incident: 'INC-6', title: 'Checkout was slow after the 14:00 deployment', path: 'ops/postmortems/2026-02-28-inc-6.md', drafted_at: ago(85000) }
];

const chart = (colour: string) =>
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 600 160" width="600" height="160"><rect width="600" height="160" fill="#fff"/><polyline fill="none" stroke="${colour}" stroke-width="2" points="0,140 100,138 200,130 260,40 380,30 420,120 600,138"/><text x="8" y="18" font-size="12" fill="#555">p95 of web, ms</text></svg>`;

export const postmortemDetail: PostmortemDetail = {
  postmortem: postmortems[0]!,
  incident: incidents[1]!,
  markdown: `---\nincident: INC-6\n---\n# Checkout was slow after the 14:00 deployment\n\n## Summary\n\nThe checkout of [web](http://example.com) took up to **2.4 s** for 33 minutes.\n\n## Impact\n\n| what | figure |\n| --- | --- |\n| requests | 18,204 |\n| slower than 1 s | 6,120 (33.6%) |\n| failed | 12 |\n\n![p95 of web](2026-02-28-inc-6-p95.svg)\n\n## Timeline\n\n- 14:02 CheckoutSlow pending\n- 14:07 CheckoutSlow firing, INC-6 opened\n- 14:35 rolled back, alarm resolved\n\n## Contributing factors\n\n- [ ] What made the new version slower, and why did the canary not see it?\n- [ ] Why did it take 28 minutes to roll back?\n\n<script>alert(1)</script><img src=x onerror=alert(1)>\n`,
  charts: [{ name: '2026-02-28-inc-6-p95.svg', svg: chart('#c2571a') }],
  actions: []
};

const markdown = `---
apiVersion: mainstay.dev/v1
kind: Runbook
metadata: {name: restart-orders}
---
# Restart orders

Takes the fault away by restarting the service with its last good settings.

> Customers notice a restart for about two seconds.

## Look first

\`\`\`promql {name=error-ratio}
sum(rate(http_server_request_duration_seconds_count{service_name="orders",status="500"}[1m]))
\`\`\`

## Then act

\`\`\`bash {name=restart, approval=fulfilment, timeout=30s}
curl -fsS -X POST "$ADMIN_URL/faults/clear"
echo "restarted $SERVICE"
\`\`\`

1. Check that the alarm resolves.
2. Close the incident.
`;

export const runbooks: RunbookSummary[] = [
  { name: 'restart-orders', title: 'Restart orders', kind: 'runbook', description: 'Takes the fault away by restarting the service.', owner: 'group:default/fulfilment', component: 'component:default/orders', cells: 3, last_run: null },
  { name: 'diagnose-errors', title: 'Diagnose errors', kind: 'playbook', description: 'Finds the failing service and span.', owner: 'group:default/storefront', component: null, cells: 4, last_run: null },
  { name: 'drain-queue', title: 'Drain the queue', kind: 'runbook', description: null, owner: 'group:default/fulfilment', component: 'component:default/worker', cells: 2, last_run: null }
];

export const runbookDetail = (name: string): RunbookDetail => ({
  summary: runbooks.find((one) => one.name === name) ?? runbooks[0]!,
  parameters: [
    { name: 'service', description: 'Which service to restart', default: 'orders', required: true, allowed: ['orders', 'worker'] },
    { name: 'grace', description: 'Seconds to wait for open requests', default: '5', required: false, allowed: [] },
    { name: 'reason', description: null, default: null, required: true, allowed: [] }
  ],
  markdown,
  path: `ops/runbooks/${name}.md`,
  runs: []
});

export const eventRules: EventRuleView[] = [
  { name: 'open-incident', description: 'A paging alarm opens an incident and starts the diagnosis.', enabled: true, pattern: { type: ['dev.mainstay.alarm.firing'], data: { severity: ['page'] } }, targets: [{ incident: { title: '{{ data.annotations.summary }}', resolve_with_alarm: true } }, { run: { document: 'diagnose-errors', parameters: { service: '{{ data.labels.service_name }}' } } }, { notify: { channel: 'slack', url: 'env:SLACK_URL' } }], origin: { path: 'ops/rules/incident.yaml', line: 3, column: 1 } },
  { name: 'tell-the-team', description: null, enabled: false, pattern: { type: [{ prefix: 'dev.mainstay.incident.' }] }, targets: [{ notify: { channel: 'webhook', url: 'https://example.com/hook' } }], origin: { path: 'ops/rules/notify.yaml', line: 1, column: 1 } }
];

export function entityDetail(reference: string): EntityDetail | null {
  const summary = entities.find((one) => one.reference === reference);
  if (!summary) return null;
  const isOrders = summary.name === 'orders';
  return {
    summary, labels: {}, annotations: { 'mainstay.dev/tier': String(summary.tier ?? ''), 'mainstay.dev/business-impact': summary.impact ?? '' },
    links: [{ url: 'https://example.com/dashboards/orders', title: 'Old dashboard' }],
    relations: [
      { type: 'ownedBy', target: summary.owner ?? 'group:default/storefront', known: true },
      { type: 'dependsOn', target: 'resource:default/order-queue', known: true },
      { type: 'dependsOn', target: 'resource:default/ledger-db', known: false },
      { type: 'providesApi', target: 'api:default/orders-api', known: true },
      { type: 'partOf', target: 'system:default/shop', known: true }
    ],
    commander: 'user:default/ada', origin: { path: 'ops/catalog/shop.yaml', line: 24, column: 1 },
    alarms: alarms.filter((alarm) => alarm.component === reference), incidents: incidents.filter(({ components }) => components.includes(reference)), runs: [],
    runbooks: isOrders ? ['restart-orders', 'diagnose-errors'] : []
  };
}
