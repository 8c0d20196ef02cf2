import { describe, expect, it } from 'vitest';
import { formatDuration, formatMs, formatNumber, formatRatio, formatUnit } from './numbers';

describe('numbers keep three digits and a unit that fits', () => {
  it.each([
    [0, '0'],
    [0.05, '0.05'],
    [1, '1'],
    [12.345, '12.3'],
    [999.6, '1000'],
    [12_345, '12.3k'],
    [3_400_000, '3.4M'],
    [1e-7, '1.00e-7'],
    [Infinity, '+Inf'],
    [NaN, 'NaN']
  ])('%d is %s', (value, text) => expect(formatNumber(value)).toBe(text));

  it.each([
    [0.74, '740 µs'],
    [12.34, '12.3 ms'],
    [1250, '1.25 s'],
    [200_000, '3 min 20 s']
  ])('%d ms is %s', (value, text) => expect(formatMs(value)).toBe(text));

  it.each([
    [0, '0 s'],
    [59_400, '59 s'],
    [3_600_000, '1 h'],
    [18_720_000, '5 h 12 min'],
    [183_600_000, '2 d 3 h']
  ])('%d ms lasts %s', (value, text) => expect(formatDuration(value)).toBe(text));

  it('shows ratios as percent and what is missing as a dash', () => {
    expect([formatRatio(0.0312), formatRatio(0), formatRatio(1), formatRatio(0.00001)]).toEqual(['3.12%', '0%', '100%', '<0.01%']);
    expect(formatUnit(null, 'ms')).toBe('–');
  });
});
