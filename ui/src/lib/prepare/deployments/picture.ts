import type { SeriesData } from '$lib/charts/series';
import type { ChartMark } from '$lib/charts/plot';
import type { Strategy } from '../reports/report';
import { isOver, nextStep, type Passage } from './passage';

export interface WeightPicture extends SeriesData {
  marks: ChartMark[];
}

/** What follows an end, as a part of the whole, so that the end can be seen. */
const TAIL = 0.06;

/** The weight over time as it was, and as it is meant to go on. */
export function weightPicture(passage: Passage, strategy: Strategy | undefined, nowMs: number): WeightPicture | null {
  if (!passage.beganAt) return null;
  const was = whatWas(passage, nowMs);
  const comes = whatComes(passage, strategy, nowMs);
  const time = [...new Set([...was, ...comes].map(([at]) => at))].sort((a, b) => a - b);
  const series = [
    { label: `weight of ${passage.version}`, values: heldValues(was, time), stepped: true, filled: true, colour: 'var(--series-2)' },
    ...(comes.length ? [{ label: 'as planned', values: heldValues(comes, time), stepped: true, dashed: true, colour: 'var(--quiet)' }] : [])
  ];
  return { time: time.map((at) => at / 1e3), series, marks: marksOf(passage, nowMs) };
}

type Point = [atMs: number, share: number];

function whatWas(passage: Passage, nowMs: number): Point[] {
  const began = Date.parse(passage.beganAt!);
  const points: Point[] = [[began, 0], ...passage.shifts.map(({ at, weight }): Point => [Date.parse(at), weight / 100])];
  if (passage.backAt) points.push([Date.parse(passage.backAt), 0]);
  const end = passage.backAt ?? passage.arrivedAt;
  const last = Math.max(end ? Date.parse(end) : nowMs, points.at(-1)![0]);
  const until = end ? last + Math.max(1000, (last - began) * TAIL) : last;
  if (until > points.at(-1)![0]) points.push([until, passage.weight / 100]);
  return points;
}

/** From now to the end of the bake time. Empty when nobody can say. */
function whatComes(passage: Passage, strategy: Strategy | undefined, nowMs: number): Point[] {
  const next = nextStep(passage, strategy, nowMs);
  if (!next || !strategy) return [];
  const points: Point[] = [[nowMs, passage.weight / 100]];
  let at = next.atMs;
  const done = passage.shifts.at(-1)?.step ?? -1;
  for (const { weight, hold } of strategy.steps.slice(done + 1)) {
    points.push([at, weight / 100]);
    at += hold;
  }
  if (at > points.at(-1)![0]) points.push([at, 1]);
  return points;
}

/** The last value at or before each time, and gaps outside of the points. */
function heldValues(points: Point[], time: number[]): (number | null)[] {
  const [first, last] = [points[0]?.[0] ?? Infinity, points.at(-1)?.[0] ?? -Infinity];
  return time.map((at) => (at < first || at > last ? null : (points.findLast(([since]) => since <= at)?.[1] ?? null)));
}

function marksOf(passage: Passage, nowMs: number): ChartMark[] {
  const seconds = (at: string) => Date.parse(at) / 1e3;
  const marks: ChartMark[] = passage.moments.flatMap(({ what, at }): ChartMark[] => {
    if (what === 'paused') return [{ atS: seconds(at), label: 'paused', colour: 'var(--warn)' }];
    if (what === 'resumed') return [{ atS: seconds(at), label: 'resumed', colour: 'var(--info)' }];
    if (what === 'promoted') return [{ atS: seconds(at), label: 'promoted', colour: 'var(--info)' }];
    return [];
  });
  if (passage.decided) marks.push({ atS: seconds(passage.decided.at), label: 'rolled back', colour: 'var(--bad)' });
  if (passage.arrivedAt) marks.push({ atS: seconds(passage.arrivedAt), label: 'arrived', colour: 'var(--good)' });
  if (!isOver(passage)) marks.push({ atS: nowMs / 1e3, label: 'now', colour: 'var(--accent)' });
  return marks;
}
