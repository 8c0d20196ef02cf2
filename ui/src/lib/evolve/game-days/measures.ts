import type { GameDayOutcome, Mark, Measures } from '$lib/api/types';
import type { SeriesData } from '$lib/charts/series';
import { formatMs } from '$lib/format/numbers';

export const PHASES = [
  { key: 'detect', title: 'Detected' },
  { key: 'acknowledge', title: 'Acknowledged' },
  { key: 'mitigate', title: 'Mitigated' }
] as const;

export type Phase = (typeof PHASES)[number]['key'];

export const seconds = (after: number): string => formatMs(after * 1e3);

/** Whichever was first: a person or automation. */
export function first(measures: Measures, phase: Phase): Mark | null {
  const { people, automation } = measures[phase];
  const marks = [people, automation].filter((mark): mark is Mark => Boolean(mark));
  return marks.sort((a, b) => a.after_s - b.after_s)[0] ?? null;
}

/** The slowest experiment of each run decides: a chain is as strong as that. Oldest first. */
export function trend(outcomes: GameDayOutcome[]): SeriesData {
  const sorted = [...outcomes].sort((a, b) => a.began_at.localeCompare(b.began_at));
  const slowest = ({ experiments }: GameDayOutcome, phase: Phase): number | null => {
    const after = experiments.flatMap(({ measures }) => first(measures, phase)?.after_s ?? []);
    return after.length ? Math.max(...after) * 1e3 : null;
  };
  const colours = ['var(--series-1)', 'var(--series-7)', 'var(--series-4)'];
  return {
    time: sorted.map(({ began_at }) => Date.parse(began_at) / 1e3),
    series: PHASES.map(({ key, title }, index) => ({ label: title.toLowerCase(), colour: colours[index], values: sorted.map((outcome) => slowest(outcome, key)) }))
  };
}
