import { expect, it } from 'vitest';
import type { Run } from '$lib/api/types';
import { runMode, runNote, trend } from './scenarios';

const run = (requested_at: string) => ({ requested_at }) as Run;

it('tells a test from a load run', () => {
  expect(runMode({ kind: 'scenario', parameters: { mode: 'load' } })).toBe('load');
  expect(runMode({ kind: 'scenario', parameters: {} })).toBe('test');
  expect(runMode({ kind: 'experiment', parameters: {} })).toBe('experiment');
  expect(runMode({ kind: 'runbook', parameters: {} })).toBeNull();
});

it('orders results by time and leaves gaps where something was not measured', () => {
  const { latency, errors } = trend([
    { run: run('2026-03-02T00:00:00Z'), report: { report: 'load', requests: 10, codes: { '500': 1 }, latency_ms: { first_byte: { p95: 20 } }, asked_count: 10, delivered_count: 9 } },
    { run: run('2026-03-01T00:00:00Z'), report: { report: 'load', latency_ms: { last_byte: { p50: 1, p95: 9 } } } }
  ]);
  expect(latency.time[1]! - latency.time[0]!).toBe(86_400);
  expect(latency.series.map(({ values }) => values)).toEqual([[1, null], [9, 20], [null, null]]);
  expect(errors.series[0]!.values).toEqual([null, 0.1]);
  expect(errors.series[1]!.values[1]).toBeCloseTo(0.1);
});

it('says of a deployment what goes where', () => {
  expect(runNote({ kind: 'deployment', parameters: { version: '2.4.0', from: '', to: '' } })).toBe('deployment of 2.4.0');
  expect(runNote({ kind: 'deployment', parameters: { version: '2.4.0', to: 'beta' } })).toBe('deployment of 2.4.0 to beta');
  expect(runNote({ kind: 'scenario', parameters: { mode: 'load' } })).toBe('load');
});
