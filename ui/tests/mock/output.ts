import type { OutputChunk } from '../../src/lib/api/types.ts';
import { deploymentOutput } from './deployments.ts';
import { ago } from './documents.ts';
import { gameDayReport } from './game-days.ts';
import { experimentReport, loadReport, runningReport, testReport } from './reports.ts';
import { outputOf } from './runs.ts';

/** Reports by the last letter of a run's id; other runs have what a runbook prints. */
const REPORTS: Record<string, object[]> = {
  e: [testReport],
  f: [loadReport(1)],
  g: [loadReport(1.8, true)],
  h: [loadReport(0.9)],
  i: [experimentReport],
  k: [gameDayReport],
  // The latest seconds of each are its last 60.
  j: [runningReport(40), runningReport(70)]
};

export function allOutputOf(id: string): OutputChunk[] {
  const deployed = deploymentOutput(id);
  if (deployed) return deployed;
  const reports = REPORTS[id.at(-1)!];
  if (!reports) return outputOf(id);
  const chunk = (sequence: number, kind: OutputChunk['kind'], data: string): OutputChunk => ({ run: id, step: id.endsWith('k') ? 3 : 0, sequence, kind, time: ago(600 - sequence), data });
  return [chunk(0, 'stdout', 'Plays checkout at http://127.0.0.1:8080\n'), ...reports.map((report, index) => chunk(index + 1, 'report', JSON.stringify(report)))];
}
