import type { DeploymentSummary, DeploymentSwitch, Event, OutputChunk, Run, RunDetail, Step } from '../../src/lib/api/types.ts';
import type { DeploymentReport, Judged, Judgement, RollbackReason, Sample, Strategy } from '../../src/lib/prepare/reports/report.ts';
import { ago } from './documents.ts';

const MINUTE = 60_000;
const CANARY: Strategy = { name: 'Canary10Percent5Minutes', steps: [{ weight: 10, hold: 5 * MINUTE }, { weight: 100, hold: 0 }] };
const STEPS: Strategy = { name: 'steps', steps: [{ weight: 10, hold: 6 * MINUTE }, { weight: 25, hold: 6 * MINUTE }, { weight: 50, hold: 6 * MINUTE }, { weight: 100, hold: 10 * MINUTE }] };
const AT_ONCE: Strategy = { name: 'AllAtOnce', steps: [{ weight: 100, hold: 0 }] };

/** What a run did: how its environments went, in seconds ago. */
interface Story {
  id: string;
  document: string;
  title: string;
  component: string;
  version: string;
  oldVersion: string;
  initiator: string;
  status: Run['status'];
  /** When it was asked for. */
  asked: number;
  ended?: number;
  error?: string;
  to?: string;
  stages: StoryStage[];
}

interface StoryStage {
  environment: string;
  gates: { title: string; status: Step['status']; asks?: [name: string, run: string]; waits?: string }[];
  strategy: Strategy;
  status: Step['status'];
  /** When each weight was set, in seconds ago. */
  shifts?: number[];
  hooks?: { place: 'before_traffic' | 'after_traffic' | { step: number }; at: number; asks?: [name: string, run: string] }[];
  paused?: [from: number, to: number, by: string];
  judged?: (count: number) => Judged[];
  everyS?: number;
  decided?: { at: number; reason: RollbackReason };
  arrived?: number;
  excused?: string[];
}

/** Runs of the scenario that gates and hooks ask. */
const [GATE_RUN, BEFORE_RUN, AFTER_RUN] = ['f', 'g', 'h'].map((letter) => `01jd3v5z0k8m4x2q7c9r1t6y0${letter}`) as [string, string, string];
const id = (number: number) => `01jd3v5z0k8m4x2q7c9r1t6yd${number}`;

/** The same points at each start. */
const points = (count: number, level: number, scatter: number, seed: number, missing = -1) =>
  Array.from({ length: count }, (_, index) => (index === missing ? null : level * (1 + scatter * Math.sin(seed + index * 2.39) * Math.cos(index * seed * 0.71))));

function sample(values: (number | null)[]): Sample {
  const there = values.filter((value) => value !== null).sort((a, b) => a - b);
  const mean = there.reduce((sum, value) => sum + value, 0) / there.length;
  const deviation = Math.sqrt(there.reduce((sum, value) => sum + (value - mean) ** 2, 0) / Math.max(1, there.length - 1));
  return { points: there.length, missing: values.length - there.length, mean, median: there[Math.floor(there.length / 2)] ?? null, standard_deviation: deviation, autocorrelation: 0.21 };
}

function judged(metric: string, control: (number | null)[], canary: (number | null)[], said: Pick<Judgement, 'verdict' | 'reason'> & Partial<Judgement>, statistic = 1.2): Judged {
  const boundary = 3.1;
  const tests: Judgement['tests'] = [
    { test: 'location', statistic, boundary, failed: said.verdict === 'fail' },
    { test: 'spread', statistic: 0.4, boundary: 4.6, failed: false },
    { test: 'extremes', statistic: 0, boundary: 4, failed: false }
  ];
  return { metric, query: `sum(rate(${metric}_total{service_version="$version"}[1m]))`, every_ms: 60_000, tolerance: 0.25, control, canary, judgement: { control: sample(control), canary: sample(canary), tests, needed_points: null, effect: null, ...said } };
}

const few = (metric: string, control: (number | null)[], canary: (number | null)[]): Judged => {
  const said = judged(metric, control, canary, { verdict: 'not_enough_data', reason: `the canary has only ${canary.length} of at least 8 points`, needed_points: 8 - canary.length });
  return { ...said, judgement: { ...said.judgement, tests: [] } };
};

const harmed = (count: number): Judged[] => {
  const [control, canary] = [points(count, 0.021, 0.3, 1), points(count, 0.034, 0.32, 2)];
  if (count < 8) return [few('errors', control, canary)];
  if (count < 26) return [judged('errors', control, canary, { verdict: 'not_enough_data', reason: 'the canary is 58 % higher (-6 % to +167 %); about 9 more points would decide', needed_points: 9, effect: { measure: 'ratio', estimate: 1.58, lower: 0.94, upper: 2.67 } }, 2.2)];
  return [judged('errors', control, canary, { verdict: 'fail', reason: 'the canary is 61 % higher (+14 % to +128 %)', effect: { measure: 'ratio', estimate: 1.61, lower: 1.14, upper: 2.28 } }, 4.7)];
};

const undecided = (count: number): Judged[] => {
  const latency = [points(count, 182, 0.22, 3), points(count, 201, 0.25, 4, 5)] as const;
  const errors = [points(count, 0.02, 0.2, 5), points(count, 0.0205, 0.2, 6)] as const;
  if (count < 8) return [few('latency', ...latency), few('errors', ...errors)];
  return [
    judged('latency', ...latency, { verdict: 'not_enough_data', reason: 'the canary is 9 % higher (-12 % to +35 %); about 14 more points would decide', needed_points: 14, effect: { measure: 'ratio', estimate: 1.09, lower: 0.88, upper: 1.35 } }, 1.4),
    judged('errors', ...errors, count < 24 ? { verdict: 'not_enough_data', reason: 'the canary is 2 % higher (-24 % to +38 %); about 6 more points would decide', needed_points: 6, effect: { measure: 'ratio', estimate: 1.02, lower: 0.76, upper: 1.38 } } : { verdict: 'pass', reason: 'no change that matters: the canary is 2 % higher (-14 % to +21 %)', effect: { measure: 'ratio', estimate: 1.02, lower: 0.86, upper: 1.21 } }, 0.3)
  ];
};

const failed = harmed(26)[0]!;
const checkout = (run: string): [string, string] => ['checkout', run];

const alphaDone = (at: number): StoryStage => ({ environment: 'alpha', gates: [], strategy: AT_ONCE, status: 'succeeded', shifts: [at], arrived: at - 0.4 });
const betaDone = (at: number): StoryStage => ({
  environment: 'beta', gates: [{ title: 'checkout', status: 'succeeded', asks: checkout(GATE_RUN) }, { title: 'quiet for 10m', status: 'succeeded' }], strategy: CANARY, status: 'succeeded', shifts: [at, at - 300],
  hooks: [{ place: 'before_traffic', at: at + 3, asks: checkout(BEFORE_RUN) }, { place: 'after_traffic', at: at - 304, asks: checkout(AFTER_RUN) }], arrived: at - 305
});
const GATES = ['approval', 'from 09:00 to 16:00', 'quiet for 10m'];

const stories: Story[] = [
  {
    id: id(1), document: 'orders-rollout', title: 'Orders', component: 'component:default/orders', version: '2.4.0', oldVersion: '2.3.8', initiator: 'user:default/ada', status: 'running', asked: 1520,
    stages: [
      alphaDone(1510),
      betaDone(1400),
      {
        environment: 'production', gates: GATES.map((title) => ({ title, status: 'succeeded' as const })), strategy: STEPS, status: 'running', shifts: [640, 180], paused: [420, 320, 'user:default/ben'], judged: undecided, everyS: 15,
        hooks: [{ place: 'before_traffic', at: 645, asks: checkout(BEFORE_RUN) }, { place: { step: 0 }, at: 182 }], excused: ['the alarm OrdersFailing fires on version 2.3.8, which is not the new one']
      }
    ]
  },
  {
    id: id(2), document: 'orders-rollout', title: 'Orders', component: 'component:default/orders', version: '2.3.9', oldVersion: '2.3.8', initiator: 'user:default/ben', status: 'failed', asked: 90_000, ended: 88_500,
    error: `Step production: steps failed: rolled back: errors: ${failed.judgement.reason}`,
    stages: [
      alphaDone(89_990),
      betaDone(89_800),
      {
        environment: 'production', gates: GATES.map((title) => ({ title, status: 'succeeded' as const })), strategy: STEPS, status: 'failed', shifts: [89_000, 88_640], judged: harmed, everyS: 15,
        hooks: [{ place: 'before_traffic', at: 89_010, asks: checkout(BEFORE_RUN) }], decided: { at: 88_605, reason: { kind: 'judge', text: `errors: ${failed.judgement.reason}`, evidence: failed } }
      }
    ]
  },
  {
    id: id(3), document: 'orders-rollout', title: 'Orders', component: 'component:default/orders', version: '2.3.8', oldVersion: '2.3.7', initiator: 'user:default/ada', status: 'succeeded', asked: 180_000, ended: 176_000,
    stages: [alphaDone(179_990), betaDone(179_800), { environment: 'production', gates: GATES.map((title) => ({ title, status: 'succeeded' as const })), strategy: STEPS, status: 'succeeded', shifts: [178_900, 178_540, 178_180, 177_820], judged: undecided, everyS: 30, arrived: 177_220 }]
  },
  {
    id: id(4), document: 'web-rollout', title: 'Web', component: 'component:default/web', version: '118', oldVersion: '117', initiator: 'user:default/chiyo', status: 'failed', asked: 5400, ended: 5300, error: 'Step production: Canary10Percent5Minutes failed: rolled back: the alarm CheckoutSlow fires on version 118',
    stages: [{
      environment: 'production', gates: [], strategy: CANARY, status: 'failed', shifts: [5390], decided: { at: 5321.4, reason: { kind: 'alarm', text: 'the alarm CheckoutSlow fires on version 118', evidence: { alarm: 'CheckoutSlow', since: ago(5322) } } }
    }]
  },
  {
    id: id(5), document: 'worker-rollout', title: 'Worker', component: 'component:default/worker', version: '0.9.1-rc.3+build.20261121.long', oldVersion: '0.9.0', initiator: 'user:default/ada', status: 'waiting', asked: 400, to: 'staging',
    stages: [
      { environment: 'staging', gates: [{ title: 'approval', status: 'waiting' }], strategy: CANARY, status: 'pending' },
      { environment: 'production', gates: [], strategy: CANARY, status: 'pending' }
    ]
  }
];

export const deploymentRuns: Run[] = stories.map((story) => ({
  id: story.id, kind: 'deployment', document: story.document, title: story.title, document_digest: 'd41d8cd98f00', status: story.status, initiator: story.initiator, incident: null, component: story.component,
  parameters: { version: story.version, from: '', to: story.to ?? '' }, outputs: {}, requested_at: ago(story.asked), started_at: ago(story.asked), finished_at: story.ended ? ago(story.ended) : null, deadline: null, error: story.error ?? null, cancel_requested: false, revision: 2
}));

const environments = (list: [name: string, gates: string[], strategy: Strategy, alarms: string[], version: string | null, at: number, by: number][]): DeploymentSummary['environments'] =>
  list.map(([name, gates, strategy, alarms, version, at, by]) => ({
    name, gates, alarms, version, strategy: strategy.name, takes_s: strategy.steps.reduce((sum, { hold }) => sum + hold, 0) / 1e3, arrived_at: version && ago(at), arrived_by: version && id(by)
  }));

const summary = (name: string, title: string, component: string, rest: DeploymentSummary['environments'], more: Partial<DeploymentSummary> = {}): DeploymentSummary => ({
  name, title, component: `component:default/${component}`, path: `ops/deployments/${component}.yaml`, environments: rest, freezes: [], operators: [], last_run: deploymentRuns.find(({ document }) => document === name) ?? null, ...more
});

export const deployments: DeploymentSummary[] = [
  summary('orders-rollout', 'Orders', 'orders', environments([
    ['alpha', [], AT_ONCE, [], '2.4.0', 1509, 1],
    ['beta', ['checkout', 'quiet for 10m'], CANARY, ['OrdersFailing'], '2.4.0', 1095, 1],
    ['production', GATES, STEPS, ['OrdersFailing', 'QueueStuck'], '2.3.8', 177_220, 3]
  ]), { freezes: [{ start: ago(-5 * 86_400), end: ago(-12 * 86_400), reason: 'the week of the sale' }], operators: ['group:default/shop-team'] }),
  summary('web-rollout', 'Web', 'web', environments([['production', [], CANARY, ['CheckoutSlow'], '117', 700_000, 4]]), { freezes: [{ start: ago(3600), end: ago(-7200), reason: 'the release of the app' }] }),
  summary('worker-rollout', 'Worker', 'worker', environments([['staging', ['approval'], CANARY, ['QueueStuck', 'NoHeartbeat'], null, 0, 5], ['production', [], CANARY, ['QueueStuck'], null, 0, 5]]))
];

export const deploymentSwitch: DeploymentSwitch = { stopped: false, reason: null, by: null, since: null };

const storyOf = (run: string) => stories.find((one) => one.id === run);

export function deploymentDetail(run: string): RunDetail | null {
  const story = storyOf(run);
  if (!story) return null;
  const steps: Step[] = [];
  const step = (name: string, source: string, status: Step['status'], at: number | undefined, approval: Step['approval'] = null) =>
    steps.push({ run, index: steps.length, name, language: 'deployment', source, status, attempt: status === 'pending' ? 0 : 1, started_at: at ? ago(at) : null, finished_at: at && status === 'succeeded' ? ago(at) : null, exit_code: null, error: null, approval });
  for (const { environment, gates, strategy, status, shifts } of story.stages) {
    gates.forEach((gate, index) => {
      const policy = gate.title === 'approval' ? { approvers: ['group:default/fulfilment'], needed: 1, reason: null, expires_at: null, approved_by: gate.status === 'succeeded' ? ['user:default/ben'] : [], rejected_by: null, digest: '9f86d081884c7d65' } : null;
      step(`${environment}: ${gate.title}`, `gate ${index} ${environment}`, gate.status, gate.status === 'succeeded' ? (shifts?.[0] ?? 0) + 20 - index : undefined, policy);
    });
    step(`${environment}: ${strategy.name}`, `shift ${environment}`, status, shifts?.[0]);
  }
  return { run: deploymentRuns.find((one) => one.id === run)!, steps };
}

/** All that the ledger has of these runs, oldest first, from a position on. */
export function deploymentEvents(from: number): Event[] {
  const told: { seconds: number; event: Event }[] = [];
  for (const story of stories) {
    for (const stage of story.stages) {
      const tell = (kind: string, seconds: number, data: object = {}, actor = 'system') => told.push({ seconds, event: {
        specversion: '1.0', id: `01jd3v5z0k8m4x2q7c9r1d${String(told.length).padStart(4, '0')}`, source: '/prepare/deployments', type: `dev.mainstay.deployment.${kind}`, subject: story.document, time: ago(seconds), position: 0, actor, run: story.id,
        data: { environment: stage.environment, version: story.version, old_version: story.oldVersion, ...data }
      } });
      const [first] = stage.shifts ?? [];
      if (!first) continue;
      tell('began', first + 6, { fired_before: [] });
      stage.hooks?.forEach(({ place, at }) => tell('hookpassed', at, { hook: { place, index: 0 } }));
      stage.shifts!.forEach((at, step) => {
        tell('shifting', at + 0.2, { step, weight: stage.strategy.steps[step]!.weight });
        tell('shifted', at, { step, weight: stage.strategy.steps[step]!.weight });
      });
      if (stage.paused) {
        tell('paused', stage.paused[0], { step: 0 }, stage.paused[2]);
        tell('resumed', stage.paused[1], { step: 0 }, stage.paused[2]);
      }
      let before: Record<string, string> = {};
      for (const { seconds, judgements } of looks(stage)) {
        for (const { metric, query, judgement } of judgements) {
          if (before[metric] !== judgement.verdict) tell('judged', seconds, { metric, query, judgement });
          before = { ...before, [metric]: judgement.verdict };
        }
      }
      if (stage.decided) {
        tell('rollingback', stage.decided.at, { reason: stage.decided.reason });
        tell('rolledback', stage.decided.at - 0.4);
      }
      if (stage.arrived) tell('completed', stage.arrived);
    }
  }
  return told.sort((a, b) => b.seconds - a.seconds).map(({ event }, index) => ({ ...event, position: from + index }));
}

function looks({ shifts = [], judged, everyS = 60, decided, arrived }: StoryStage): { seconds: number; judgements: Judged[] }[] {
  if (!judged || !shifts[0]) return [];
  const end = decided?.at ?? shifts[3] ?? arrived ?? 0;
  return Array.from({ length: Math.floor((shifts[0] - end) / everyS) }, (_, index) => ({ seconds: shifts[0]! - (index + 1) * everyS, judgements: judged(index + 1).map((one) => ({ ...one, every_ms: everyS * 1e3 })) }));
}

export function deploymentOutput(run: string): OutputChunk[] | null {
  const story = storyOf(run);
  const detail = deploymentDetail(run);
  if (!story || !detail) return null;
  const told: { seconds: number; step: number; kind: OutputChunk['kind']; data: string }[] = [];
  for (const stage of story.stages) {
    stage.gates.forEach((gate, index) => {
      const step = detail.steps.find(({ source }) => source === `gate ${index} ${stage.environment}`)!.index;
      if (gate.asks) told.push({ seconds: (stage.shifts?.[0] ?? 0) + 30, step, kind: 'stdout', data: `asks ${gate.asks[0]} as the run ${gate.asks[1]}\n` });
    });
    const { shifts = [], strategy, decided, arrived } = stage;
    if (!shifts[0]) continue;
    const step = detail.steps.find(({ source }) => source === `shift ${stage.environment}`)!.index;
    const line = (seconds: number, data: string) => told.push({ seconds, step, kind: 'stdout', data: `${data}\n` });
    const report = (seconds: number, rest: Partial<DeploymentReport>) => {
      const shifted = shifts.flatMap((at, index) => (at >= seconds ? [[String(index), ago(at)]] : []));
      const whole: DeploymentReport = {
        report: 'deployment', environment: stage.environment, version: story.version, old_version: story.oldVersion, strategy, began_at: ago(shifts[0]! + 6), weight: 0, shifted_at: Object.fromEntries(shifted) as Record<string, string>, paused: false,
        judgements: [], excused: stage.excused ?? [], rolling_back: null, rolled_back: false, completed: false, ...rest
      };
      told.push({ seconds, step, kind: 'report', data: JSON.stringify(whole) });
    };
    line(shifts[0] + 6, `${story.version} is on its way to ${stage.environment}`);
    stage.hooks?.forEach(({ at, asks }) => asks && line(at + 2, `asks ${asks[0]} as the run ${asks[1]}`));
    shifts.forEach((at, index) => {
      line(at, `${strategy.steps[index]!.weight} % of the traffic goes to ${story.version}`);
      report(at, {});
    });
    let last: Judged[] = [];
    for (const { seconds, judgements } of looks(stage)) report(seconds - 0.3, { judgements: (last = judgements) });
    if (decided) {
      line(decided.at, `rolls back: ${decided.reason.text}`);
      report(decided.at, { judgements: last, rolling_back: decided.reason });
      report(decided.at - 0.4, { judgements: last, rolling_back: decided.reason, rolled_back: true });
      line(decided.at - 0.4, 'the traffic is back on the old version');
    }
    if (arrived) {
      report(arrived, { judgements: last, completed: true });
      line(arrived, `${story.version} has arrived in ${stage.environment}`);
    }
  }
  return told.sort((a, b) => b.seconds - a.seconds).map(({ seconds, step, kind, data }, sequence) => ({ run, step, sequence, kind, time: ago(seconds), data }));
}
