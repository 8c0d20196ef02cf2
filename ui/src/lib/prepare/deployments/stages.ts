import type { DeploymentEnvironment, DeploymentFreeze, DeploymentSummary, Event, Run, RunDetail, Step } from '$lib/api/types';
import { isActiveRun } from '$lib/format/states';
import { isOver, isPaused, momentsOfEvents, passageOf, type Passage } from './passage';

/** What a step of a deployment's run is for. */
export type Part = { kind: 'gate'; environment: string; index: number } | { kind: 'shift'; environment: string };

export function partOf(source: string): Part | null {
  const shift = /^shift (.+)$/.exec(source);
  if (shift) return { kind: 'shift', environment: shift[1]! };
  const gate = /^gate (\d+) (.+)$/.exec(source);
  return gate && { kind: 'gate', index: Number(gate[1]), environment: gate[2]! };
}

/** The steps of one environment: its gates, in order, and its shift. */
export interface StageSteps {
  environment: string;
  gates: Step[];
  shift: Step | null;
}

export function stageSteps(steps: Step[]): StageSteps[] {
  const stages: StageSteps[] = [];
  for (const step of steps) {
    const part = partOf(step.source);
    if (!part) continue;
    let stage = stages.find(({ environment }) => environment === part.environment);
    if (!stage) stages.push((stage = { environment: part.environment, gates: [], shift: null }));
    if (part.kind === 'gate') stage.gates.push(step);
    else stage.shift = step;
  }
  return stages;
}

/** A step's name without the environment that it begins with. */
export const stepTitle = (step: Step, environment: string): string => (step.name.startsWith(`${environment}: `) ? step.name.slice(environment.length + 2) : step.name);

/** How an environment stands in a run. The words and icons are in `STAGE_STATES`. */
export type StageState = 'not_asked' | 'pending' | 'gate' | 'approval' | 'starting' | 'shifting' | 'paused' | 'stopped' | 'taking_back' | 'rolled_back' | 'arrived' | 'failed' | 'interrupted' | 'cancelled';

/** `beyond`: the run was asked to go only to an earlier environment. `stopped`: all deployments are. */
export function stageState({ gates, shift }: StageSteps, run: Run, passage: Passage | null, { beyond = false, stopped = false } = {}): StageState {
  if (passage?.arrivedAt) return 'arrived';
  if (passage?.backAt) return 'rolled_back';
  if (passage?.decided) return 'taking_back';
  if (beyond) return 'not_asked';
  const all = [...gates, ...(shift ? [shift] : [])];
  if (all.some(({ status }) => status === 'failed')) return 'failed';
  if (all.some(({ status }) => status === 'interrupted')) return 'interrupted';
  const waiting = gates.find(({ status }) => status === 'waiting' || status === 'running');
  if (waiting) return waiting.status === 'waiting' ? 'approval' : 'gate';
  if (shift?.status === 'running' || (passage?.beganAt && isActiveRun(run.status))) {
    if (stopped) return 'stopped';
    if (passage && isPaused(passage)) return 'paused';
    return passage?.shifts.length ? 'shifting' : 'starting';
  }
  if (shift?.status === 'succeeded') return 'arrived';
  if (!isActiveRun(run.status)) return all.some(({ status }) => status === 'cancelled' || status === 'succeeded') ? 'cancelled' : 'not_asked';
  return 'pending';
}

/** Whether a version is on its way into this environment just now. */
export const isUnderWay = (state: StageState): boolean => ['gate', 'approval', 'starting', 'shifting', 'paused', 'stopped', 'taking_back', 'interrupted'].includes(state);

/** Whether an environment lies behind the last one that a run was asked to reach. */
export function isBeyond(run: Run, environment: string, order: string[]): boolean {
  const to = run.parameters.to ? order.indexOf(run.parameters.to) : -1;
  return to >= 0 && order.indexOf(environment) > to;
}

/** One environment of the pipeline: what is there, and what the newest run does with it. */
export interface Stage {
  environment: DeploymentEnvironment;
  /** Null without a run. */
  state: StageState | null;
  passage: Passage | null;
  steps: StageSteps | null;
}

export function pipelineStages(deployment: DeploymentSummary, detail: RunDetail | undefined, events: Event[], stopped: boolean): Stage[] {
  const order = deployment.environments.map(({ name }) => name);
  const all = detail ? stageSteps(detail.steps) : [];
  const ofRun = events.filter(({ run }) => run && run === detail?.run.id);
  return deployment.environments.map((environment) => {
    const steps = all.find((one) => one.environment === environment.name);
    if (!detail || !steps) return { environment, state: null, passage: null, steps: null };
    const passage = passageOfEvents(detail.run, environment.name, ofRun);
    return { environment, state: stageState(steps, detail.run, passage, { beyond: isBeyond(detail.run, environment.name, order), stopped }), passage, steps };
  });
}

/** Null while nothing is on record of it. */
export function passageOfEvents(run: Run, environment: string, events: Event[]): Passage | null {
  const began = events.find(({ type, data }) => type.endsWith('.began') && (data as { environment?: string } | null)?.environment === environment);
  if (!began) return null;
  const data = began.data as { version?: string; old_version?: string | null };
  return passageOf(environment, data.version ?? run.parameters.version ?? '', data.old_version ?? null, momentsOfEvents(events, environment));
}

/** The shift of a run that a person can act on now. */
export function openPassage(passages: (Passage | null)[]): Passage | null {
  return passages.findLast((one): one is Passage => one !== null && !isOver(one) && !one.decided) ?? null;
}

/** What kind of gate a title stands for; the API tells gates by their titles. */
export function gateKind(title: string): 'approval' | 'quiet' | 'window' | 'scenario' {
  if (title === 'approval') return 'approval';
  if (/^quiet for /.test(title)) return 'quiet';
  return /^from \d\d:\d\d to \d\d:\d\d$/.test(title) ? 'window' : 'scenario';
}

/** The freeze that holds now, or the next one. */
export function freezeOf({ freezes }: Pick<DeploymentSummary, 'freezes'>, nowMs: number): { freeze: DeploymentFreeze; now: boolean } | null {
  const ahead = freezes.filter(({ end }) => Date.parse(end) > nowMs).sort((a, b) => Date.parse(a.start) - Date.parse(b.start));
  const [freeze] = ahead;
  return freeze ? { freeze, now: Date.parse(freeze.start) <= nowMs } : null;
}
