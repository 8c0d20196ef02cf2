import { expect, it } from 'vitest';
import type { AlarmRecord, CanaryLook, CanarySummary } from '$lib/api/types';
import { canaryState, isHeartbeat, judged, probeSeries, successRatio } from './canaries';

/** Looks from a word, newest first: `.` passed, `x` failed; each group of letters is a location. */
function looks(word: string): CanaryLook[] {
  return word.split(' ').flatMap((group, place) =>
    [...group].map((letter): CanaryLook => ({ time: '2026-03-01T00:00:00Z', location: `place-${place}`, passed: letter === '.', error: null, duration_s: 1, run: null }))
  );
}

const canary = (word: string, rest: Partial<CanarySummary> = {}): CanarySummary => ({
  name: 'c', title: null, component: null, check: 'GET http://x', schedule: 'every 60s', locations: ['server'], enabled: true, path: 'ops/c.yaml', failures: 2, of: 3, looks: word ? looks(word) : [], ...rest
});

it.each([
  ['...', 'passing'],
  ['x...', 'unsteady'],
  ['x.x.', 'failing'],
  ['.xx', 'failing'],
  ['..xx', 'passing'],
  ['x.. x..', 'unsteady'],
  ['... xx.', 'failing'],
  ['', 'waiting']
])('judges looks %j as %s, like its alarm', (word, state) => expect(canaryState(canary(word), [])).toBe(state));

it('judges nothing while switched off', () => expect(canaryState(canary('xxx', { enabled: false }), [])).toBe('disabled'));

it('believes its alarm, which alone knows of a job that is late', () => {
  const alarm = { group: 'canaries/c', state: 'firing' } as AlarmRecord;
  expect(canaryState(canary('', { schedule: null }), [alarm])).toBe('failing');
  expect(canaryState(canary('', { schedule: null }), [{ ...alarm, group: 'canaries/d' }])).toBe('waiting');
});

it('puts what fails first', () => {
  expect(judged([canary('...'), canary('xx.'), canary('x..')], []).map(({ state }) => state)).toEqual(['failing', 'unsteady', 'passing']);
});

it('counts successes', () => {
  expect(successRatio(looks('...x'))).toBe(0.75);
  expect(successRatio([])).toBeNull();
});

it('knows a heartbeat and quotes a name', () => {
  expect(isHeartbeat(canary('', { schedule: null }))).toBe(true);
  expect(isHeartbeat(canary(''))).toBe(false);
  expect(probeSeries('probe_success', 'a"b')).toBe('probe_success{canary="a\\"b"}');
});
