/**
 * A window of time as the URL holds it: `now-1h` … `now`, or two RFC 3339 instants.
 * Kept as text, so that a relative window moves on and a shared link means the same to both readers.
 */
export interface TimeRange {
  from: string;
  to: string;
}

export interface ResolvedRange {
  start: Date;
  end: Date;
}

export const DEFAULT_RANGE: TimeRange = { from: 'now-1h', to: 'now' };

export const PRESETS: { label: string; range: TimeRange }[] = [
  ['5 minutes', 'now-5m'],
  ['15 minutes', 'now-15m'],
  ['hour', 'now-1h'],
  ['3 hours', 'now-3h'],
  ['12 hours', 'now-12h'],
  ['day', 'now-1d'],
  ['7 days', 'now-7d'],
  ['30 days', 'now-30d']
].map(([label, from]) => ({ label: `Last ${label}`, range: { from: from!, to: 'now' } }));

const UNIT_MS: Record<string, number> = { s: 1e3, m: 6e4, h: 36e5, d: 864e5, w: 6048e5 };

/** Reads `now`, `now-15m` or an instant; null if it is none of them. */
export function parsePoint(text: string, now: Date): Date | null {
  if (text === 'now') return now;
  const relative = /^now-(\d{1,6})([smhdw])$/.exec(text);
  if (relative) return new Date(now.getTime() - Number(relative[1]) * UNIT_MS[relative[2]!]!);
  const instant = /^\d{4}-\d\d-\d\dT/.test(text) ? new Date(text) : null;
  return instant && !Number.isNaN(instant.getTime()) ? instant : null;
}

/** The range of a URL's `from` and `to`; the last hour where they are missing or make no sense. */
export function rangeFromParams(params: URLSearchParams): TimeRange {
  const from = params.get('from');
  const to = params.get('to') ?? 'now';
  if (!from) return DEFAULT_RANGE;
  const now = new Date();
  const start = parsePoint(from, now);
  const end = parsePoint(to, now);
  return start && end && start < end ? { from, to } : DEFAULT_RANGE;
}

export function resolveRange(range: TimeRange, now: Date): ResolvedRange {
  const end = parsePoint(range.to, now) ?? now;
  const start = parsePoint(range.from, now) ?? new Date(end.getTime() - UNIT_MS.h!);
  return { start, end };
}

/** Whether the window moves with the clock. */
export function isMoving(range: TimeRange): boolean {
  return range.to === 'now';
}

export function absoluteRange(startS: number, endS: number): TimeRange {
  return { from: new Date(startS * 1e3).toISOString(), to: new Date(endS * 1e3).toISOString() };
}

/** A window around an instant, e.g. around a span, for the logs beside it. */
export function rangeAround(start: Date, end: Date, marginMs: number): TimeRange {
  return {
    from: new Date(start.getTime() - marginMs).toISOString(),
    to: new Date(end.getTime() + marginMs).toISOString()
  };
}

export function rangeLabel(range: TimeRange): string {
  const preset = PRESETS.find(({ range: { from, to } }) => from === range.from && to === range.to);
  if (preset) return preset.label;
  if (isMoving(range)) return `Since ${pointLabel(range.from)}`;
  return `${pointLabel(range.from)} – ${pointLabel(range.to)}`;
}

function pointLabel(point: string): string {
  const instant = /^\d{4}/.test(point) ? new Date(point) : null;
  if (!instant) return point;
  return instant.toLocaleString(undefined, { month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit', second: '2-digit' });
}

const STEPS_S = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400];

/** The smallest round step that gives at most `points` points over the window. */
export function stepFor({ start, end }: ResolvedRange, points = 240): number {
  const wanted = (end.getTime() - start.getTime()) / 1e3 / points;
  return STEPS_S.find((step) => step >= wanted) ?? Math.ceil(wanted / 86400) * 86400;
}
