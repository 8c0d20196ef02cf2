import { expect, it } from 'vitest';
import { checks, deliveredRatio, endpointLatency, errorCount, errorRatio, latencyChart, rateChart } from './load';
import type { LoadReport } from './report';

const report: LoadReport = {
  report: 'load',
  requests: 200,
  asked: { rate: 100, count: 100 },
  delivered: { rate: 99, count: 99 },
  codes: { '200': 180, '404': 8, '503': 10 },
  errors: { ECONNREFUSED: { count: 2, example: 'connection refused' } },
  series: [{ second: 0, arrivals: 100, requests: 100, errors: 0, p50_ms: 4, p95_ms: 9, p99_ms: null }, { second: 1, arrivals: 99, requests: 100, errors: 12 }]
};

it('puts seconds since the beginning on the clock', () => {
  const { time, series } = rateChart(report, 1_772_366_400);
  expect(time).toEqual([1_772_366_400, 1_772_366_401]);
  expect(series.map(({ label }) => label)).toEqual(['arrivals', 'requests', 'errors']);
  expect(latencyChart(report, 0).series.map(({ values }) => values)).toEqual([[4, null], [9, null], [null, null]]);
  expect(rateChart({ report: 'load', series: [{ second: 1_772_366_400 }] }, 5).time).toEqual([1_772_366_400]);
});

it('shows the asked rate where it is told', () => {
  expect(rateChart({ report: 'load', series: [{ second: 0, asked: 10 }] }, 0).series[0]).toMatchObject({ label: 'asked', values: [10] });
});

it('counts as errors what had no answer and what the server failed', () => {
  expect(errorCount(report)).toBe(12);
  expect(errorRatio(report)).toBe(0.06);
  expect(errorRatio({ report: 'load' })).toBeNull();
});

it('knows how much of what was asked was delivered', () => {
  expect(deliveredRatio(report)).toBe(0.99);
  expect(deliveredRatio({ report: 'load', delivered: { ratio: 0.5 } })).toBe(0.5);
  expect(deliveredRatio({ report: 'load' })).toBeNull();
});

it('takes an endpoint’s latency to the last byte, or what there is', () => {
  expect(endpointLatency({ latency_ms: { first_byte: { p95: 1 }, last_byte: { p95: 2 } } })).toEqual({ p95: 2 });
  expect(endpointLatency({ latency_ms: { p95: 3 } })).toEqual({ p95: 3 });
  expect(endpointLatency({})).toEqual({});
});

it('lists thresholds and conditions with what was measured', () => {
  const listed = checks({ report: 'load', thresholds: [{ metric: 'http.response_time.p99', max: 250, actual: 312.456, ok: false }], conditions: [{ expression: 'vusers.failed == 0', strict: false, ok: true }] });
  expect(listed).toEqual([
    { name: 'http.response_time.p99 ≤ 250', actual: '312.5', ok: false, binding: true },
    { name: 'vusers.failed == 0', actual: '–', ok: true, binding: false }
  ]);
});
