import { expect, it } from 'vitest';
import { runwayText } from './runway';

it('tells the day and how sure it is', () => {
  expect(runwayText({ state: 'on', date: '2027-03-02T00:00:00Z', earliest: '2027-02-01T00:00:00Z', latest: null })).toBe('The peak reaches it on 2 March 2027; at the earliest on 1 February 2027, perhaps never.');
  expect(runwayText({ state: 'reached', date: null, earliest: null, latest: null })).toContain('already');
});
