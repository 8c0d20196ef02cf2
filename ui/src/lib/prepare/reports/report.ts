import type { GameDayOutcome, OutputChunk } from '$lib/api/types';

/**
 * What a step of language `scenario`, `experiment` or `game-day` came to, as its player writes it. A reader is ready for any
 * field to be missing: while the step runs much is not known yet.
 */
export type Report = TestReport | LoadReport | LimitReport | ExperimentReport | GameDayReport | DeploymentReport;

/** A scenario played once. */
export interface TestReport {
  report: 'test';
  scenarios?: PlayedScenario[];
}

export interface PlayedScenario {
  name: string;
  duration_ms?: number;
  steps?: PlayedStep[];
  /** Why it ended early. */
  error?: string | null;
  /** What the script logged. */
  printed?: string[];
  /** Of a browser's journey: what can be fetched as `/api/runs/RUN/attachments/NUMBER`. */
  attachments?: Attachment[];
}

export interface Attachment {
  number: number;
  name: string;
  media_type?: string;
  size_bytes?: number;
}

export interface PlayedStep {
  name?: string | null;
  method?: string | null;
  url?: string | null;
  status?: number | null;
  last_byte_ms?: number | null;
  failures?: PlayedFailure[];
  response?: { headers?: [string, string][]; body?: string } | null;
  captures?: Record<string, unknown>;
  trace_id?: string | null;
}

export interface PlayedFailure {
  what: string;
  message?: string;
  expected?: unknown;
  actual?: unknown;
  /** Of the script: `path:line`. */
  place?: string | null;
  /** Whether the test fails by it. */
  strict?: boolean;
}

export function stepPassed({ failures = [] }: PlayedStep): boolean {
  return failures.every(({ strict }) => strict === false);
}

export function scenarioPassed({ error, steps = [] }: PlayedScenario): boolean {
  return !error && steps.every(stepPassed);
}

/**
 * Many virtual users at a rate. While the load runs, a report has only what can be counted so far, and only the
 * latest seconds.
 */
export interface LoadReport {
  report: 'load';
  name?: string;
  environment?: string | null;
  finished?: boolean;
  cancelled?: boolean;
  phases?: LoadPhase[];
  planned_ms?: number;
  elapsed_ms?: number;
  /** Arrivals of open workloads. */
  asked_count?: number;
  delivered_count?: number;
  /** A second, over the phases that are not pauses. */
  asked_rate?: number;
  delivered_rate?: number;
  vusers?: { created?: number; completed?: number; failed?: number; skipped?: number; stopped?: number };
  requests?: number;
  responses?: number;
  codes?: Record<string, number>;
  errors?: Record<string, Failures>;
  expectations_failed?: Record<string, Failures>;
  /** From the intended start. */
  latency_ms?: Timings;
  /** From the actual start: blind to what a stall kept from being sent. */
  service_ms?: Timings;
  endpoints?: LoadEndpoint[];
  apdex?: { score: number; threshold_ms: number } | null;
  slip?: { percent: number; late_after_ms: number; late: number };
  generator?: { limited?: boolean; reason?: string | null; workers?: number; busy_percent?: number };
  /** If several runners produced it. */
  shares?: LoadShare[];
  /** Of the traced requests, slowest first. */
  slowest?: SlowRequest[];
  verdicts?: { rule: string; holds: boolean; strict: boolean; actual: string }[];
  series?: LoadSecond[];
}

export interface LoadShare {
  /** From 1. */
  number: number;
  location?: string | null;
  state: 'played' | 'failed' | 'lost';
  /** Arrivals of open workloads. */
  asked: number;
  delivered: number;
  requests: number;
  error?: string | null;
}

export interface SlowRequest {
  method: string;
  url: string;
  status?: number | null;
  error?: string | null;
  latency_ms: number;
  trace_id: string;
}

export interface LoadPhase {
  name?: string | null;
  begins_ms: number;
  ends_ms: number;
  kind: 'pause' | 'rate' | 'count' | 'users';
  /** Users a second at its start and its end; how many for the other kinds. */
  from: number;
  to: number;
}

export interface Failures {
  count: number;
  example?: string | null;
}

export interface Timings {
  first_byte?: Percentiles | null;
  last_byte?: Percentiles | null;
}

export type Percentiles = Partial<Record<(typeof PERCENTILES)[number], number | null>>;
export const PERCENTILES = ['min', 'mean', 'p50', 'p90', 'p95', 'p99', 'p999', 'max'] as const;

export interface LoadEndpoint {
  name: string;
  requests: number;
  errors?: number;
  latency_ms?: Timings;
}

export interface LoadSecond {
  /** Since the load began. */
  second: number;
  arrivals?: number | null;
  requests?: number | null;
  errors?: number | null;
  p50_ms?: number | null;
  p95_ms?: number | null;
  p99_ms?: number | null;
  active?: number | null;
}

/** The search for the rate at which a scenario breaks. */
export interface LimitReport {
  report: 'limit';
  scenario: string;
  finished?: boolean;
  finding?: { found: string; held?: number; broke?: number; reason?: string } | null;
  trials?: LimitTrial[];
  usl?: UslFit | null;
  usl_note?: string | null;
  saturated?: { service: string; reason: string } | null;
  saturated_note?: string | null;
}

export interface LimitTrial {
  /** Arrivals a second. */
  rate: number;
  point: { concurrency: number; throughput: number };
  outcome: { is: string; reason?: string };
}

export interface UslFit {
  alpha: { value: number };
  beta: { value: number };
  gamma: { value: number };
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

/** What a game day came to, or how far it is. */
export type GameDayReport = { report: 'game_day'; finished?: boolean } & Partial<Omit<GameDayOutcome, 'report'>> & { path?: string | null };

/** How one environment's traffic moves to a new version. */
export interface DeploymentReport {
  report: 'deployment';
  environment: string;
  version: string;
  old_version?: string | null;
  strategy?: Strategy;
  began_at?: string | null;
  /** Percent of the new version. */
  weight?: number;
  /** When the router took the weight of each step, by the step's number. */
  shifted_at?: Record<string, string>;
  paused?: boolean;
  judgements?: Judged[];
  /** Alarms that fire and do not accuse the new version, in words. */
  excused?: string[];
  rolling_back?: RollbackReason | null;
  rolled_back?: boolean;
  completed?: boolean;
}

export interface Strategy {
  name: string;
  /** Weights in percent, holds in milliseconds; the last hold is the bake time. */
  steps: { weight: number; hold: number }[];
}

export interface HookId {
  place: 'before_traffic' | 'after_traffic' | { step: number };
  index: number;
}

export interface RollbackReason {
  kind: 'alarm' | 'judge' | 'hook' | 'router' | 'ended';
  text: string;
  evidence?: ({ alarm?: string; since?: string; hook?: HookId; weight?: number } & Partial<Judged>) | null;
}

/** What the judge says of one metric. A point that is missing is null. */
export interface Judged {
  metric: string;
  query: string;
  judgement: Judgement;
  control: (number | null)[];
  canary: (number | null)[];
  /** Between two points. */
  every_ms: number;
  /** The relative change that is tolerated. */
  tolerance: number;
}

export interface Judgement {
  verdict: 'pass' | 'fail' | 'not_enough_data';
  reason: string;
  effect?: Effect | null;
  control: Sample;
  canary: Sample;
  tests?: { test: 'location' | 'spread' | 'extremes'; statistic: number | null; boundary: number; failed: boolean }[];
  needed_points?: number | null;
}

export interface Effect {
  measure: 'ratio' | 'difference';
  estimate: number;
  /** Null when the interval has no end on this side. */
  lower: number | null;
  upper: number | null;
}

export interface Sample {
  points: number;
  missing: number;
  mean: number | null;
  median: number | null;
  standard_deviation: number | null;
  autocorrelation: number | null;
}

const KINDS = ['test', 'load', 'limit', 'experiment', 'game_day', 'deployment'];

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
  const reports = chunks.filter(({ kind }) => kind === 'report');
  const last = reports.length ? readReport(reports.at(-1)!.data) : null;
  if (last?.report !== 'load' || last.finished) return last;
  return { ...last, series: allSeconds(reports.map(({ data }) => readReport(data))) };
}

/** A load that runs tells its latest seconds; those before them stand in earlier reports. */
function allSeconds(reports: (Report | null)[]): LoadSecond[] {
  const seconds = new Map<number, LoadSecond>();
  for (const report of reports) {
    if (report?.report === 'load') report.series?.forEach((one) => seconds.set(one.second, one));
  }
  return [...seconds.values()].sort((a, b) => a.second - b.second);
}
