import { expect, it } from 'vitest';
import { withoutThreshold } from './alarms';

it.each([
  ['rate(errors[5m]) > 0.05', 'rate(errors[5m])', 0.05],
  ['sum by (service) (rate(a{x="y > 1"}[1m]))\n  / sum(b) >= 1e-3', 'sum by (service) (rate(a{x="y > 1"}[1m]))\n  / sum(b)', 0.001],
  ['absent(up)', 'absent(up)', null],
  ['a > b', 'a > b', null],
  ['(a > 1)', '(a > 1)', null],
  ['a > 1 and b > 2', 'a > 1 and b > 2', null]
])('%j shows %j against %j', (expression, query, threshold) => {
  expect(withoutThreshold(expression)).toEqual({ query, threshold });
});
