import type { ExperimentReport, LoadReport, TestReport } from '../../src/lib/prepare/reports/report.ts';
import { ago } from './documents.ts';
import { experiment } from './scenarios.ts';

export const testReport: TestReport = {
  report: 'test',
  scenarios: [
    {
      name: 'buy a pair of shoes', passed: false,
      steps: [
        { name: 'products', method: 'GET', url: 'http://127.0.0.1:8080/products?q=shoes', status: 200, duration_ms: 12.4, passed: true, captures: { id: 'p-17' } },
        { name: null, method: 'POST', url: 'http://127.0.0.1:8080/cart/p-17', status: 201, duration_ms: 31, passed: true },
        {
          name: 'pay', method: 'POST', url: 'http://127.0.0.1:8080/checkout', status: 503, duration_ms: 412, passed: false,
          failure: { what: 'the status is not what was expected', expected: [200, 201], actual: 503 }, response: '{"error":"reserve stock failed: connection refused","order":null,"attempts":3}'
        }
      ]
    },
    { name: 'look and leave', passed: true, steps: [{ name: 'front page', method: 'GET', url: 'http://127.0.0.1:8080/', status: 200, duration_ms: 8.1, passed: true }] }
  ]
};

/** As good as `slowness` lets it be; 1 is a usual day. */
export function loadReport(slowness: number, limited = false): LoadReport {
  const percentiles = (scale: number) => ({ min: 1.2 * scale, mean: 9 * scale, p50: 7 * scale, p90: 18 * scale, p95: 31 * scale, p99: 88 * scale, p999: 210 * scale, max: 412 * scale });
  const delivered = limited ? 0.87 : 0.9991;
  return {
    report: 'load', name: 'checkout', finished: true, asked: { rate: 50, count: 6000 }, delivered: { rate: 50 * delivered, count: Math.round(6000 * delivered), ratio: delivered }, vusers: { created: 5994, completed: 5950, failed: 44, skipped: 6 },
    requests: 17_982, codes: { '200': 17_800, '201': 120, '404': 18, '503': 44 }, errors: { ECONNREFUSED: { count: 9, example: 'connect to 127.0.0.1:8080: connection refused (os error 111)' } },
    latency_ms: { first_byte: percentiles(slowness), last_byte: percentiles(slowness * 1.1) }, service_ms: { first_byte: percentiles(slowness * 0.8), last_byte: percentiles(slowness * 0.9) },
    endpoints: { 'GET /products': { requests: 12_000, latency_ms: percentiles(slowness) }, 'POST /cart/{id}': { requests: 3_400, latency_ms: percentiles(slowness * 2) }, 'POST /checkout': { requests: 2_582, latency_ms: percentiles(slowness * 4) } },
    slip: limited ? 0.13 : 0.0004, generator: { limited, reason: limited ? 'both cores are busy: arrivals began 1.3 s late.' : null },
    series: Array.from({ length: 120 }, (_, second) => ({ second, arrivals: 50 + ((second * 7) % 5) - 2, requests: 150 + ((second * 13) % 17), errors: second > 80 && second < 90 ? 5 : 0, p50_ms: 7 * slowness + (second % 4), p95_ms: 31 * slowness + (second > 80 && second < 90 ? 120 : (second % 9)), p99_ms: 88 * slowness + (second > 80 && second < 90 ? 300 : (second % 30)), active: 12 })),
    thresholds: [{ metric: 'http.response_time.p95', max: 250, actual: 31 * slowness, ok: true }, { metric: 'http.response_time.p99', max: 80, actual: 88 * slowness, ok: false }],
    conditions: [{ expression: 'vusers.failed == 0', strict: false, ok: false }], apdex: 0.97
  };
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
