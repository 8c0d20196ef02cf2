import type { AlarmRecord, CanaryLook, CanarySummary } from '$lib/api/types';

/** Worst first. */
export const CANARY_ORDER = ['failing', 'unsteady', 'waiting', 'passing', 'disabled'];

/**
 * Failing is what its alarm calls so: n of the last m looks at one of its locations, or a job that is late. The
 * looks say it before the alarm is judged again.
 */
export function canaryState({ name, enabled, looks, failures, of }: CanarySummary, alarms: AlarmRecord[]): string {
  if (!enabled) return 'disabled';
  if (alarmOf(name, alarms)?.state === 'firing') return 'failing';
  if (!looks.length) return 'waiting';
  const places = [...byLocation(looks).values()];
  const failing = places.some((seen) => seen.slice(0, of).filter(({ passed }) => !passed).length >= failures);
  if (failing) return 'failing';
  return places.some(([last]) => last && !last.passed) ? 'unsteady' : 'passing';
}

/** A canary and how it is. */
export interface JudgedCanary {
  canary: CanarySummary;
  state: string;
}

/** Worst first. */
export function judged(canaries: CanarySummary[], alarms: AlarmRecord[]): JudgedCanary[] {
  const order = ({ canary, state }: JudgedCanary, other: JudgedCanary) => CANARY_ORDER.indexOf(state) - CANARY_ORDER.indexOf(other.state) || canary.name.localeCompare(other.canary.name);
  return canaries.map((canary) => ({ canary, state: canaryState(canary, alarms) })).sort(order);
}

/** Of the looks that are kept; null before the first. */
export function successRatio(looks: CanaryLook[]): number | null {
  return looks.length ? looks.filter(({ passed }) => passed).length / looks.length : null;
}

/** Newest first within each location, as they came. */
export function byLocation(looks: CanaryLook[]): Map<string, CanaryLook[]> {
  const places = new Map<string, CanaryLook[]>();
  for (const look of looks) places.set(look.location ?? '', [...(places.get(look.location ?? '') ?? []), look]);
  return places;
}

/** A heartbeat is sent by the job itself, so nobody looks on a schedule. */
export const isHeartbeat = ({ schedule, check }: Pick<CanarySummary, 'schedule' | 'check'>): boolean => !schedule || /heartbeat/i.test(check);

/** PromQL for a canary's own series; the name is quoted as PromQL wants it. */
export const probeSeries = (metric: string, canary: string): string => `${metric}{canary=${JSON.stringify(canary)}}`;

/** Each canary has an alarm of its own, in a group of its name. */
export const alarmOf = (canary: string, alarms: AlarmRecord[]): AlarmRecord | undefined => alarms.find(({ group }) => group === `canaries/${canary}`);
