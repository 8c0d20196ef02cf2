import type { AlarmRecord, AlarmState } from '$lib/api/types';

/** Worst first. */
export const ALARM_ORDER: AlarmState[] = ['firing', 'error', 'pending', 'nodata', 'resolved', 'inactive'];

export function byState(a: AlarmRecord, b: AlarmRecord): number {
  return ALARM_ORDER.indexOf(a.state) - ALARM_ORDER.indexOf(b.state) || b.since.localeCompare(a.since) || a.id.localeCompare(b.id);
}

/** The rule's own words where an instance has them, else why it could not judge, else its group. */
export function alarmSummary(alarm: AlarmRecord): string {
  if (alarm.error) return alarm.error;
  const annotations = alarm.instances.find(({ state }) => state === alarm.state)?.annotations;
  return annotations?.summary ?? annotations?.description ?? alarm.group;
}

/**
 * The left side of the last comparison of an alarm's expression, so that a chart shows the value itself and
 * not only the moments at which it is beyond the limit. The whole expression where there is no comparison
 * with a number outside of brackets.
 */
export function withoutThreshold(expression: string): { query: string; threshold: number | null } {
  const match = /^([\s\S]+?)\s*(?:>=|<=|==|!=|>|<)\s*(-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)\s*$/i.exec(expression);
  if (!match || !balanced(match[1]!) || /\b(and|or|unless)\b(?![^(]*\))/i.test(match[1]!)) return { query: expression, threshold: null };
  return { query: match[1]!, threshold: Number(match[2]) };
}

function balanced(text: string): boolean {
  let depth = 0;
  for (const character of text.replace(/"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'/g, '')) {
    if ('([{'.includes(character)) depth += 1;
    if (')]}'.includes(character)) depth -= 1;
    if (depth < 0) return false;
  }
  return depth === 0;
}
