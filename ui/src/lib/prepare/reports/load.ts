import type { Series, SeriesData } from '$lib/charts/series';
import type { LoadEndpoint, LoadReport, LoadSecond, Percentiles } from './report';

/** A `second` beyond this counts from the epoch, not from the beginning of the load. */
const EPOCH_S = 1e9;

/** Asked, delivered and failed by the second. */
export function rateChart(report: LoadReport, startS: number): SeriesData {
  const series = report.series ?? [];
  const asked = series.some((one) => one.asked !== undefined && one.asked !== null);
  return {
    time: times(series, startS),
    series: [
      ...(asked ? [{ label: 'asked', values: column(series, 'asked'), colour: 'var(--quiet)' }] : []),
      { label: 'arrivals', values: column(series, 'arrivals'), colour: 'var(--series-1)' },
      { label: 'requests', values: column(series, 'requests'), colour: 'var(--series-6)' },
      { label: 'errors', values: column(series, 'errors'), colour: 'var(--bad)' }
    ]
  };
}

/** Percentiles of the latency by the second. */
export function latencyChart(report: LoadReport, startS: number): SeriesData {
  const series = report.series ?? [];
  const line = (label: string, key: keyof LoadSecond, colour: string): Series => ({ label, values: column(series, key), colour });
  return {
    time: times(series, startS),
    series: [line('p50', 'p50_ms', 'var(--series-1)'), line('p95', 'p95_ms', 'var(--series-7)'), line('p99', 'p99_ms', 'var(--series-4)')]
  };
}

const times = (series: LoadSecond[], startS: number) => series.map(({ second }) => (second > EPOCH_S ? second : startS + second));
const column = (series: LoadSecond[], key: keyof LoadSecond) => series.map((one) => one[key] ?? null);

/** All failed requests. */
export function errorCount({ errors = {}, codes = {} }: LoadReport): number {
  const refused = Object.values(errors).reduce((sum, { count }) => sum + count, 0);
  const answered = Object.entries(codes).reduce((sum, [code, count]) => (Number(code) >= 500 ? sum + count : sum), 0);
  return refused + answered;
}

/** Of the requests; null before the first. */
export function errorRatio(report: LoadReport): number | null {
  return report.requests ? errorCount(report) / report.requests : null;
}

/** Delivered over asked; null while nothing was asked. */
export function deliveredRatio({ asked, delivered }: LoadReport): number | null {
  if (typeof delivered?.ratio === 'number') return delivered.ratio;
  return asked?.count && typeof delivered?.count === 'number' ? delivered.count / asked.count : null;
}

/** The last byte counts where it is known: that is when an answer can be used. */
export function endpointLatency({ latency_ms }: LoadEndpoint): Percentiles {
  return latency_ms?.last_byte ?? latency_ms?.first_byte ?? latency_ms ?? {};
}

/** The checks of a load run, thresholds first, each in the words of the script. */
export function checks({ thresholds = [], conditions = [] }: LoadReport): { name: string; actual: string; ok: boolean; binding: boolean }[] {
  return [
    ...thresholds.map(({ metric, max, actual, ok }) => ({ name: max === undefined ? metric : `${metric} ≤ ${max}`, actual: actual === undefined || actual === null ? '–' : shortNumber(actual), ok, binding: true })),
    ...conditions.map(({ expression, strict, ok }) => ({ name: expression, actual: '–', ok, binding: strict ?? true }))
  ];
}

const shortNumber = (value: number) => String(Number(value.toPrecision(4)));

/** How late requests began, as a share of what was planned; null where it is not told. */
export function slipRatio({ slip }: LoadReport): number | null {
  if (typeof slip === 'number') return slip;
  return typeof slip?.ratio === 'number' ? slip.ratio : null;
}
