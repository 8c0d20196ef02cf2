import type { Table } from '$lib/api/types';
import type { SeriesData } from '$lib/charts/series';

/** RFC 4180: fields with a comma, a quote or a line break are quoted. */
export function toCsv({ columns, rows }: Pick<Table, 'columns' | 'rows'>): string {
  const line = (cells: unknown[]) => cells.map(csvField).join(',');
  return [line(columns.map(({ name }) => name)), ...rows.map(line)].map((text) => `${text}\r\n`).join('');
}

function csvField(value: unknown): string {
  const text = cellText(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

export function cellText(value: unknown): string {
  if (value === null || value === undefined) return '';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

const NUMERIC = ['integer', 'float'];

/**
 * A result as lines over time, if it has a timestamp and a number. A text column beside them splits the
 * numbers into one line for each of its values.
 */
export function tableSeries({ columns, rows }: Pick<Table, 'columns' | 'rows'>): SeriesData | null {
  const timeAt = columns.findIndex(({ type }) => type === 'timestamp');
  const numbers = columns.flatMap(({ type }, index) => (NUMERIC.includes(type) ? [index] : []));
  if (timeAt < 0 || !numbers.length || !rows.length) return null;
  const splitAt = columns.findIndex(({ type }) => type === 'text');
  const lines = new Map<string, Map<number, number>>();
  const times = new Set<number>();
  for (const row of rows) {
    const time = Date.parse(String(row[timeAt])) / 1e3;
    if (!Number.isFinite(time)) continue;
    times.add(time);
    for (const at of numbers) {
      const label = [splitAt >= 0 ? cellText(row[splitAt]) : '', numbers.length > 1 || splitAt < 0 ? columns[at]!.name : ''].filter(Boolean).join(' ');
      const line = lines.get(label) ?? new Map<number, number>();
      if (row[at] !== null) line.set(time, Number(row[at]));
      lines.set(label, line);
    }
  }
  const time = [...times].sort((a, b) => a - b);
  const series = [...lines].map(([label, values]) => ({ label, values: time.map((at) => values.get(at) ?? null) }));
  return { time, series };
}

/** Hands a text to the browser as a file. */
export function download(name: string, text: string, type: string) {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}
