import { describe, expect, it } from 'vitest';
import type { TraceSpan } from '$lib/api/types';
import { layoutWaterfall, preciseMs, rulerTicks } from './waterfall';

const T0 = Date.parse('2026-03-01T12:00:00Z');

function span(id: string, parent: string | null, startMs: number, duration_ms: number, status = 'ok'): TraceSpan {
  return {
    span_id: id,
    parent_span_id: parent,
    service: 'web',
    name: id,
    kind: 'internal',
    status,
    start_time: new Date(T0 + startMs).toISOString(),
    duration_ms,
    attributes: {},
    resource: {},
    events: [],
    links: []
  };
}

const shown = (spans: TraceSpan[], collapsed: string[] = []) =>
  layoutWaterfall(spans, new Set(collapsed)).rows.map(({ span, depth }) => '·'.repeat(depth) + span.name);

describe('the waterfall', () => {
  const trace = [span('root', null, 0, 100), span('late', 'root', 50, 20), span('early', 'root', 10, 30), span('leaf', 'early', 12, 5, 'error')];

  it('is a tree whose siblings stand in order of their start', () => {
    expect(shown(trace)).toEqual(['root', '·early', '··leaf', '·late']);
  });

  it('places spans by their share of the whole trace', () => {
    const { rows, durationMs } = layoutWaterfall(trace);
    expect(durationMs).toBe(100);
    expect(rows.map(({ offset, width }) => [offset, width])).toEqual([
      [0, 1],
      [0.1, 0.3],
      [0.12, 0.05],
      [0.5, 0.2]
    ]);
  });

  it('hides what is below a collapsed span, but says that it failed', () => {
    expect(shown(trace, ['early'])).toEqual(['root', '·early', '·late']);
    expect(layoutWaterfall(trace, new Set(['early'])).rows[1]!.errorsBelow).toBe(1);
  });

  it('shows spans whose parent never arrived', () => {
    const { rows } = layoutWaterfall([span('a', 'gone', 0, 5), span('b', 'a', 1, 1)]);
    expect(rows.map(({ orphan }) => orphan)).toEqual([true, false]);
  });

  it('cuts loops and survives spans that last longer than their parents', () => {
    expect(shown([span('a', 'b', 0, 1), span('b', 'a', 1, 1)]).length).toBe(2);
    expect(shown([span('self', 'self', 0, 1)])).toEqual(['self']);
    expect(layoutWaterfall([span('a', null, 0, 5), span('b', 'a', 4, 10)]).durationMs).toBe(14);
  });

  it('is nothing for nothing', () => expect(layoutWaterfall([]).rows).toEqual([]));
});

it('keeps nanoseconds of a start apart', () => {
  const apart = preciseMs('2026-03-01T12:00:00.000001500Z') - preciseMs('2026-03-01T12:00:00Z');
  expect(apart).toBeCloseTo(0.0015, 3);
});

it('marks the ruler at round places', () => {
  expect(rulerTicks(97)).toEqual([0, 20, 40, 60, 80]);
  expect(rulerTicks(0)).toEqual([0]);
});
