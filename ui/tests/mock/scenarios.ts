import type { CanaryLook, CanarySummary, ExperimentDetail, Run, ScenarioDetail } from '../../src/lib/api/types.ts';
import { ago } from './documents.ts';
import { runs } from './runs.ts';

const runsOf = (document: string): Run[] => runs.filter((run) => run.document === document);

const scenario = (name: string, rest: Partial<ScenarioDetail>): ScenarioDetail => ({
  name, path: `ops/scenarios/${name}.yaml`, target: 'http://127.0.0.1:8080', environments: ['staging', 'production'], scenarios: ['buy'], phases: 2, runs: runsOf(name), last_run: runsOf(name)[0] ?? null, ...rest
});

export const scenarios: ScenarioDetail[] = [
  scenario('checkout', { scenarios: ['buy a pair of shoes', 'look and leave'] }),
  scenario('search', { target: 'https://a-rather-long-host-name.shop.example.internal:8443/with/a/path', environments: [], phases: 0 })
];

/** Looks from a word, newest first: `.` passed, `x` failed. */
function looks(word: string, everyS: number, locations: string[]): CanaryLook[] {
  return [...word].map((letter, index) => ({
    time: ago(Math.floor(index / locations.length) * everyS + 7), location: locations[index % locations.length]!, passed: letter === '.',
    error: letter === '.' ? null : 'http://127.0.0.1:8080/ answered with 503, not with one of 200, 204', duration_s: 0.04 + (index % 7) / 100, run: letter === '.' ? null : runs[0]!.id
  }));
}

const canary = (name: string, rest: Partial<CanarySummary>): CanarySummary => ({
  name, title: null, component: 'component:default/web', check: 'GET http://127.0.0.1:8080/', schedule: 'every 60s', locations: ['server'], enabled: true, path: `ops/canaries/${name}.yaml`, failures: 2, of: 3, looks: [], ...rest
});

export const canaries: CanarySummary[] = [
  canary('checkout-works', { title: 'The checkout works', check: 'the scenario checkout', schedule: '*/5 6-22 * * MON-FRI Europe/Berlin', locations: ['server', 'frankfurt'], looks: looks('xxx.xx........................', 300, ['server', 'frankfurt']) }),
  canary('front-page', { looks: looks('..............................', 60, ['server']) }),
  canary('search', { looks: looks('x........x...........', 60, ['server']) }),
  canary('backup', { check: 'a heartbeat every 1d', schedule: null, component: null, failures: 1, of: 1, looks: looks('..', 86400, ['server']) }),
  canary('database', { check: 'TCP [::1]:5432', enabled: false })
];

const probe = { type: 'probe', name: 'orders-are-taken', tolerance: { type: 'jsonpath', path: '$.status', expect: 'ok' }, provider: { type: 'http', url: 'http://127.0.0.1:8081/orders/health' } };

export const experiment: ExperimentDetail = {
  name: 'slow-database', title: 'The shop stands a slow database', description: 'Orders are still taken while the database is slow.', tags: ['database', 'latency'], path: 'ops/experiments/slow-database.json', runs: runsOf('slow-database'), last_run: runsOf('slow-database')[0] ?? null,
  document: {
    title: 'The shop stands a slow database',
    'steady-state-hypothesis': { title: 'Orders are taken', probes: [probe, { type: 'probe', name: 'p95-is-low', tolerance: [0, 0.4], provider: { type: 'mainstay', promql: 'histogram_quantile(0.95, sum by (le) (rate(http_server_request_duration_seconds_bucket[1m])))' } }] },
    method: [
      { type: 'action', name: 'slow-the-database', background: true, provider: { type: 'mainstay', fault: { fault: 'proxy', proxy: 'database', toxics: [{ type: 'latency', latency: 400 }], duration: '30s' } }, pauses: { after: 5 } },
      { ref: 'orders-are-taken' }
    ],
    rollbacks: [{ type: 'action', name: 'restart-orders', provider: { type: 'process', path: 'systemctl', arguments: ['restart', 'orders'] } }],
    extensions: [{ name: 'mainstay', targets: { proxies: ['database'] }, environment: 'staging', stopWhen: [{ alert: 'ShopDown' }], deadline: '2m' }]
  }
};
