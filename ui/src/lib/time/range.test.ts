import { describe, expect, it } from 'vitest';
import { absoluteRange, DEFAULT_RANGE, isMoving, parsePoint, rangeFromParams, rangeLabel, resolveRange, stepFor } from './range';

const now = new Date('2026-03-01T12:00:00Z');
const params = (text: string) => new URLSearchParams(text);

describe('a range in the URL', () => {
  it('may be relative, and then moves with the clock', () => {
    const range = rangeFromParams(params('from=now-15m&to=now'));
    expect(isMoving(range)).toBe(true);
    expect(resolveRange(range, now).start.toISOString()).toBe('2026-03-01T11:45:00.000Z');
    expect(rangeLabel(range)).toBe('Last 15 minutes');
  });

  it('may be absolute, and then means the same tomorrow', () => {
    const range = absoluteRange(1_772_360_000, 1_772_360_060);
    expect(rangeFromParams(params(`from=${range.from}&to=${range.to}`))).toEqual(range);
    expect(isMoving(range)).toBe(false);
  });

  it.each(['', 'from=yesterday', 'from=now-1x', 'from=now&to=now-1h', 'from=2026-13-40T00:00:00Z', 'from=1'])(
    'falls back to the last hour for %j',
    (text) => expect(rangeFromParams(params(text))).toEqual(DEFAULT_RANGE)
  );

  it('knows seconds to weeks', () => {
    const point = (text: string) => now.getTime() - parsePoint(text, now)!.getTime();
    expect([point('now-1s'), point('now-2m'), point('now-3h'), point('now-1d'), point('now-1w')]).toEqual([
      1e3, 12e4, 108e5, 864e5, 6048e5
    ]);
  });
});

it('steps are round and keep the number of points bounded', () => {
  const hour = resolveRange(DEFAULT_RANGE, now);
  expect(stepFor(hour)).toBe(15);
  const year = { start: new Date(now.getTime() - 365 * 864e5), end: now };
  expect(stepFor(year)).toBe(172800);
});
