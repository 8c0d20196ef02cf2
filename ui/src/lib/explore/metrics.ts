import { queryInstant, queryRange, seriesName, type Labels } from '$lib/api/prometheus';
import { alignMatrix, type SeriesData } from '$lib/charts/series';
import { stepFor, type ResolvedRange } from '$lib/time/range';

/** More lines than this cannot be told apart; the table still has them all. */
export const LINES_MAX = 60;

export interface ExpressionResult {
  expression: string;
  error?: Error;
  matrix: { metric: Labels; values: [number, string][] }[];
  /** The value at the end of the window. */
  rows: { metric: Labels; value: string }[];
}

/** Evaluates each expression over the window and at its end; one that fails does not keep the others from showing. */
export function evaluateAll(expressions: string[], range: ResolvedRange): Promise<ExpressionResult[]> {
  return Promise.all(expressions.map((expression) => evaluate(expression, range)));
}

async function evaluate(expression: string, range: ResolvedRange): Promise<ExpressionResult> {
  const stepS = stepFor(range);
  // Aligned to the step, so that the points do not dance when a moving window moves.
  const endS = Math.ceil(range.end.getTime() / 1e3 / stepS) * stepS;
  const startS = Math.floor(range.start.getTime() / 1e3 / stepS) * stepS;
  try {
    const [matrix, instant] = await Promise.all([
      queryRange(expression, { startS, endS, stepS }),
      queryInstant(expression, range.end.getTime() / 1e3)
    ]);
    return { expression, matrix, rows: instantRows(instant) };
  } catch (error) {
    return { expression, error: error as Error, matrix: [], rows: [] };
  }
}

function instantRows(instant: Awaited<ReturnType<typeof queryInstant>>): ExpressionResult['rows'] {
  if (instant.resultType === 'vector') return instant.result.map(({ metric, value }) => ({ metric, value: value[1] }));
  if (instant.resultType === 'matrix') {
    return instant.result.map(({ metric, values }) => ({ metric, value: values.at(-1)?.[1] ?? '' }));
  }
  return [{ metric: {}, value: instant.result[1] }];
}

export const expressionLetter = (index: number): string => String.fromCharCode(65 + (index % 26));

/** All results on one chart; with several expressions, each line says by a letter whose it is. */
export function chartData(results: ExpressionResult[]): SeriesData & { left: number } {
  const lines = results.flatMap(({ matrix, expression }, index) =>
    matrix.map(({ metric, values }) => {
      const name = Object.keys(metric).length ? seriesName(metric) : expression;
      return { label: results.length > 1 ? `${expressionLetter(index)} · ${name}` : name, values };
    })
  );
  return { ...alignMatrix(unique(lines).slice(0, LINES_MAX)), left: Math.max(0, lines.length - LINES_MAX) };
}

/** Labels name the lines of a chart, so two of the same name are told apart by a number. */
function unique<T extends { label: string }>(lines: T[]): T[] {
  const seen = new Map<string, number>();
  return lines.map((line) => {
    const count = (seen.get(line.label) ?? 0) + 1;
    seen.set(line.label, count);
    return count > 1 ? { ...line, label: `${line.label} (${count})` } : line;
  });
}
