import { expect, it } from 'vitest';
import type { Strategy } from '../reports/report';
import { passageOf, type Moment } from './passage';
import { weightPicture } from './picture';

const at = (second: number) => new Date(Date.UTC(2026, 0, 1, 12, 0, second)).toISOString();
const ms = (second: number) => Date.parse(at(second));
const strategy: Strategy = { name: 'steps', steps: [{ weight: 10, hold: 60_000 }, { weight: 100, hold: 30_000 }] };
const moments: Moment[] = [{ at: at(0), what: 'began' }, { at: at(10), what: 'shifted', step: 0, weight: 10 }];
const seconds = (time: number[]) => time.map((one) => one - ms(0) / 1e3);

it('draws what was up to now, and what is planned from now on', () => {
  const picture = weightPicture(passageOf('production', '2', '1', moments), strategy, ms(40))!;
  expect(seconds(picture.time)).toEqual([0, 10, 40, 70, 100]);
  expect(picture.series.map(({ values }) => values)).toEqual([
    [0, 0.1, 0.1, null, null],
    [null, null, 0.1, 1, 1]
  ]);
  expect(picture.marks.map(({ label }) => label)).toEqual(['now']);
});

it('draws the fall of the weight, the moment of the decision, and no plan any more', () => {
  const back: Moment[] = [{ at: at(50), what: 'rollingback', reason: { kind: 'alarm', text: '' } }, { at: at(51), what: 'rolledback' }];
  const picture = weightPicture(passageOf('production', '2', '1', [...moments, ...back]), strategy, ms(500))!;
  expect(picture.series).toHaveLength(1);
  expect(picture.series[0]!.values).toEqual([0, 0.1, 0, 0]);
  expect(seconds(picture.time).at(-1)).toBeLessThan(60);
  expect(picture.marks.map(({ label, atS }) => [label, atS])).toEqual([['rolled back', ms(50) / 1e3]]);
});

it('draws nothing before it has begun', () => {
  expect(weightPicture(passageOf('production', '2', '1', []), strategy, ms(0))).toBeNull();
});
