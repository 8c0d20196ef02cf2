import { expect, it } from 'vitest';
import { journalParts, outputText, rowDurationMs, rowState, spanOf } from './journal';
import type { Journal } from './report';

const journal: Journal = {
  start: '2026-03-01T12:00:00.000000+00:00',
  end: '2026-03-01T12:00:10.000000+00:00',
  steady_states: {
    before: { steady_state_met: true, probes: [{ tolerance_met: true, status: 'succeeded' }] },
    during: [{ steady_state_met: true, probes: [] }, { steady_state_met: false, probes: [] }],
    after: null
  },
  run: [{ activity: { name: 'slow database' }, start: '2026-03-01T12:00:02.000000+00:00', end: '2026-03-01T12:00:07.000000+00:00' }],
  rollbacks: []
};

it('lists the parts that were reached, in the order in which they were played', () => {
  expect(journalParts(journal).map(({ title, met }) => [title, met])).toEqual([
    ['Hypothesis before', true],
    ['Method', undefined],
    ['Hypothesis during the method, look 1', true],
    ['Hypothesis during the method, look 2', false]
  ]);
  expect(journalParts({})).toEqual([]);
});

it('places a row on the axis of the whole', () => {
  expect(spanOf(journal.run![0]!, journal)).toEqual({ left: 20, width: 50 });
  expect(spanOf({ start: '2026-03-01T12:00:02' }, { start: '2026-03-01T12:00:00' })).toBeNull();
  expect(spanOf({}, journal)).toBeNull();
});

it('reads times without a zone as UTC, as the toolkit writes them', () => {
  expect(spanOf({ start: '2026-03-01T12:00:05', end: '2026-03-01T12:00:06' }, journal)).toEqual({ left: 50, width: 10 });
  expect(rowDurationMs({ start: '2026-03-01T12:00:05', end: '2026-03-01T12:00:06.500' })).toBe(1500);
  expect(rowDurationMs({ duration: 0.25 })).toBe(250);
});

it('tells a failed activity from one out of tolerance', () => {
  expect(rowState({ status: 'failed', tolerance_met: false })).toBe('failed');
  expect(rowState({ status: 'succeeded', tolerance_met: false })).toBe('deviated');
  expect(rowState({ status: 'succeeded', tolerance_met: true })).toBe('met');
  expect(rowState({ status: 'succeeded' })).toBe('succeeded');
  expect(rowState({ start: '2026-03-01T12:00:05' })).toBe('running');
});

it('shows an output as text', () => {
  expect(outputText(null)).toBe('');
  expect(outputText('plain')).toBe('plain');
  expect(outputText({ status: 200 })).toContain('"status": 200');
});
