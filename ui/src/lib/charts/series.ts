import type { MatrixSeries } from '$lib/api/prometheus';

/** One line of a chart, on the shared times of the chart. */
export interface Series {
  label: string;
  values: (number | null)[];
  /** A CSS colour; from the palette if absent. */
  colour?: string;
  /** Each value holds until the next. */
  stepped?: boolean;
  /** Of what is only meant to happen. */
  dashed?: boolean;
  /** The area below is tinted. */
  filled?: boolean;
}

export interface SeriesData {
  /** Seconds since the epoch, ascending. */
  time: number[];
  series: Series[];
}

/** Puts Prometheus's series on one axis of time; where a series has no sample, it has a gap. */
export function alignMatrix(matrix: { label: string; values: MatrixSeries['values'] }[]): SeriesData {
  const time = [...new Set(matrix.flatMap(({ values }) => values.map(([at]) => at)))].sort((a, b) => a - b);
  const index = new Map(time.map((at, position) => [at, position]));
  const series = matrix.map(({ label, values }) => {
    const aligned: (number | null)[] = Array(time.length).fill(null);
    for (const [at, text] of values) aligned[index.get(at)!] = sampleValue(text);
    return { label, values: aligned };
  });
  return { time, series };
}

/** A sample's text as a number that can be drawn; NaN and infinities are gaps. */
function sampleValue(text: string): number | null {
  const value = Number(text);
  return Number.isFinite(value) ? value : null;
}

/** Sums from the first series up, for areas and bars that stand on each other. */
export function stack(series: Series[]): Series[] {
  const sums: number[] = [];
  return series.map((one) => ({
    ...one,
    values: one.values.map((value, index) => (sums[index] = (sums[index] ?? 0) + (value ?? 0)))
  }));
}
