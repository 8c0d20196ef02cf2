import { describe, expect, it } from 'vitest';
import type { Event } from '$lib/api/types';
import type { DeploymentReport, Strategy } from '../reports/report';
import { isPaused, momentsOfEvents, momentsOfReports, nextStep, passageOf, strategyText, type Moment } from './passage';
import { timed } from './reports';

const at = (second: number) => new Date(Date.UTC(2026, 0, 1, 12, 0, second)).toISOString();
const ms = (second: number) => Date.parse(at(second));
const strategy: Strategy = { name: 'steps', steps: [{ weight: 10, hold: 60_000 }, { weight: 50, hold: 60_000 }, { weight: 100, hold: 0 }] };
const passage = (...moments: Moment[]) => passageOf('production', '2', '1', moments);
const began: Moment = { at: at(0), what: 'began' };
const shifted: Moment = { at: at(10), what: 'shifted', step: 0, weight: 10 };

const event = (kind: string, second: number, data: object, rest: Partial<Event> = {}): Event => ({
  specversion: '1.0', id: `e${second}`, source: '/prepare/deployments', type: `dev.mainstay.deployment.${kind}`, time: at(second), position: second, actor: 'system', data: { environment: 'production', ...data }, ...rest
});

describe('the record of a shift', () => {
  it('is read from the events of its environment', () => {
    const moments = momentsOfEvents(
      [
        event('began', 0, {}),
        event('shifted', 10, { step: 0, weight: 10 }),
        event('shifted', 11, { environment: 'beta', step: 0, weight: 50 }),
        event('paused', 20, { step: 0 }, { actor: 'user:default/ada' }),
        event('rollingback', 30, { reason: { kind: 'alarm', text: 'it fires' } }),
        event('rolledback', 31, {})
      ],
      'production'
    );
    expect(moments.map(({ what }) => what)).toEqual(['began', 'shifted', 'paused', 'rollingback', 'rolledback']);
    expect(moments[2]!.by).toBe('user:default/ada');
    const whole = passageOf('production', '2', '1', moments);
    expect(whole).toMatchObject({ weight: 0, backAt: at(31), decided: { at: at(30), reason: { text: 'it fires' } } });
  });

  it('is read from reports where the events are out of reach', () => {
    const report = (second: number, rest: Partial<DeploymentReport>) => timed(at(second), { report: 'deployment', environment: 'production', version: '2', strategy, began_at: at(0), ...rest }, () => []);
    const moments = momentsOfReports([
      report(1, {}),
      report(12, { shifted_at: { 0: at(10) } }),
      report(20, { shifted_at: { 0: at(10) }, paused: true }),
      report(25, { shifted_at: { 0: at(10) } }),
      report(30, { shifted_at: { 0: at(10) }, rolling_back: { kind: 'judge', text: 'worse' } }),
      report(31, { shifted_at: { 0: at(10) }, rolling_back: { kind: 'judge', text: 'worse' }, rolled_back: true })
    ]);
    expect(moments.map(({ what, at }) => [what, at])).toEqual([
      ['began', at(0)],
      ['shifted', at(10)],
      ['paused', at(20)],
      ['resumed', at(25)],
      ['rollingback', at(30)],
      ['rolledback', at(31)]
    ]);
    expect(moments[1]!.weight).toBe(10);
  });
});

describe('what comes next', () => {
  it('is the next weight once the step has held', () => {
    expect(nextStep(passage(began, shifted), strategy, ms(30))).toEqual({ weight: 50, atMs: ms(70) });
  });

  it('comes later by as long as it stood still', () => {
    const paused = passage(began, shifted, { at: at(20), what: 'paused' }, { at: at(35), what: 'resumed' });
    expect(nextStep(paused, strategy, ms(40))).toEqual({ weight: 50, atMs: ms(85) });
  });

  it('comes later by the whole step once it is watched anew', () => {
    const anew = passage(began, shifted, { at: at(50), what: 'watchedanew', step: 0, because: 'the server was started again' });
    expect(nextStep(anew, strategy, ms(60))).toEqual({ weight: 50, atMs: ms(110) });
  });

  it('comes now when a person has promoted the step or its time is over', () => {
    expect(nextStep(passage(began, shifted, { at: at(20), what: 'promoted', step: 0 }), strategy, ms(21))?.atMs).toBe(ms(21));
    expect(nextStep(passage(began, shifted), strategy, ms(100))?.atMs).toBe(ms(100));
  });

  it('is the end of the bake time after the last weight', () => {
    const last = passage(began, { at: at(10), what: 'shifted', step: 2, weight: 100 });
    expect(nextStep(last, strategy, ms(10))).toEqual({ weight: null, atMs: ms(10) });
  });

  it('is nothing while it stands still, goes back, or is over', () => {
    const paused = passage(began, shifted, { at: at(20), what: 'paused' });
    expect(isPaused(paused)).toBe(true);
    expect(nextStep(paused, strategy, ms(30))).toBeNull();
    expect(nextStep(passage(began, shifted, { at: at(20), what: 'rollingback', reason: { kind: 'hook', text: '' } }), strategy, ms(30))).toBeNull();
    expect(nextStep(passage(began, shifted, { at: at(20), what: 'completed' }), strategy, ms(30))).toBeNull();
  });
});

it('names a known strategy, and tells the steps of another', () => {
  expect(strategyText({ ...strategy, name: 'Canary10Percent5Minutes' })).toBe('Canary10Percent5Minutes');
  expect(strategyText(strategy)).toBe('10% for 1 min, 50% for 1 min, 100%');
});
