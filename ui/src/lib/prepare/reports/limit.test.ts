import { expect, it } from 'vitest';
import { findingText, trialState, usl } from './limit';

it('says what was found', () => {
  const report = { report: 'limit' as const, scenario: 'checkout' };
  expect(findingText(report)).toBe('The search goes on.');
  expect(findingText({ ...report, finding: { found: 'scale_point', held: 498.04, broke: 507 } })).toBe('It holds at 498/s and breaks at 507/s.');
  expect(findingText({ ...report, finding: { found: 'no_limit_within_reach', held: 1000, reason: 'x' } })).toBe('No limit was found: 1,000/s hold.');
});

it('takes the generator as the limit for no judgement', () => {
  const point = { concurrency: 1, throughput: 1 };
  expect(trialState({ rate: 1, point, outcome: { is: 'generator_limited', reason: 'busy' } })).toBe('unknown');
});

it('follows the law: one alone has gamma, contention lowers it', () => {
  const fit = { alpha: { value: 0.02773 }, beta: { value: 1.044e-4 }, gamma: { value: 89.995 } };
  expect(usl(fit, 1)).toBeCloseTo(89.995);
  expect(usl(fit, 96.52)).toBeGreaterThan(usl(fit, 60));
  expect(usl(fit, 96.52)).toBeGreaterThan(usl(fit, 150));
});
