import type { GameDayOutcome, GameDaySummary, Mark, Measures } from '$lib/api/types';
import { describe, expect, it } from 'vitest';
import { entries, weeks } from './calendar';
import { first, trend } from './measures';

const mark = (after_s: number): Mark => ({ at: '2026-11-21T12:00:00Z', after_s, who: 'x', what: '' });
const measures = (rest: Partial<Measures>): Measures => ({ detect: {}, acknowledge: {}, mitigate: {}, ...rest }) as Measures;
const outcome = (began_at: string, ...all: Measures[]) => ({ began_at, experiments: all.map((one) => ({ measures: one })) }) as unknown as GameDayOutcome;

describe('measures', () => {
  it('take whoever was first', () => {
    expect(first(measures({ detect: { people: mark(9), automation: mark(4) } }), 'detect')?.after_s).toBe(4);
    expect(first(measures({}), 'detect')).toBeNull();
  });

  it('change over the runs, by the slowest experiment of each', () => {
    const later = outcome('2026-11-21T12:00:00Z', measures({ detect: { automation: mark(2) } }), measures({ detect: { people: mark(5) } }));
    const earlier = outcome('2026-10-21T12:00:00Z', measures({ detect: { automation: mark(60) } }));
    const [detected, acknowledged] = trend([later, earlier]).series;
    expect(detected!.values).toEqual([60_000, 5000]);
    expect(acknowledged!.values).toEqual([null, null]);
  });
});

describe('the calendar', () => {
  const day = (name: string, start: string | null, rest: object = {}) => ({ name, title: name, schedule: start ? { start, duration_s: 3600, automatic: false } : null, past: [], ...rest }) as unknown as GameDaySummary;
  const now = new Date(2026, 10, 21, 12).getTime();

  it('knows what is ahead, what is on and what is over', () => {
    const past = day('past', '2026-11-01T10:00:00Z', { past: [{ began_at: '2026-11-01T10:05:00Z', result: 'played', run: 'x' }] });
    const shown = entries([day('next', '2027-01-01T10:00:00Z'), past, day('unplanned', null), day('on', new Date(now - 60_000).toISOString())], now);
    expect(shown.map(({ name, state }) => `${name} ${state}`)).toEqual(['past played', 'on ahead', 'next ahead']);
  });

  it('has whole weeks from Monday', () => {
    const november = weeks(new Date(2026, 10, 1), entries([day('on', new Date(now).toISOString())], now), now);
    expect(november).toHaveLength(6);
    expect(november[0]![6]!.date.getDate()).toBe(1);
    expect(november.flat().filter(({ today }) => today)[0]!.entries[0]!.name).toBe('on');
  });
});
