import { expect, it } from 'vitest';
import { lineKeys } from './log-keys';

const line = (time: string, body: string) => ({ time, body, service: 'web', span_id: null });

it('keeps the keys of records when newer ones arrive', () => {
  const old = [line('2', 'b'), line('1', 'a'), line('1', 'a')];
  const keys = lineKeys(old);
  expect(new Set(keys).size).toBe(3);
  expect(lineKeys([line('3', 'c'), ...old]).slice(1)).toEqual(keys);
});
