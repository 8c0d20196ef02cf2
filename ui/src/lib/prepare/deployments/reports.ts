import type { OutputChunk } from '$lib/api/types';
import { readReport, type DeploymentReport, type Judged } from '../reports/report';

/**
 * One report of a shift. Each repeats all points that were judged so far, so that keeping them all would take far too
 * much memory: those of a report are read when they are asked for.
 */
export interface TimedReport {
  at: string;
  report: Omit<DeploymentReport, 'judgements'>;
  /** How many points of the new version each metric had. */
  counts: Record<string, number>;
  judgements: () => Judged[];
}

const known = new WeakMap<OutputChunk, TimedReport | null>();

/** The reports of a deployment among a step's output, in order. */
export function reportsOf(chunks: OutputChunk[]): TimedReport[] {
  return chunks.flatMap((chunk) => {
    if (chunk.kind !== 'report') return [];
    let found = known.get(chunk);
    if (found === undefined) known.set(chunk, (found = ofChunk(chunk)));
    return found ?? [];
  });
}

function ofChunk({ time, data }: OutputChunk): TimedReport | null {
  const read = () => {
    const report = readReport(data);
    return report?.report === 'deployment' ? report : null;
  };
  const report = read();
  return report && timed(time, report, () => read()?.judgements ?? []);
}

export function timed(at: string, { judgements = [], ...report }: DeploymentReport, again: () => Judged[]): TimedReport {
  return { at, report, counts: Object.fromEntries(judgements.map(({ metric, canary }) => [metric, canary?.length ?? 0])), judgements: again };
}
