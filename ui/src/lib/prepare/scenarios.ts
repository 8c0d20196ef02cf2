import type { Run } from '$lib/api/types';
import { isActiveRun } from '$lib/format/states';
import { deliveredRatio, errorRatio, whole } from './reports/load';
import type { LoadReport } from './reports/report';
import type { SeriesData } from '$lib/charts/series';

/** What a run plays, where its document does not say it. */
export function runMode({ kind, parameters }: Pick<Run, 'kind' | 'parameters'>): string | null {
  if (kind === 'experiment' || kind === 'deployment') return kind;
  if (kind !== 'scenario') return null;
  return parameters.mode === 'load' || parameters.mode === 'limit' ? parameters.mode : 'test';
}

/** What stands beside a run's title in a list: its mode, and of a deployment what goes where. */
export function runNote(run: Pick<Run, 'kind' | 'parameters'>): string | null {
  if (run.kind !== 'deployment') return runMode(run);
  const { version, to } = run.parameters;
  return `deployment of ${version ?? 'a version'}${to ? ` to ${to}` : ''}`;
}

/** More would take long to read, and cannot be told apart on a chart. */
const RESULTS_MAX = 20;

/** The newest load runs that came to an end. */
export function finishedLoads(runs: Run[]): Run[] {
  return runs.filter((run) => runMode(run) === 'load' && !isActiveRun(run.status)).slice(0, RESULTS_MAX);
}

/** A load run and what it came to. */
export interface LoadResult {
  run: Run;
  report: LoadReport;
}

/** The results of load runs over time, oldest first. */
export function trend(results: LoadResult[]): { latency: SeriesData; errors: SeriesData } {
  const sorted = [...results].sort((a, b) => a.run.requested_at.localeCompare(b.run.requested_at));
  const time = sorted.map(({ run }) => Date.parse(run.requested_at) / 1e3);
  const percentile = (key: 'p50' | 'p95' | 'p99') => sorted.map(({ report }) => whole(report.latency_ms)[key] ?? null);
  return {
    latency: {
      time,
      series: [
        { label: 'p50', values: percentile('p50'), colour: 'var(--series-1)' },
        { label: 'p95', values: percentile('p95'), colour: 'var(--series-7)' },
        { label: 'p99', values: percentile('p99'), colour: 'var(--series-4)' }
      ]
    },
    errors: {
      time,
      series: [
        { label: 'errors', values: sorted.map(({ report }) => errorRatio(report)), colour: 'var(--bad)' },
        { label: 'not delivered', values: sorted.map(({ report }) => notDelivered(report)), colour: 'var(--quiet)' }
      ]
    }
  };
}

function notDelivered(report: LoadReport): number | null {
  const ratio = deliveredRatio(report);
  return ratio === null ? null : Math.max(0, 1 - ratio);
}
