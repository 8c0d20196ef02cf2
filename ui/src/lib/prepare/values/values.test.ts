import { describe, expect, it } from 'vitest';
import { byFolder, namesAt, shown, split } from './values';

describe('values', () => {
  it('are shown in one line', () => {
    expect([shown('5s'), shown(['a', 'b']), shown({ a: [1] })]).toEqual(['5s', 'a, b', '{"a":[1]}']);
  });

  it('lie in folders', () => {
    expect(split('/shop/orders/timeout')).toEqual({ folder: '/shop/orders', name: 'timeout' });
    expect(split('/top')).toEqual({ folder: '/', name: 'top' });
    const paths = ['/b/x', '/a/x', '/a/y'].map((path) => ({ path }));
    expect(byFolder(paths).map(({ folder, items }) => [folder, items.length])).toEqual([['/a', 2], ['/b', 1]]);
  });

  it('have names at versions', () => {
    expect(namesAt({ prod: 3, canary: 4, stage: 3 }, 3)).toEqual(['prod', 'stage']);
  });
});
