/** Reads a Chaos Toolkit experiment as it was written, for people. Nothing in it is taken for granted. */

type Fields = Record<string, unknown>;

export interface ExperimentActivity {
  name: string;
  type: 'action' | 'probe' | 'ref';
  /** What carries it out, in a few words. */
  what: string;
  /** What the value must be, in a few words. */
  tolerance: string | null;
  background: boolean;
  pauses: string | null;
}

export interface ExperimentText {
  hypothesis: { title: string; probes: ExperimentActivity[] } | null;
  method: ExperimentActivity[];
  rollbacks: ExperimentActivity[];
  /** What faults may touch, as the document lists it. */
  targets: string[];
  environment: string | null;
  stopWhen: string[];
  deadline: string | null;
}

export function readExperiment(document: unknown): ExperimentText {
  const written = fields(document);
  const hypothesis = written['steady-state-hypothesis'];
  const safety = fields(list(written.extensions).find((one) => fields(one).name === 'mainstay'));
  return {
    hypothesis: hypothesis ? { title: text(fields(hypothesis).title) ?? 'The system is as usual', probes: list(fields(hypothesis).probes).map(activity) } : null,
    method: list(written.method).map(activity),
    rollbacks: list(written.rollbacks).map(activity),
    targets: targetTexts(safety.targets),
    environment: text(safety.environment),
    stopWhen: list(safety.stopWhen).map(stopText),
    deadline: text(safety.deadline)
  };
}

/** Everything that a run would do to the system: its actions, in the order of the document. */
export function actions({ method }: ExperimentText): ExperimentActivity[] {
  return method.filter(({ type }) => type === 'action');
}

/** What a probe's value must be, in words. */
export function toleranceText(tolerance: unknown): string {
  if (Array.isArray(tolerance)) {
    const bounds = tolerance.length === 2 && tolerance.every((one) => typeof one === 'number');
    return bounds ? `between ${tolerance[0]} and ${tolerance[1]}` : `one of ${tolerance.map(word).join(', ')}`;
  }
  if (tolerance === null || typeof tolerance !== 'object') return `is ${word(tolerance)}`;
  const { type, range, pattern, path, expect, count, target, name } = tolerance as Fields;
  const of = target ? `${word(target)} ` : '';
  if (type === 'range') return `${of}between ${list(range).map(word).join(' and ')}`;
  if (type === 'regex') return `${of}matches ${word(pattern)}`;
  if (type === 'jsonpath') {
    const wanted = expect !== undefined ? ` is ${word(expect)}` : count !== undefined ? ` finds ${word(count)}` : ' finds something';
    return `${of}${word(path)}${wanted}`;
  }
  return type === 'probe' ? `as the probe ${word(name)} says` : word(tolerance);
}

function activity(step: unknown): ExperimentActivity {
  const { ref, name, type, provider, tolerance, background, pauses } = fields(step);
  if (ref !== undefined) return { name: word(ref), type: 'ref', what: 'the activity of this name, once more', tolerance: null, background: false, pauses: null };
  return {
    name: text(name) ?? 'an activity',
    type: type === 'probe' ? 'probe' : 'action',
    what: providerText(provider),
    tolerance: tolerance === undefined ? null : toleranceText(tolerance),
    background: background === true,
    pauses: pausesText(fields(pauses))
  };
}

/** What carries an activity out. */
function providerText(written: unknown): string {
  const provider = fields(written);
  switch (provider.type) {
    case 'http':
      return `${(text(provider.method) ?? 'GET').toUpperCase()} ${word(provider.url)}`;
    case 'process':
      return [word(provider.path), argumentsText(provider.arguments)].filter(Boolean).join(' ');
    case 'python':
      return `${word(provider.module)}.${word(provider.func)}(${argumentsText(provider.arguments)})`;
    case 'mainstay':
      return ownText(provider);
    default:
      return word(written ?? 'nothing');
  }
}

function ownText({ scenario, environment, promql, fault }: Fields): string {
  if (scenario !== undefined) return `the scenario ${word(scenario)}${environment ? ` in ${word(environment)}` : ''}`;
  if (promql !== undefined) return word(promql);
  const { fault: kind, duration, ...rest } = fields(fault);
  const details = Object.entries(rest).map(([key, value]) => `${key} ${word(value)}`);
  return [`fault ${word(kind ?? fault)}`, ...details, ...(duration === undefined ? [] : [`for ${word(duration)}`])].join(', ');
}

function argumentsText(given: unknown): string {
  if (given === undefined || given === null) return '';
  if (Array.isArray(given)) return given.map(word).join(' ');
  if (typeof given === 'object') return Object.entries(given).map(([key, value]) => `${key}=${word(value)}`).join(', ');
  return word(given);
}

function pausesText({ before, after }: Fields): string | null {
  const said = [before !== undefined && `${word(before)} s before`, after !== undefined && `${word(after)} s after`].filter(Boolean);
  return said.length ? `waits ${said.join(' and ')}` : null;
}

/** An alarm or a query; a text alone stands for either. */
function stopText(condition: unknown): string {
  const { alert, promql } = fields(condition);
  if (alert !== undefined) return `the alarm ${word(alert)} fires`;
  return promql !== undefined ? `${word(promql)} holds` : word(condition);
}

/** A list of names, or names by kind. */
function targetTexts(targets: unknown): string[] {
  if (Array.isArray(targets)) return targets.map(word);
  return Object.entries(fields(targets)).flatMap(([kind, names]) => list(names).map((name) => `${kind}: ${word(name)}`));
}

const fields = (value: unknown): Fields => (value !== null && typeof value === 'object' && !Array.isArray(value) ? (value as Fields) : {});
const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
const text = (value: unknown): string | null => (typeof value === 'string' && value ? value : typeof value === 'number' ? String(value) : null);
const word = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value) ?? '');
