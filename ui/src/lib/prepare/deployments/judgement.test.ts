import { describe, expect, it } from 'vitest';
import type { Judged, Judgement, Sample } from '../reports/report';
import { changeText, curves, effectPlace, effectText, neededText, verdictsOf } from './judgement';
import { passageOf } from './passage';
import { reportsOf } from './reports';

const at = (second: number) => new Date(Date.UTC(2026, 0, 1, 12, 0, second)).toISOString();
const sample: Sample = { points: 2, missing: 0, mean: 1, median: 1, standard_deviation: 0, autocorrelation: null };
const judgement = (verdict: Judgement['verdict'], rest: Partial<Judgement> = {}): Judgement => ({ verdict, reason: 'why', control: sample, canary: sample, ...rest });
const judged = (count: number, verdict: Judgement['verdict'] = 'not_enough_data'): Judged => ({ metric: 'errors', query: 'errors', every_ms: 5000, tolerance: 0.25, judgement: judgement(verdict), control: Array<number>(count).fill(1), canary: Array<number>(count).fill(2) });
const report = (second: number, judgements: Judged[]) => {
  const data = JSON.stringify({ report: 'deployment', environment: 'production', version: '2', judgements });
  return reportsOf([{ run: 'r', step: 0, sequence: second, kind: 'report', time: at(second), data }])[0]!;
};
const shifted = passageOf('production', '2', '1', [{ at: at(0), what: 'began' }, { at: at(0), what: 'shifted', step: 0, weight: 10 }]);

describe('the verdicts', () => {
  it('are the last of each metric, also when a restarted server begins without any', () => {
    const verdicts = verdictsOf([report(10, [judged(2)]), report(15, [judged(3, 'pass')]), report(20, [])], shifted);
    expect(verdicts.map(({ judgement }) => judgement.verdict)).toEqual(['pass']);
  });

  it('have the evidence of a rollback, with its points', () => {
    const decided = { ...shifted, decided: { at: at(15), reason: { kind: 'judge' as const, text: 'worse', evidence: judged(3, 'fail') } } };
    const [verdict] = verdictsOf([report(10, [judged(2)])], decided);
    expect([verdict!.judgement.verdict, verdict!.canary!.length]).toEqual(['fail', 3]);
  });
});

it('puts both versions on one axis of time, with gaps for missing points', () => {
  const data = curves({ ...judged(0), control: [1, null, 3], canary: [2, 2] }, shifted)!;
  expect(data.time.map((time) => time - Date.parse(at(0)) / 1e3)).toEqual([5, 10, 15]);
  expect(data.series.map(({ values }) => values)).toEqual([[1, null, 3], [2, 2, null]]);
  expect(curves(judged(0), shifted)).toBeNull();
});

it('tells a ratio in percent and a difference as it is', () => {
  expect(changeText('ratio', 1.23)).toBe('+23%');
  expect(changeText('ratio', 0.955)).toBe('−4.5%');
  expect(changeText('difference', -0.012)).toBe('−0.012');
  expect(effectText({ measure: 'ratio', estimate: 1.61, lower: 1.14, upper: null })).toBe('+61%, between +14% and unbounded');
});

it('tells how much more is needed, and how long that takes', () => {
  expect(neededText(judgement('not_enough_data', { needed_points: 14 }), 15_000)).toBe('About 14 more points of each version would decide, that is 3 min 30 s at this rate.');
  expect(neededText(judgement('not_enough_data', { needed_points: 1 }), 15_000)).toBe('About 1 more point of each version would decide, that is 15 s at this rate.');
  expect(neededText(judgement('not_enough_data'), 15_000)).toBe('More points alone would hardly decide.');
  expect(neededText(judgement('fail'), 15_000)).toBeNull();
});

it('places an effect around no change, and its open ends at the edge', () => {
  const place = effectPlace({ measure: 'ratio', estimate: 1, lower: 0.5, upper: 2 }, 0.25);
  expect(place.estimate).toBe(50);
  expect(place.from + place.to).toBeCloseTo(100);
  expect(place.tolerated!.from + place.tolerated!.to).toBeCloseTo(100);
  expect(effectPlace({ measure: 'difference', estimate: 3, lower: null, upper: 4 }, undefined)).toMatchObject({ from: 0, openLeft: true, openRight: false, tolerated: null });
});
