import type { Coverage, GameDayDetail, GameDayOutcome, GameDaySummary, Mark, Measures, Training } from '../../src/lib/api/types.ts';
import { ago, entities } from './documents.ts';
import { runs } from './runs.ts';

const runsOf = (document: string) => runs.filter((run) => run.document === document);
const mark = (beganS: number, after_s: number, who: string, what: string): Mark => ({ at: ago(beganS - after_s), after_s, who, what });

const measures = (beganS: number, slowness: number, rest: Partial<Measures> = {}): Measures => ({
  detect: { automation: mark(beganS, 21.4 * slowness, 'OrdersFailing', 'the alarm OrdersFailing fired'), people: null },
  acknowledge: { automation: mark(beganS, 22.1 * slowness, 'rule:open-incident', 'attaching an alarm'), people: mark(beganS, 74 * slowness, 'user:default/ada', 'the incident’s status acknowledged') },
  mitigate: { automation: null, people: mark(beganS, 312 * slowness, 'user:default/ada', 'the alarms had resolved, after the run restart-orders') },
  undone: null, ...rest
});

const played = (name: string, title: string, beganS: number, slowness: number, rest: Partial<GameDayOutcome['experiments'][number]> = {}): GameDayOutcome['experiments'][number] => ({
  name, title, run: runsOf('slow-database')[0]!.id, trial: 'held', error: null, modes: ['latency'], fault_began_at: ago(beganS), fault_lifted_at: ago(beganS - 400), measures: measures(beganS, slowness), ...rest
});

const outcome = (letter: string, beganS: number, slowness: number, rest: Partial<GameDayOutcome> = {}): GameDayOutcome => ({
  name: 'autumn', title: 'Autumn game day', goal: 'We notice a slow database within five minutes', run: `01jd3v5z0k8m4x2q7c9r1t6y0${letter}`, incident: 'INC-8', components: ['component:default/orders'], result: 'played', reason: null,
  began_at: ago(beganS), ended_at: ago(beganS - 2400),
  hypotheses: [
    { text: 'The alarm fires within two minutes', source: null, verdict: 'held', because: 'detected after 21s, within 2m', judged_by: null },
    { text: 'Nobody needs to restart anything', source: 'notes.md#database', verdict: 'broken', because: 'Ada restarted orders', judged_by: 'user:default/ada' },
    { text: 'A lost worker is noticed', source: null, verdict: 'broken', because: 'never detected while The queue stands a lost worker', judged_by: null }
  ],
  experiments: [
    played('slow-database', 'The shop stands a slow database', beganS - 60, slowness),
    played('lost-worker', 'The queue stands a lost worker', beganS - 1200, slowness, {
      trial: 'broken', error: 'the hypothesis is not met after the method: `queue-is-short`: 412 is not at most 50', modes: ['process'],
      measures: { detect: {}, acknowledge: {}, mitigate: {}, undone: mark(beganS - 1200, 190, 'the experiment', 'the steady state was back, after the experiment took its fault away') }
    })
  ],
  participants: [{ user: 'user:default/ada', role: 'commander', took_part: true }, { user: 'user:default/ben', role: 'scribe', took_part: true }, { user: 'user:default/chiyo', role: 'observer', took_part: false }],
  notes: [{ at: ago(beganS - 200), user: 'user:default/ben', text: 'The pool of connections is full' }],
  findings: ['The queue stands a lost worker: no alarm fired.', 'The queue stands a lost worker: it was well again only when the experiment took its fault away.', 'Nothing was seen of chiyo.'],
  report: 'ops/postmortems/2026-11-18-inc-8-game-day-autumn.md', report_error: null, ...rest
});

export const outcomes: GameDayOutcome[] = [outcome('k', 3 * 86_400, 1), outcome('l', 35 * 86_400, 1.7), outcome('m', 64 * 86_400, 3.1, { result: 'aborted', reason: 'the alarm OrdersFailing fires' })];

const summary = (name: string, rest: Partial<GameDaySummary>): GameDaySummary => ({
  name, title: name, goal: '', path: `ops/game-days/${name}.yaml`, components: ['component:default/orders'], experiments: ['slow-database', 'lost-worker'], severity: 'sev2', schedule: null, last_run: runsOf(name)[0] ?? null, last_outcome: null, past: [], ...rest
});

const ahead = (seconds: number) => ({ start: ago(-seconds), duration_s: 7200, automatic: false });

const autumn = summary('autumn', { title: 'Autumn game day', goal: 'We notice a slow database within five minutes', schedule: ahead(6 * 86_400), last_outcome: outcomes[0]!, past: outcomes.map(({ run, began_at, result }) => ({ run, began_at, result })) });
export const gameDays: GameDaySummary[] = [autumn, summary('failover', { title: 'The other region takes over', goal: 'Customers keep buying while a region is away', components: ['component:default/web', 'component:default/orders', 'component:default/worker'], schedule: ahead(2 * 86_400) })];

export const gameDay: GameDayDetail = {
  ...autumn, description: 'Two hours in which the team finds out who notices first.', abort_when: ['ShopDown'],
  hypotheses: [
    { text: 'The alarm fires within two minutes', source: null, experiment: 'slow-database', detect_within_s: 120, acknowledge_within_s: null, mitigate_within_s: null },
    { text: 'Nobody needs to restart anything', source: 'notes.md#database', experiment: null, detect_within_s: null, acknowledge_within_s: null, mitigate_within_s: null },
    { text: 'A lost worker is noticed', source: null, experiment: 'lost-worker', detect_within_s: 300, acknowledge_within_s: null, mitigate_within_s: null }
  ],
  participants: [{ user: 'user:default/ada', role: 'commander' }, { user: 'user:default/ben', role: 'scribe' }, { user: 'user:default/chiyo', role: 'observer' }],
  played: [{ name: 'slow-database', title: 'The shop stands a slow database', modes: ['latency'], production: false }, { name: 'lost-worker', title: 'The queue stands a lost worker', modes: ['process'], production: true }],
  outcomes, runs: runsOf('autumn')
};

const MODES: [string, string][] = [['latency', 'slow answers'], ['errors', 'errors'], ['dependency', 'dependency down'], ['network', 'bad network'], ['process', 'lost process'], ['cpu', 'busy processor'], ['memory', 'scarce memory'], ['disk', 'full disk']];
const TRIED: Record<string, { trial: 'held' | 'broken' | 'aborted'; days: number }> = {
  'orders latency': { trial: 'held', days: 3 }, 'orders errors': { trial: 'aborted', days: 64 }, 'worker process': { trial: 'broken', days: 3 }, 'web latency': { trial: 'held', days: 120 }, 'web network': { trial: 'held', days: 0 }
};
const WRITTEN = ['orders dependency', 'worker cpu'];

const components = entities.filter(({ kind }) => kind === 'Component');
export const coverage: Coverage = {
  modes: MODES.map(([name, title]) => ({ name, title })),
  components: components.map(({ reference, title, name }) => ({ reference, title: title ?? name })),
  cells: components.flatMap(({ reference, name }) =>
    MODES.map(([mode]) => {
      const tried = TRIED[`${name} ${mode}`];
      const experiments = tried || WRITTEN.includes(`${name} ${mode}`) ? ['slow-database'] : [];
      return { component: reference, mode, experiments, last: tried ? { at: ago(tried.days * 86_400 + 100), experiment: 'slow-database', run: runsOf('slow-database')[0]!.id, trial: tried.trial } : null };
    })
  )
};

export const trainings: Training[] = outcomes.flatMap(({ participants, ended_at, run, incident }) =>
  participants.filter(({ took_part }) => took_part).map(({ user, role }) => ({ user, role, at: ended_at, game_day: 'autumn', run, incident }))
);

export const gameDayReport = { ...outcomes[0]!, report: 'game_day', finished: true, path: outcomes[0]!.report };
