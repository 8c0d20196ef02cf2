import { describe, expect, it } from 'vitest';
import { parsedContext, shownValue } from './values';

describe('a context', () => {
  it('is lines of key = value', () => {
    expect(parsedContext('targetingKey = user-7\n\nage=42\nbeta = true\nversion = 2.0.0\nnote =')).toEqual({
      targetingKey: 'user-7',
      age: 42,
      beta: true,
      version: '2.0.0',
      note: '',
    });
  });

  it('or an object of JSON', () => {
    expect(parsedContext(' {"user": {"tier": "gold"}}')).toEqual({ user: { tier: 'gold' } });
  });

  it('says which line it cannot read', () => {
    expect(() => parsedContext('a = 1\nnonsense')).toThrow('“nonsense”');
  });
});

it('a value stands on one line', () => {
  expect([shownValue('a'), shownValue({ a: [1] }), shownValue(false)]).toEqual(['a', '{"a":[1]}', 'false']);
});
