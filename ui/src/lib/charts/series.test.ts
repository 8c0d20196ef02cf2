import { expect, it } from 'vitest';
import { alignMatrix, stack } from './series';

it('puts series with different samples on one axis, with gaps', () => {
  const { time, series } = alignMatrix([
    { label: 'a', values: [[1, '10'], [3, 'NaN']] },
    { label: 'b', values: [[2, '5'], [3, '+Inf'], [4, '1']] }
  ]);
  expect(time).toEqual([1, 2, 3, 4]);
  expect(series.map(({ values }) => values)).toEqual([
    [10, null, null, null],
    [null, 5, null, 1]
  ]);
});

it('stacks from the first series up', () => {
  const stacked = stack([
    { label: 'a', values: [1, 2] },
    { label: 'b', values: [null, 3] }
  ]);
  expect(stacked.map(({ values }) => values)).toEqual([
    [1, 2],
    [1, 5]
  ]);
});
