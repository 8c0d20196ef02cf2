import type { Evidence } from '$lib/api/types';
import { metricsHref } from '$lib/format/entity';

/** An instant has no width; this much before it is shown with it. */
const LEAD_MS = 30 * 60_000;

/** The explorer with the query and the window of a verdict. */
export function evidenceHref({ language, query, start, end }: Evidence): string {
  if (language === 'sql') return `/explore/sql?${new URLSearchParams({ sql: query })}`;
  const from = new Date(Math.min(Date.parse(start), Date.parse(end) - LEAD_MS)).toISOString();
  return metricsHref(query, { from, to: new Date(end).toISOString() });
}
