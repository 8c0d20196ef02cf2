import { expect, it } from 'vitest';
import { askedRate, deliveredRatio, errorCount, errorRatio, failures, latencyChart, rateChart, slipRatio, whole } from './load';
import type { LoadReport } from './report';

const report: LoadReport = {
  report: 'load',
  finished: true,
  requests: 200,
  asked_count: 100,
  delivered_count: 99,
  codes: { '200': 180, '404': 8, '503': 10 },
  errors: { ECONNREFUSED: { count: 2, example: 'connection refused' } },
  expectations_failed: { statusCode: { count: 18, example: 'expected 200' } },
  slip: { percent: 1, late_after_ms: 100, late: 1 },
  phases: [
    { begins_ms: 0, ends_ms: 2000, kind: 'rate', from: 90, to: 110 },
    { begins_ms: 2000, ends_ms: 3000, kind: 'pause', from: 0, to: 0 },
    { begins_ms: 3000, ends_ms: 5000, kind: 'count', from: 30, to: 30 },
    { begins_ms: 5000, ends_ms: 6000, kind: 'users', from: 30, to: 30 }
  ],
  series: [{ second: 0, arrivals: 100, requests: 100, errors: 0, p50_ms: 4, p95_ms: 9, p99_ms: null }, { second: 1, arrivals: 99, requests: 100, errors: 12 }]
};

it('draws the seconds since the beginning on the clock', () => {
  const { time, series } = rateChart(report, 1_772_366_400);
  expect(time).toEqual([1_772_366_400, 1_772_366_401]);
  expect(series.map(({ label }) => label)).toEqual(['asked', 'arrivals', 'requests', 'errors']);
  expect(latencyChart(report, 0).series.map(({ label, values }) => [label, values])).toEqual([['p50', [4, null]], ['p95', [9, null]]]);
});

it('leaves out what a running load does not tell', () => {
  expect(rateChart({ report: 'load', series: [{ second: 3, requests: 7, errors: 0 }] }, 0).series.map(({ label }) => label)).toEqual(['requests', 'errors']);
});

it('knows from the phases what was asked for in a second', () => {
  expect([0, 1, 2, 3, 5, 9].map((second) => askedRate(report.phases!, second))).toEqual([95, 105, null, 15, null, null]);
});

it('counts as errors what had no answer and what the server failed', () => {
  expect(errorCount(report)).toBe(12);
  expect(errorRatio(report)).toBe(0.06);
  expect(errorRatio({ report: 'load' })).toBeNull();
  expect(errorCount({ report: 'load', series: [{ second: 0, errors: 3 }, { second: 1 }] })).toBe(3);
});

it('knows how much of what was asked was delivered, and how much of it late', () => {
  expect(deliveredRatio(report)).toBe(0.99);
  expect(deliveredRatio({ report: 'load' })).toBeNull();
  expect(slipRatio(report)).toBe(0.01);
  expect(slipRatio({ report: 'load' })).toBeNull();
});

it('takes a latency to the last byte, or what there is', () => {
  expect(whole({ first_byte: { p95: 1 }, last_byte: { p95: 2 } })).toEqual({ p95: 2 });
  expect(whole({ first_byte: { p95: 1 } })).toEqual({ p95: 1 });
  expect(whole(undefined)).toEqual({});
});

it('lists what went wrong, the most frequent first', () => {
  expect(failures(report).map(({ name, kind, count }) => [name, kind, count])).toEqual([['statusCode', 'expectation', 18], ['ECONNREFUSED', 'error', 2]]);
});
