import type { OutputChunk } from '$lib/api/types';

/**
 * What a step of language `scenario` or `experiment` came to, as its player writes it. A reader is ready for any
 * field to be missing: while the step runs much is not known yet.
 */
export type Report = TestReport | LoadReport | ExperimentReport;

/** A scenario played once. */
export interface TestReport {
  report: 'test';
  scenarios?: PlayedScenario[];
}

export interface PlayedScenario {
  name: string;
  passed: boolean;
  steps?: PlayedStep[];
}

export interface PlayedStep {
  name?: string | null;
  method?: string | null;
  url?: string | null;
  status?: number | null;
  duration_ms?: number | null;
  passed: boolean;
  failure?: { what: string; expected?: unknown; actual?: unknown } | null;
  /** The beginning of the body. */
  response?: string | null;
  captures?: Record<string, unknown>;
}

/** Many virtual users at a rate. */
export interface LoadReport {
  report: 'load';
  name?: string;
  finished?: boolean;
  asked?: { rate?: number; count?: number };
  delivered?: { rate?: number; count?: number; ratio?: number };
  vusers?: { created?: number; completed?: number; failed?: number; skipped?: number };
  requests?: number;
  codes?: Record<string, number>;
  errors?: Record<string, LoadError>;
  /** From the intended start. */
  latency_ms?: Latencies;
  /** From the actual start: what a generator that waits for answers would have said. */
  service_ms?: Latencies;
  endpoints?: Record<string, LoadEndpoint>;
  /** How late requests began, as a share of the asked time. */
  slip?: number | Record<string, number>;
  generator?: { limited?: boolean; reason?: string | null };
  series?: LoadSecond[];
  thresholds?: { metric: string; max?: number; actual?: number | null; ok: boolean }[];
  conditions?: { expression: string; strict?: boolean; ok: boolean }[];
  apdex?: unknown;
}

export interface LoadError {
  count: number;
  example?: string | null;
}

export interface Latencies {
  first_byte?: Percentiles | null;
  last_byte?: Percentiles | null;
}

export type Percentiles = Partial<Record<(typeof PERCENTILES)[number], number | null>>;
export const PERCENTILES = ['min', 'mean', 'p50', 'p90', 'p95', 'p99', 'p999', 'max'] as const;

export interface LoadEndpoint {
  requests?: number;
  latency_ms?: Percentiles & Latencies;
}

export interface LoadSecond {
  /** Since the load began, or since the epoch. */
  second: number;
  /** Asked for in this second. */
  asked?: number | null;
  arrivals?: number | null;
  requests?: number | null;
  errors?: number | null;
  p50_ms?: number | null;
  p95_ms?: number | null;
  p99_ms?: number | null;
  active?: number | null;
}

export interface ExperimentReport {
  report: 'experiment';
  journal?: Journal;
}

/** Chaos Toolkit's journal. */
export interface Journal {
  experiment?: { title?: string; 'steady-state-hypothesis'?: { title?: string } };
  status?: string;
  deviated?: boolean;
  steady_states?: { before?: SteadyState | null; after?: SteadyState | null; during?: SteadyState[] | null };
  run?: JournalRow[];
  rollbacks?: JournalRow[];
  start?: string;
  end?: string;
  /** Seconds. */
  duration?: number;
}

export interface SteadyState {
  steady_state_met?: boolean | null;
  probes?: JournalRow[];
}

export interface JournalRow {
  activity?: { type?: string; name?: string; background?: boolean; tolerance?: unknown; provider?: unknown };
  output?: unknown;
  status?: string;
  start?: string;
  end?: string;
  /** Seconds. */
  duration?: number;
  exception?: string[] | null;
  tolerance_met?: boolean | null;
}

const KINDS = ['test', 'load', 'experiment'];

/** The report in a chunk's data; null if it is none that this page knows. */
export function readReport(data: string): Report | null {
  try {
    const value = JSON.parse(data) as Report | null;
    return value && KINDS.includes(value.report) ? value : null;
  } catch {
    return null;
  }
}

/** The report that stands: a later one takes the place of those before it. */
export function lastReport(chunks: OutputChunk[]): Report | null {
  const last = chunks.findLast(({ kind }) => kind === 'report');
  return last ? readReport(last.data) : null;
}

/** Without the reports whose place a later one of the same step has taken, so that a long load run stays small. */
export function withoutOldReports(chunks: OutputChunk[]): OutputChunk[] {
  const last = new Map<number, OutputChunk>();
  for (const chunk of chunks) if (chunk.kind === 'report') last.set(chunk.step, chunk);
  return chunks.filter((chunk) => chunk.kind !== 'report' || last.get(chunk.step) === chunk);
}
