import type { Event } from '$lib/api/types';
import { shortType } from '$lib/format/events';
import { formatDuration } from '$lib/format/numbers';
import type { HookId, RollbackReason, Strategy } from '../reports/report';
import type { TimedReport } from './reports';

/** Something on record of one version's way into one environment. */
export interface Moment {
  at: string;
  what: 'began' | 'hookpassed' | 'shifting' | 'shifted' | 'judged' | 'watchedanew' | 'promoted' | 'paused' | 'resumed' | 'rollingback' | 'rolledback' | 'completed';
  /** Who did it, if it was a person. */
  by?: string;
  step?: number;
  /** Percent of the new version. */
  weight?: number;
  hook?: HookId;
  reason?: RollbackReason;
  metric?: string;
  verdict?: string;
  because?: string;
}

/** One version on its way into one environment. */
export interface Passage {
  environment: string;
  version: string;
  oldVersion: string | null;
  beganAt: string | null;
  /** Percent of the traffic that the new version has. */
  weight: number;
  shifts: { step: number; weight: number; at: string }[];
  hooksPassed: { hook: HookId; at: string }[];
  /** Since when its last step is watched without a gap, if not since it began. */
  watchedSince: string | null;
  /** The last one has no end while it lasts. */
  pauses: { from: string; to: string | null }[];
  promoted: number[];
  decided: { at: string; reason: RollbackReason } | null;
  backAt: string | null;
  arrivedAt: string | null;
  moments: Moment[];
}

const WHATS: Moment['what'][] = ['began', 'hookpassed', 'shifting', 'shifted', 'judged', 'watchedanew', 'promoted', 'paused', 'resumed', 'rollingback', 'rolledback', 'completed'];

/** The ledger's events of a run, as moments of one environment. */
export function momentsOfEvents(events: Event[], environment: string): Moment[] {
  return events.flatMap((event) => {
    const data = (event.data ?? {}) as Record<string, unknown>;
    const what = WHATS.find((one) => shortType(event.type) === `deployment.${one}`);
    if (!what || data.environment !== environment) return [];
    const judgement = (data.judgement ?? {}) as { verdict?: string; reason?: string };
    return [
      {
        at: event.time,
        what,
        by: event.actor.startsWith('user:') ? event.actor : undefined,
        step: asNumber(data.step),
        weight: asNumber(data.weight),
        hook: data.hook as HookId | undefined,
        reason: data.reason as RollbackReason | undefined,
        metric: data.metric as string | undefined,
        verdict: judgement.verdict,
        because: judgement.reason ?? (data.because as string | undefined)
      }
    ];
  });
}

/** What the reports of a shift tell of it, for runs whose events lie too far back. */
export function momentsOfReports(reports: TimedReport[]): Moment[] {
  const moments: Moment[] = [];
  let before: TimedReport['report'] | null = null;
  for (const { at, report } of reports) {
    if (report.began_at && !before?.began_at) moments.push({ at: report.began_at, what: 'began' });
    for (const [step, shiftedAt] of Object.entries(report.shifted_at ?? {})) {
      if (!before?.shifted_at?.[step]) moments.push({ at: shiftedAt, what: 'shifted', step: Number(step), weight: report.strategy?.steps[Number(step)]?.weight });
    }
    if (Boolean(report.paused) !== Boolean(before?.paused)) moments.push({ at, what: report.paused ? 'paused' : 'resumed' });
    if (report.rolling_back && !before?.rolling_back) moments.push({ at, what: 'rollingback', reason: report.rolling_back });
    if (report.rolled_back && !before?.rolled_back) moments.push({ at, what: 'rolledback' });
    if (report.completed && !before?.completed) moments.push({ at, what: 'completed' });
    before = report;
  }
  return moments.sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
}

/** Puts moments together, in their order. */
export function passageOf(environment: string, version: string, oldVersion: string | null, moments: Moment[]): Passage {
  const passage: Passage = {
    environment, version, oldVersion, beganAt: null, weight: 0, shifts: [], hooksPassed: [], watchedSince: null, pauses: [], promoted: [], decided: null, backAt: null, arrivedAt: null, moments
  };
  for (const moment of moments) add(passage, moment);
  return passage;
}

function add(passage: Passage, { at, what, step, weight, hook, reason }: Moment) {
  const last = passage.pauses.at(-1);
  if (what === 'began') passage.beganAt ??= at;
  if (what === 'shifted' && step !== undefined && weight !== undefined) {
    passage.shifts.push({ step, weight, at });
    passage.watchedSince = null;
    passage.weight = weight;
  }
  if (what === 'hookpassed' && hook) passage.hooksPassed.push({ hook, at });
  if (what === 'watchedanew') passage.watchedSince = at;
  if (what === 'promoted' && step !== undefined) passage.promoted.push(step);
  if (what === 'paused' && (!last || last.to)) passage.pauses.push({ from: at, to: null });
  if (what === 'resumed' && last && !last.to) last.to = at;
  if (what === 'rollingback' && reason) passage.decided ??= { at, reason };
  if (what === 'rolledback') {
    passage.backAt = at;
    passage.weight = 0;
  }
  if (what === 'completed') passage.arrivedAt = at;
}

export const isOver = ({ backAt, arrivedAt }: Passage): boolean => Boolean(backAt ?? arrivedAt);

export const isPaused = (passage: Passage): boolean => !isOver(passage) && passage.pauses.some(({ to }) => to === null);

/** How long the shift stood still since an instant. */
function stoodStillMs({ pauses }: Passage, sinceMs: number, nowMs: number): number {
  return pauses.reduce((sum, { from, to }) => sum + Math.max(0, (to ? Date.parse(to) : nowMs) - Math.max(sinceMs, Date.parse(from))), 0);
}

/** The step that comes next and when, if nothing intervenes; null when nothing comes next or a person must act first. */
export function nextStep(passage: Passage, strategy: Strategy | undefined, nowMs: number): { weight: number | null; atMs: number } | null {
  if (!strategy || isOver(passage) || passage.decided || isPaused(passage)) return null;
  const last = passage.shifts.at(-1);
  if (!last) return strategy.steps[0] ? { weight: strategy.steps[0].weight, atMs: nowMs } : null;
  const since = Date.parse(passage.watchedSince ?? last.at);
  const ends = since + (strategy.steps[last.step]?.hold ?? 0) + stoodStillMs(passage, since, nowMs);
  const atMs = passage.promoted.includes(last.step) ? nowMs : Math.max(nowMs, ends);
  return { weight: strategy.steps[last.step + 1]?.weight ?? null, atMs };
}

/** A document's own strategy is named by its kind alone, so that its steps are told: `10% for 6 min, 100%`. */
export function strategyText({ name, steps }: Strategy): string {
  if (/^[A-Z]/.test(name)) return name;
  return steps.map(({ weight, hold }) => (hold ? `${weight}% for ${formatDuration(hold)}` : `${weight}%`)).join(', ');
}

function asNumber(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined;
}
