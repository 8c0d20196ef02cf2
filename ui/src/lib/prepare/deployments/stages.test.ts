import { describe, expect, it } from 'vitest';
import type { Run, Step } from '$lib/api/types';
import { passageOf, type Moment } from './passage';
import { freezeOf, gateKind, isBeyond, openPassage, partOf, stageState, stageSteps, stepTitle } from './stages';

const at = (second: number) => new Date(Date.UTC(2026, 0, 1, 12, 0, second)).toISOString();
const run = (status: Run['status'], to = ''): Run => ({ status, parameters: { version: '2', to } }) as unknown as Run;
const step = (index: number, name: string, source: string, status: Step['status']) => ({ index, name, source, status }) as Step;
const stage = (gate: Step['status'], shift: Step['status']) => stageSteps([step(0, 'production: approval', 'gate 0 production', gate), step(1, 'production: AllAtOnce', 'shift production', shift)])[0]!;
const passage = (...moments: Moment[]) => passageOf('production', '2', '1', [{ at: at(0), what: 'began' }, ...moments]);
const shifted: Moment = { at: at(1), what: 'shifted', step: 0, weight: 10 };

it('reads steps as the gates and the shift of their environment', () => {
  expect(partOf('gate 1 eu west')).toEqual({ kind: 'gate', index: 1, environment: 'eu west' });
  expect(partOf('echo')).toBeNull();
  const steps = stage('pending', 'pending');
  expect([steps.gates.length, steps.shift?.index, stepTitle(steps.gates[0]!, 'production')]).toEqual([1, 1, 'approval']);
});

describe('a stage', () => {
  it('waits at its gate, for time or for people', () => {
    expect(stageState(stage('running', 'pending'), run('running'), null)).toBe('gate');
    expect(stageState(stage('waiting', 'pending'), run('waiting'), null)).toBe('approval');
  });

  it('shifts, stands still, or is held with all others', () => {
    const shifting = stage('succeeded', 'running');
    expect(stageState(shifting, run('running'), null)).toBe('starting');
    expect(stageState(shifting, run('running'), passage(shifted))).toBe('shifting');
    expect(stageState(shifting, run('running'), passage(shifted, { at: at(2), what: 'paused' }))).toBe('paused');
    expect(stageState(shifting, run('running'), passage(shifted), { stopped: true })).toBe('stopped');
  });

  it('ends with the version there, back, or never begun', () => {
    expect(stageState(stage('succeeded', 'succeeded'), run('succeeded'), passage(shifted, { at: at(9), what: 'completed' }))).toBe('arrived');
    expect(stageState(stage('succeeded', 'failed'), run('failed'), passage(shifted, { at: at(9), what: 'rolledback' }))).toBe('rolled_back');
    expect(stageState(stage('failed', 'pending'), run('failed'), null)).toBe('failed');
    expect(stageState(stage('skipped', 'skipped'), run('failed'), null)).toBe('not_asked');
    expect(stageState(stage('succeeded', 'succeeded'), run('succeeded', 'beta'), null, { beyond: true })).toBe('not_asked');
    expect(stageState(stage('pending', 'pending'), run('running'), null)).toBe('pending');
  });
});

it('knows which environments a run was not asked to reach', () => {
  const order = ['alpha', 'beta', 'production'];
  expect(order.map((one) => isBeyond(run('running', 'beta'), one, order))).toEqual([false, false, true]);
  expect(order.map((one) => isBeyond(run('running'), one, order))).toEqual([false, false, false]);
});

it('finds the shift that a person can act on', () => {
  const over = passage(shifted, { at: at(9), what: 'completed' });
  const open = passage(shifted);
  expect(openPassage([over, open, null])).toBe(open);
  expect(openPassage([over, null])).toBeNull();
});

it('tells gates apart by their titles', () => {
  expect(['approval', 'quiet for 10m', 'from 09:00 to 16:00', 'checkout'].map(gateKind)).toEqual(['approval', 'quiet', 'window', 'scenario']);
});

it('tells the freeze that holds now, or the next one', () => {
  const freezes = [{ start: at(30), end: at(40), reason: 'later' }, { start: at(10), end: at(20), reason: 'sale' }];
  const frozen = (second: number) => freezeOf({ freezes }, Date.parse(at(second)));
  expect(frozen(5)).toMatchObject({ now: false, freeze: { reason: 'sale' } });
  expect(frozen(15)).toMatchObject({ now: true, freeze: { reason: 'sale' } });
  expect(frozen(25)).toMatchObject({ now: false, freeze: { reason: 'later' } });
  expect(frozen(45)).toBeNull();
});
