import type { Series, SeriesData } from '$lib/charts/series';
import type { Failures, LoadPhase, LoadReport, LoadSecond, Percentiles, Timings } from './report';

/** Asked, delivered and failed by the second. */
export function rateChart(report: LoadReport, startS: number): SeriesData {
  const series = report.series ?? [];
  return {
    time: times(series, startS),
    series: told([
      { label: 'asked', values: series.map(({ second }) => askedRate(report.phases ?? [], second)), colour: 'var(--quiet)' },
      { label: 'arrivals', values: column(series, 'arrivals'), colour: 'var(--series-1)' },
      { label: 'requests', values: column(series, 'requests'), colour: 'var(--series-6)' },
      { label: 'errors', values: column(series, 'errors'), colour: 'var(--bad)' }
    ])
  };
}

/** Percentiles of the latency by the second. */
export function latencyChart(report: LoadReport, startS: number): SeriesData {
  const series = report.series ?? [];
  const line = (label: string, key: keyof LoadSecond, colour: string): Series => ({ label, values: column(series, key), colour });
  return {
    time: times(series, startS),
    series: told([line('p50', 'p50_ms', 'var(--series-1)'), line('p95', 'p95_ms', 'var(--series-7)'), line('p99', 'p99_ms', 'var(--series-4)')])
  };
}

/** Arrivals asked for in the second; null in a pause, and where users are kept at a number instead. */
export function askedRate(phases: LoadPhase[], second: number): number | null {
  const middle = second * 1e3 + 500;
  const phase = phases.find(({ begins_ms, ends_ms }) => begins_ms <= middle && middle < ends_ms);
  if (!phase) return null;
  const length = phase.ends_ms - phase.begins_ms;
  if (phase.kind === 'rate') return phase.from + ((phase.to - phase.from) * (middle - phase.begins_ms)) / length;
  return phase.kind === 'count' ? (phase.from / length) * 1e3 : null;
}

const times = (series: LoadSecond[], startS: number) => series.map(({ second }) => startS + second);
const column = (series: LoadSecond[], key: keyof LoadSecond) => series.map((one) => one[key] ?? null);
const told = (series: Series[]) => series.filter(({ values }) => values.some((value) => value !== null));

/** Requests without an answer, and answers that say that the server failed. */
export function errorCount({ errors, codes, series = [] }: LoadReport): number {
  if (!errors && !codes) return series.reduce((sum, one) => sum + (one.errors ?? 0), 0);
  const unanswered = Object.values(errors ?? {}).reduce((sum, { count }) => sum + count, 0);
  const failed = Object.entries(codes ?? {}).reduce((sum, [code, count]) => (Number(code) >= 500 ? sum + count : sum), 0);
  return unanswered + failed;
}

/** Of the requests; null before the first. */
export function errorRatio(report: LoadReport): number | null {
  return report.requests ? errorCount(report) / report.requests : null;
}

/** Delivered over asked; null while it is not told, or nothing was asked. */
export function deliveredRatio({ asked_count, delivered_count }: LoadReport): number | null {
  return asked_count && typeof delivered_count === 'number' ? delivered_count / asked_count : null;
}

/** Arrivals that began late or never, of those asked for. */
export const slipRatio = ({ slip }: LoadReport): number | null => (slip ? slip.percent / 100 : null);

/** The last byte counts where it is known: that is when an answer can be used. */
export const whole = (timings: Timings | undefined): Percentiles => timings?.last_byte ?? timings?.first_byte ?? {};

/** Everything that went wrong, the most frequent first. */
export function failures({ errors = {}, expectations_failed = {} }: LoadReport): ({ name: string; kind: string } & Failures)[] {
  const named = (kind: string, of: Record<string, Failures>) => Object.entries(of).map(([name, failure]) => ({ name, kind, ...failure }));
  return [...named('error', errors), ...named('expectation', expectations_failed)].sort((a, b) => b.count - a.count);
}
