import { describe, expect, it } from 'vitest';
import type { OutputChunk } from '$lib/api/types';
import { askedIn, hookRows, placeText, waitsFor } from './hooks';
import { passageOf, type Moment } from './passage';

const at = (second: number) => new Date(Date.UTC(2026, 0, 1, 12, 0, second)).toISOString();
const printed = (second: number, data: string): OutputChunk => ({ run: 'r', step: 0, sequence: second, kind: 'stdout', time: at(second), data });
const before = { place: 'before_traffic', index: 0 } as const;
const after = { place: 'after_traffic', index: 0 } as const;
const passed = (second: number, hook: Moment['hook']): Moment => ({ at: at(second), what: 'hookpassed', hook });

it('finds what was asked, once, although it is asked again after a restart', () => {
  const asked = askedIn([printed(1, '2 is on its way to production\nasks checkout as the run 01a\n'), printed(5, 'asks checkout as the run 01a\n'), printed(9, 'asks smoke test as the run 01b\n')]);
  expect(asked.map(({ name, run }) => [name, run])).toEqual([['checkout', '01a'], ['smoke test', '01b']]);
});

it('says what a gate waits for until it goes on', () => {
  expect(waitsFor([printed(1, 'waits: the window opens at 09:00\n')])).toBe('the window opens at 09:00');
  expect(waitsFor([printed(1, 'waits: the window opens at 09:00\n'), printed(2, '2 is on its way\n')])).toBeNull();
});

describe('the hooks', () => {
  const question = (second: number, run: string) => ({ name: 'checkout', run, at: at(second) });

  it('have their runs, and those without one are webhooks', () => {
    const passage = passageOf('p', '2', '1', [passed(2, before), passed(4, { place: { step: 0 }, index: 0 }), passed(9, after)]);
    const rows = hookRows([question(1, '01a'), question(8, '01b')], passage);
    expect(rows.map(({ hook, run, state }) => [placeText(hook), run, state])).toEqual([
      ['before any traffic', '01a', 'passed'],
      ['after step 1', null, 'passed'],
      ['after all traffic', '01b', 'passed']
    ]);
  });

  it('are asked, have failed, or were cut off', () => {
    expect(hookRows([question(1, '01a')], passageOf('p', '2', '1', []))).toMatchObject([{ run: '01a', state: 'asked' }]);
    const byHook = passageOf('p', '2', '1', [{ at: at(3), what: 'rollingback', reason: { kind: 'hook', text: '', evidence: { hook: before } } }]);
    expect(hookRows([question(1, '01a')], byHook)).toMatchObject([{ hook: before, run: '01a', state: 'failed' }]);
    expect(hookRows([], byHook)).toMatchObject([{ hook: before, run: null, state: 'failed' }]);
    const byAlarm = passageOf('p', '2', '1', [{ at: at(3), what: 'rollingback', reason: { kind: 'alarm', text: '' } }]);
    expect(hookRows([question(1, '01a')], byAlarm)).toMatchObject([{ run: '01a', state: 'cut' }]);
  });
});
