import type { ExperimentReport, LoadReport, TestReport } from '../../src/lib/prepare/reports/report.ts';
import { ago } from './documents.ts';
import { experiment } from './scenarios.ts';

export const testReport: TestReport = {
  report: 'test',
  scenarios: [
    {
      name: 'buy a pair of shoes', duration_ms: 455.4, error: null, printed: ['chose p-17'],
      steps: [
        { name: 'products', method: 'GET', url: 'http://127.0.0.1:8080/products?q=shoes', status: 200, last_byte_ms: 12.4, failures: [], captures: { id: 'p-17' } },
        { name: 'POST /cart/{id}', method: 'POST', url: 'http://127.0.0.1:8080/cart/p-17', status: 201, last_byte_ms: 31, failures: [] },
        {
          name: 'pay', method: 'POST', url: 'http://127.0.0.1:8080/checkout', status: 503, last_byte_ms: 412, trace_id: '4bf92f3577b34da6a3ce929d0e0e4736',
          failures: [{ what: 'statusCode', message: 'statusCode: expected 200 or 201, got 503', expected: '200 or 201', actual: '503', place: 'scenarios/checkout.yaml:21', strict: true }],
          response: { headers: [['content-type', 'application/json']], body: '{"error":"reserve stock failed: connection refused","order":null,"attempts":3}' }
        }
      ]
    },
    { name: 'look and leave', duration_ms: 8.1, steps: [{ name: 'front page', method: 'GET', url: 'http://127.0.0.1:8080/', status: 200, last_byte_ms: 8.1, failures: [] }] }
  ]
};

/** As good as `slowness` lets it be; 1 is a usual day. */
export function loadReport(slowness: number, limited = false): LoadReport {
  const percentiles = (scale: number) => ({ min: 1.2 * scale, mean: 9 * scale, p50: 7 * scale, p90: 18 * scale, p95: 31 * scale, p99: 88 * scale, p999: 210 * scale, max: 412 * scale });
  const endpoint = (name: string, requests: number, scale: number) => ({ name, requests, errors: scale > 2 ? 44 : 0, latency_ms: { first_byte: percentiles(slowness * scale), last_byte: percentiles(slowness * scale * 1.1) } });
  const burst = (second: number) => second > 80 && second < 90;
  const delivered = limited ? 0.87 : 0.9991;
  return {
    report: 'load', name: 'checkout', environment: null, finished: true, cancelled: false, planned_ms: 120_000, elapsed_ms: 121_300,
    phases: [{ name: 'warm up', begins_ms: 0, ends_ms: 30_000, kind: 'rate', from: 10, to: 50 }, { name: 'steady', begins_ms: 30_000, ends_ms: 120_000, kind: 'rate', from: 50, to: 50 }],
    asked_count: 5400, delivered_count: Math.round(5400 * delivered), asked_rate: 45, delivered_rate: 45 * delivered, vusers: { created: 5394, completed: 5350, failed: 44, skipped: 6, stopped: 0 },
    requests: 17_982, responses: 17_973, codes: { '200': 17_791, '201': 120, '404': 18, '503': 44 }, errors: { ECONNREFUSED: { count: 9, example: 'connect to 127.0.0.1:8080: connection refused (os error 111)' } },
    expectations_failed: { 'statusCode 200': { count: 62, example: 'POST /checkout: expected 200, came 503' } },
    latency_ms: { first_byte: percentiles(slowness), last_byte: percentiles(slowness * 1.1) }, service_ms: { first_byte: percentiles(slowness * 0.8), last_byte: percentiles(slowness * 0.9) },
    endpoints: [endpoint('GET /products', 12_000, 1), endpoint('POST /cart/{id}', 3_400, 2), endpoint('POST /checkout', 2_582, 4)],
    slip: { percent: limited ? 13 : 0.04, late_after_ms: 100, late: limited ? 702 : 2 }, generator: { limited, reason: limited ? '13.0 % of the arrivals began more than 100 ms late; the generator’s threads were 99 % busy' : null, workers: 1, busy_percent: limited ? 99 : 21 },
    series: Array.from({ length: 120 }, (_, second) => ({ second, arrivals: Math.min(50, 10 + Math.round((second * 4) / 3)) * (limited ? 0.87 : 1) + ((second * 7) % 3) - 1, requests: Math.min(150, 30 + second * 4) + ((second * 13) % 17), errors: burst(second) ? 5 : 0, p50_ms: 7 * slowness + (second % 4), p95_ms: 31 * slowness + (burst(second) ? 120 : second % 9), p99_ms: 88 * slowness + (burst(second) ? 300 : second % 30), active: 12 })),
    verdicts: [
      { rule: 'http.response_time.p95 <= 250', holds: true, strict: true, actual: (31 * slowness).toFixed(1) },
      { rule: 'http.response_time.p99 <= 80', holds: false, strict: true, actual: (88 * slowness).toFixed(1) },
      { rule: 'vusers.failed == 0', holds: false, strict: false, actual: 'vusers.failed = 44' }
    ],
    shares: limited ? [] : [{ number: 1, location: 'berlin', state: 'played', asked: 2700, delivered: 2698, requests: 8991 }, { number: 2, location: 'oslo', state: 'played', asked: 2700, delivered: 2697, requests: 8991 }],
    slowest: [{ method: 'POST', url: 'http://127.0.0.1:8080/checkout', status: 200, latency_ms: 412 * slowness, trace_id: '4bf92f3577b34da6a3ce929d0e0e4736' }, { method: 'GET', url: 'http://127.0.0.1:8080/products?q=shoes', status: 503, latency_ms: 210 * slowness, trace_id: '0af7651916cd43dd8448eb211c80319c' }],
    apdex: { score: 0.97, threshold_ms: 500 }
  };
}

/** So many seconds into the load: what can be told by then. */
export function runningReport(seconds: number): LoadReport {
  const { name, latency_ms, series } = loadReport(1);
  const latest = series!.slice(Math.max(0, seconds - 60), seconds).map(({ arrivals: _, ...second }) => second);
  return { report: 'load', name, finished: false, elapsed_ms: seconds * 1e3, planned_ms: 120_000, vusers: { created: seconds * 50, completed: seconds * 49, failed: 0, skipped: 0, stopped: 0 }, requests: seconds * 150, responses: seconds * 149, latency_ms: { last_byte: latency_ms!.last_byte }, series: latest };
}

const T0 = 640;
const at = (second: number) => ago(T0 - second);
const { 'steady-state-hypothesis': hypothesis, method, rollbacks } = experiment.document as { 'steady-state-hypothesis': { probes: object[] }; method: object[]; rollbacks: object[] };
const row = (activity: object, from: number, duration: number, rest: object) => ({ activity, start: at(from), end: at(from + duration), duration, status: 'succeeded', ...rest });

export const experimentReport: ExperimentReport = {
  report: 'experiment',
  journal: {
    experiment: experiment.document as NonNullable<ExperimentReport['journal']>['experiment'], status: 'completed', deviated: true, start: at(0), end: at(41), duration: 41,
    steady_states: {
      before: { steady_state_met: true, probes: [row(hypothesis.probes[0]!, 0, 0.2, { output: { status: 'ok', open: 3 }, tolerance_met: true }), row(hypothesis.probes[1]!, 0.2, 0.05, { output: 0.048, tolerance_met: true })] },
      during: [],
      after: { steady_state_met: false, probes: [row(hypothesis.probes[0]!, 35.4, 5, { output: { status: 'degraded', open: 412 }, tolerance_met: false })] }
    },
    run: [row(method[0]!, 0.3, 30, { output: { fault: 'proxy', duration: '30s' } }), row(hypothesis.probes[0]!, 5.4, 3, { status: 'failed', output: null, exception: ['timed out after 3 s\n'] })],
    rollbacks: [row(rollbacks[0]!, 40.5, 0.5, { output: { status: 0, stdout: '', stderr: '' } })]
  }
};
