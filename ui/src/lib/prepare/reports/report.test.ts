import { expect, it } from 'vitest';
import type { OutputChunk } from '$lib/api/types';
import { lastReport, readReport, withoutOldReports } from './report';

const chunk = (sequence: number, kind: OutputChunk['kind'], data: string, step = 0): OutputChunk => ({ run: 'r', step, sequence, kind, time: '2026-03-01T00:00:00Z', data });

it('reads reports that it knows, and no others', () => {
  expect(readReport('{"report":"load"}')).toEqual({ report: 'load' });
  expect(readReport('{"report":"weather"}')).toBeNull();
  expect(readReport('null')).toBeNull();
  expect(readReport('not json')).toBeNull();
});

it('lets a later report take the place of an earlier one', () => {
  const chunks = [chunk(0, 'report', '{"report":"load","requests":1}'), chunk(1, 'stdout', 'a'), chunk(2, 'report', '{"report":"load","requests":2}'), chunk(3, 'report', '{"report":"test"}', 1)];
  expect(withoutOldReports(chunks).map(({ sequence }) => sequence)).toEqual([1, 2, 3]);
  expect(lastReport(chunks.slice(0, 3))).toMatchObject({ requests: 2 });
  expect(lastReport([])).toBeNull();
});
