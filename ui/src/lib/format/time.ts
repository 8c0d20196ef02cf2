import { formatDuration } from './numbers';

const CLOSE_MS = 24 * 36e5;

/** `12 s ago`, `in 3 min`; a date beyond a day. */
export function relativeTime(instant: Date, nowMs: number): string {
  const past = nowMs - instant.getTime();
  if (Math.abs(past) < 1500) return 'now';
  if (Math.abs(past) > CLOSE_MS) return localTime(instant);
  const amount = coarse(Math.abs(past));
  return past > 0 ? `${amount} ago` : `in ${amount}`;
}

/** In the reader's zone, with the date unless it is today. */
export function localTime(instant: Date, withMs = false): string {
  const time = instant.toLocaleTimeString(undefined, {
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hour12: false,
    ...(withMs ? { fractionalSecondDigits: 3 as const } : {})
  });
  if (instant.toDateString() === new Date().toDateString()) return time;
  const date = instant.toLocaleDateString(undefined, { year: 'numeric', month: 'short', day: 'numeric' });
  return `${date} ${time}`;
}

/** `2026-03-01 12:00:00.123 UTC` */
export function utcTime(instant: Date): string {
  return instant.toISOString().replace('T', ' ').replace('Z', ' UTC');
}

function coarse(ms: number): string {
  if (ms < 6e4) return formatDuration(ms);
  if (ms < 36e5) return `${Math.floor(ms / 6e4)} min`;
  return formatDuration(Math.floor(ms / 6e4) * 6e4);
}
