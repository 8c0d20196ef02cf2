import { getRunOutput } from '$lib/api/prepare';
import { lastReport, type Report } from './report';

/** The report that a run ended with; null if it left none. */
export async function readLastReport(id: string): Promise<Report | null> {
  let report: Report | null = null;
  let after = -1;
  for (;;) {
    const { chunks } = await getRunOutput(id, after);
    if (!chunks.length) return report;
    report = lastReport(chunks) ?? report;
    after = chunks.at(-1)!.sequence;
  }
}
