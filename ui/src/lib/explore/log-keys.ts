import type { LogLine } from '$lib/api/types';

/**
 * A key for each record that stays the same when the list is read again, so that a row somebody opened
 * stays open. Records that are alike in everything are told apart by a number, counted from the oldest.
 */
export function lineKeys(lines: Pick<LogLine, 'time' | 'service' | 'span_id' | 'body'>[]): string[] {
  const seen = new Map<string, number>();
  const keys = lines.map(() => '');
  for (let index = lines.length - 1; index >= 0; index -= 1) {
    const { time, service, span_id, body } = lines[index]!;
    const key = [time, service, span_id ?? '', body].join('\0');
    const count = (seen.get(key) ?? 0) + 1;
    seen.set(key, count);
    keys[index] = `${key}\0${count}`;
  }
  return keys;
}
