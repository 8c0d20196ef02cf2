import { expect, it } from 'vitest';
import type { OutputChunk } from '$lib/api/types';
import { lastReport, readReport } from './report';

const chunk = (sequence: number, data: object, kind: OutputChunk['kind'] = 'report'): OutputChunk => ({ run: 'r', step: 0, sequence, kind, time: '2026-03-01T00:00:00Z', data: JSON.stringify(data) });

it('reads reports that it knows, and no others', () => {
  expect(readReport('{"report":"load"}')).toEqual({ report: 'load' });
  expect(readReport('{"report":"weather"}')).toBeNull();
  expect(readReport('null')).toBeNull();
  expect(readReport('not json')).toBeNull();
});

it('lets a later report take the place of an earlier one', () => {
  const chunks = [chunk(0, { report: 'load', requests: 1 }), chunk(1, {}, 'stdout'), chunk(2, { report: 'load', finished: true, requests: 2, series: [{ second: 0 }] })];
  expect(lastReport(chunks)).toEqual({ report: 'load', finished: true, requests: 2, series: [{ second: 0 }] });
  expect(lastReport([])).toBeNull();
});

it('puts the seconds of a running load together', () => {
  const chunks = [chunk(0, { report: 'load', series: [{ second: 0 }, { second: 1, requests: 1 }] }), chunk(1, { report: 'load', series: [{ second: 1, requests: 5 }, { second: 2 }] })];
  expect(lastReport(chunks)).toMatchObject({ series: [{ second: 0 }, { second: 1, requests: 5 }, { second: 2 }] });
});
