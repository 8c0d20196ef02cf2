import { seriesName, type MatrixSeries } from '$lib/api/prometheus';
import type { OutputChunk, Table } from '$lib/api/types';
import { alignMatrix, type SeriesData } from '$lib/charts/series';

/** What stands together in a step's output: a stretch of terminal text, or one table, chart or note. */
export type OutputBlock =
  | { key: number; kind: 'text'; parts: { text: string; stderr: boolean }[] }
  | { key: number; kind: 'note'; text: string }
  | { key: number; kind: 'table'; table: Table }
  | { key: number; kind: 'chart'; expression: string; start: string; end: string; leftOut: number; data: SeriesData };

/** Puts chunks of text together, so that colours carry over and lines are whole. */
export function blocks(chunks: OutputChunk[]): OutputBlock[] {
  const made: OutputBlock[] = [];
  for (const chunk of chunks) {
    const last = made.at(-1);
    if (chunk.kind === 'stdout' || chunk.kind === 'stderr') {
      const part = { text: chunk.data, stderr: chunk.kind === 'stderr' };
      if (last?.kind === 'text') last.parts.push(part);
      else made.push({ key: chunk.sequence, kind: 'text', parts: [part] });
    } else {
      made.push(special(chunk));
    }
  }
  return made;
}

function special({ sequence: key, kind, data }: OutputChunk): OutputBlock {
  if (kind === 'note') return { key, kind, text: data };
  // A report that this page knows is drawn above the output and does not come here.
  if (kind === 'report') return { key, kind: 'text', parts: [{ text: data, stderr: false }] };
  try {
    const value = JSON.parse(data) as unknown;
    return kind === 'table' ? { key, kind: 'table', table: value as Table } : chartBlock(key, value as ChartOutput);
  } catch {
    return { key, kind: 'text', parts: [{ text: data, stderr: false }] };
  }
}

interface ChartOutput {
  expression: string;
  /** RFC 3339. */
  start: string;
  /** RFC 3339. */
  end: string;
  result: MatrixSeries[];
  /** Series that were too many to store. */
  left_out: number;
}

function chartBlock(key: number, { expression, start, end, result, left_out }: ChartOutput): OutputBlock {
  const data = alignMatrix(result.map(({ metric, values }) => ({ label: seriesName(metric), values })));
  return { key, kind: 'chart', expression, start, end, leftOut: left_out, data };
}
