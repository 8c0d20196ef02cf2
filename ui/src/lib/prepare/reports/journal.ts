import type { Journal, JournalRow, SteadyState } from './report';

/** A part of an experiment, in the order in which they are played. */
export interface JournalPart {
  title: string;
  /** Whether the hypothesis held; nothing for what is no hypothesis. */
  met?: boolean | null;
  rows: JournalRow[];
}

/** What was played so far. Parts that were not reached are left out. */
export function journalParts({ steady_states: steady = {}, run = [], rollbacks = [] }: Journal): JournalPart[] {
  const during = (steady.during ?? []).map((state, index, all) => hypothesis(all.length > 1 ? `Hypothesis during the method, look ${index + 1}` : 'Hypothesis during the method', state));
  return [
    steady.before && hypothesis('Hypothesis before', steady.before),
    run.length && { title: 'Method', rows: run },
    ...during,
    steady.after && hypothesis('Hypothesis after', steady.after),
    rollbacks.length && { title: 'Rollbacks', rows: rollbacks }
  ].filter((part): part is JournalPart => Boolean(part));
}

function hypothesis(title: string, { steady_state_met, probes = [] }: SteadyState): JournalPart {
  return { title, met: steady_state_met, rows: probes };
}

/** The word for how an activity went, of the states of a check. */
export function rowState({ status, tolerance_met, end }: JournalRow): string {
  if (status === 'failed') return 'failed';
  if (tolerance_met === false) return 'deviated';
  if (tolerance_met === true) return 'met';
  return status ?? (end ? 'succeeded' : 'running');
}

export interface Span {
  /** Percent of the whole. */
  left: number;
  /** Percent of the whole. */
  width: number;
}

/** Where a row lies within the experiment, for a bar on a shared axis; nothing where it has no times. */
export function spanOf(row: JournalRow, journal: Journal): Span | null {
  const [begin, stop] = [instant(journal.start), instant(journal.end) ?? lastEnd(journal)];
  const [from, to] = [instant(row.start), instant(row.end)];
  if (begin === null || stop === null || from === null || stop <= begin) return null;
  const percent = (at: number) => Math.min(100, Math.max(0, ((at - begin) / (stop - begin)) * 100));
  const left = Math.min(99, percent(from));
  return { left, width: Math.max(1, percent(to ?? stop) - left) };
}

/** Milliseconds, from the times where the duration is not written. */
export function rowDurationMs({ duration, start, end }: JournalRow): number | null {
  if (typeof duration === 'number') return duration * 1e3;
  const [from, to] = [instant(start), instant(end)];
  return from !== null && to !== null ? to - from : null;
}

/** What an activity gave back, for one line or a folded block. */
export function outputText(output: unknown): string {
  if (output === null || output === undefined) return '';
  return typeof output === 'string' ? output : JSON.stringify(output, null, 2);
}

/** The same on one line. */
export const lineText = (value: unknown): string => (typeof value === 'string' ? value : (JSON.stringify(value) ?? ''));

function lastEnd(journal: Journal): number | null {
  const ends = journalParts(journal).flatMap(({ rows }) => rows.map(({ end, start }) => instant(end) ?? instant(start) ?? 0));
  return ends.length ? Math.max(...ends) : null;
}

/** The toolkit writes UTC without saying so; Mainstay says it. */
function instant(text: string | undefined): number | null {
  if (!text) return null;
  const zoned = /(Z|[+-]\d\d:?\d\d)$/.test(text) ? text : `${text}Z`;
  const at = Date.parse(zoned);
  return Number.isNaN(at) ? null : at;
}
