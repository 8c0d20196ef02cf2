import { expect, it } from 'vitest';
import type { OutputChunk } from '$lib/api/types';
import { blocks } from './output';

const chunk = (sequence: number, kind: OutputChunk['kind'], data: string): OutputChunk => ({ run: 'r', step: 0, sequence, kind, time: '2026-03-01T00:00:00Z', data });

it('puts text together and keeps tables, charts and notes apart', () => {
  const table = '{"columns":[],"rows":[],"truncated":false}';
  const chart = JSON.stringify({ expression: 'up', start: 'a', end: 'b', step: 1, result: [{ metric: { __name__: 'up' }, values: [[1, '1']] }], left_out: 2 });
  const made = blocks([chunk(0, 'stdout', 'a'), chunk(1, 'stderr', 'b'), chunk(2, 'table', table), chunk(3, 'chart', chart), chunk(4, 'note', 'n'), chunk(5, 'stdout', 'c')]);
  expect(made.map(({ kind }) => kind)).toEqual(['text', 'table', 'chart', 'note', 'text']);
  expect(made[0]).toMatchObject({ parts: [{ text: 'a', stderr: false }, { text: 'b', stderr: true }] });
  expect(made[2]).toMatchObject({ expression: 'up', leftOut: 2, data: { time: [1], series: [{ label: 'up', values: [1] }] } });
});

it('shows what it cannot read as text', () => {
  expect(blocks([chunk(0, 'table', 'not json')])).toMatchObject([{ kind: 'text', parts: [{ text: 'not json' }] }]);
});
