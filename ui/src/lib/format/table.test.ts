import { expect, it } from 'vitest';
import { tableSeries, toCsv } from './table';

it('quotes in CSV what needs it', () => {
  const csv = toCsv({ columns: [{ name: 'a', type: 'text' }, { name: 'b', type: 'json' }], rows: [['x,"y"\n', { k: 1 }], [null, 2]] });
  expect(csv).toBe('a,b\r\n"x,""y""\n","{""k"":1}"\r\n,2\r\n');
});

it('draws numbers over time, one line for each text value', () => {
  const rows = [['2026-03-01T00:00:00Z', 'web', 1], ['2026-03-01T00:01:00Z', 'web', 2], ['2026-03-01T00:01:00Z', 'orders', 5]];
  const data = tableSeries({ columns: [{ name: 't', type: 'timestamp' }, { name: 'service', type: 'text' }, { name: 'n', type: 'integer' }], rows });
  expect(data?.time).toEqual([1772323200, 1772323260]);
  expect(data?.series).toEqual([{ label: 'web', values: [1, 2] }, { label: 'orders', values: [null, 5] }]);
});

it('draws nothing without a time', () => {
  expect(tableSeries({ columns: [{ name: 'n', type: 'integer' }], rows: [[1]] })).toBeNull();
});
