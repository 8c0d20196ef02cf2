import type { SeriesData } from '$lib/charts/series';
import { formatDuration, formatNumber, plural } from '$lib/format/numbers';
import type { Effect, Judged, Judgement } from '../reports/report';
import type { Passage } from './passage';
import type { TimedReport } from './reports';

/**
 * The last judgement of each metric. After a restart of the server its reports begin without any; what was said before
 * stands until the judge looks again.
 */
export function verdictsOf(reports: TimedReport[], passage: Passage): Judged[] {
  const found = new Map<string, Judged>();
  for (const metric of new Set(reports.flatMap(({ counts }) => Object.keys(counts)))) {
    const last = reports.findLast(({ counts }) => metric in counts);
    const judged = last?.judgements().find((one) => one.metric === metric);
    if (judged) found.set(metric, judged);
  }
  const { reason } = passage.decided ?? {};
  if (reason?.kind === 'judge' && reason.evidence?.metric) found.set(reason.evidence.metric, reason.evidence as Judged);
  return [...found.values()];
}

/** The points of both versions on one axis of time; null without points. */
export function curves({ control, canary, every_ms: everyMs }: Judged, { shifts, oldVersion, version }: Passage): SeriesData | null {
  const length = Math.max(control.length, canary.length);
  const since = shifts[0] && Date.parse(shifts[0].at);
  if (!length || !since) return null;
  const whole = (values: (number | null)[]) => Array.from({ length }, (_, index) => values[index] ?? null);
  return {
    time: Array.from({ length }, (_, index) => (since + (index + 1) * everyMs) / 1e3),
    series: [
      { label: `old ${oldVersion ?? 'version'} (control)`, values: whole(control), colour: 'var(--series-6)' },
      { label: `new ${version} (canary)`, values: whole(canary), colour: 'var(--series-2)' }
    ]
  };
}

/** A ratio as a change in percent, a difference as it is: `+23%`, `−0.012`. */
export function changeText(measure: Effect['measure'], value: number | null): string {
  if (value === null) return 'unbounded';
  const change = measure === 'ratio' ? (value - 1) * 100 : value;
  const size = measure === 'ratio' ? `${Math.abs(change) < 10 ? Math.abs(change).toFixed(1) : Math.abs(change).toFixed(0)}%` : formatNumber(Math.abs(change));
  return `${change < 0 ? '−' : '+'}${size}`;
}

export function effectText({ measure, estimate, lower, upper }: Effect): string {
  return `${changeText(measure, estimate)}, between ${changeText(measure, lower)} and ${changeText(measure, upper)}`;
}

/** How much more the judge needs; null if it has decided. */
export function neededText({ verdict, needed_points }: Judgement, everyMs: number): string | null {
  if (verdict !== 'not_enough_data') return null;
  if (!needed_points) return 'More points alone would hardly decide.';
    return `About ${plural(needed_points, 'more point')} of each version would decide, that is ${formatDuration(needed_points * everyMs)} at this rate.`;
}

/** Where an effect lies on its picture, in percent of the width; no change is in the middle. Ratios are drawn by their logarithms. */
export interface EffectPlace {
  from: number;
  to: number;
  estimate: number;
  /** The changes that are tolerated, if that is known. */
  tolerated: { from: number; to: number } | null;
  openLeft: boolean;
  openRight: boolean;
  /** What the ends of the picture stand for. */
  ends: [left: string, right: string];
}

export function effectPlace({ measure, estimate, lower, upper }: Effect, tolerance: number | undefined): EffectPlace {
  const ratio = measure === 'ratio';
  const [onScale, back] = ratio ? [Math.log, Math.exp] : [(value: number) => value, (value: number) => value];
  const band = tolerance !== undefined && ratio ? { from: 1 / (1 + tolerance), to: 1 + tolerance } : null;
  const distances = [estimate, lower, upper, band?.to].map((value) => (typeof value === 'number' ? Math.abs(onScale(value)) : 0));
  const reach = Math.max(1e-9, ...distances.filter(Number.isFinite)) * 1.12;
  const place = (value: number) => 50 + Math.max(-1, Math.min(1, onScale(value) / reach)) * 50;
  return {
    from: lower === null ? 0 : place(lower),
    to: upper === null ? 100 : place(upper),
    estimate: place(estimate),
    tolerated: band && { from: place(band.from), to: place(band.to) },
    openLeft: lower === null,
    openRight: upper === null,
    ends: [changeText(measure, back(-reach)), changeText(measure, back(reach))]
  };
}
