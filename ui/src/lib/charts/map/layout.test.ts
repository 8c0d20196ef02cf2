import { describe, expect, it } from 'vitest';
import { layoutMap, NODE_HEIGHT, NODE_WIDTH } from './layout';

const edge = (text: string) => ({ from: text.split('>')[0]!, to: text.split('>')[1]! });
const layer = (layout: ReturnType<typeof layoutMap>, id: string) => layout.nodes.get(id)!.layer;

describe('the service map', () => {
  it('puts callers before what they call', () => {
    const map = layoutMap(['worker', 'orders', 'web'], [edge('web>orders'), edge('orders>worker'), edge('web>worker')]);
    expect([layer(map, 'web'), layer(map, 'orders'), layer(map, 'worker')]).toEqual([0, 1, 2]);
    expect(map.edges).toHaveLength(3);
  });

  it('survives cycles and calls to oneself', () => {
    const map = layoutMap(['a', 'b', 'c'], [edge('a>b'), edge('b>c'), edge('c>a'), edge('b>b')]);
    expect(map.nodes.size).toBe(3);
    expect(map.edges).toHaveLength(4);
    expect(layer(map, 'a')).toBeLessThan(layer(map, 'c'));
  });

  it('leaves out edges whose ends are unknown and shows services without any', () => {
    const map = layoutMap(['alone'], [edge('alone>gone')]);
    expect(map.edges).toEqual([]);
    expect(map.nodes.has('alone')).toBe(true);
  });

  it('never lets boxes overlap or leave the picture', () => {
    const ids = Array.from({ length: 24 }, (_, index) => `s${index}`);
    const edges = ids.slice(1).map((to, index) => ({ from: ids[Math.floor(index / 3)]!, to }));
    const { nodes, width, height } = layoutMap(ids, edges);
    const boxes = [...nodes.values()];
    for (const [index, one] of boxes.entries()) {
      expect(one.x + NODE_WIDTH).toBeLessThanOrEqual(width);
      expect(one.y + NODE_HEIGHT).toBeLessThanOrEqual(height);
      for (const other of boxes.slice(index + 1)) {
        expect(one.layer !== other.layer || Math.abs(one.y - other.y) >= NODE_HEIGHT).toBe(true);
      }
    }
  });

  it('orders a layer so that lines do not cross where they need not', () => {
    const { nodes } = layoutMap(['a', 'b', 'x', 'y'], [edge('a>y'), edge('b>x')]);
    expect(nodes.get('a')!.y < nodes.get('b')!.y).toBe(nodes.get('y')!.y < nodes.get('x')!.y);
  });

  it('is nothing for nothing', () => expect(layoutMap([], []).nodes.size).toBe(0));
});
