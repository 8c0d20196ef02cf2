/** Numbers for people: three significant digits, units that fit the size. */

export type Unit = 'number' | 'perSecond' | 'ms' | 'ratio' | 'count';

export function formatNumber(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '−Inf';
  const size = Math.abs(value);
  if (size === 0) return '0';
  if (size >= 1e15 || size < 1e-4) return value.toExponential(2);
  for (const [limit, suffix] of [[1e12, 'T'], [1e9, 'G'], [1e6, 'M'], [1e4, 'k']] as const) {
    if (size >= limit) {
      const scale = suffix === 'k' ? 1e3 : limit;
      return significant(value / scale) + suffix;
    }
  }
  return significant(value);
}

export function formatUnit(value: number | null | undefined, unit: Unit): string {
  if (value === null || value === undefined) return '–';
  if (unit === 'perSecond') return `${formatNumber(value)}/s`;
  if (unit === 'ms') return formatMs(value);
  if (unit === 'ratio') return formatRatio(value);
  if (unit === 'count') return Math.round(value).toLocaleString();
  return formatNumber(value);
}

/** Milliseconds in the unit that fits: `740 µs`, `12.3 ms`, `1.25 s`, `3 min 20 s`. */
export function formatMs(ms: number): string {
  const size = Math.abs(ms);
  if (size === 0) return '0 ms';
  if (size < 1) return `${significant(ms * 1e3)} µs`;
  if (size < 1e3) return `${significant(ms)} ms`;
  if (size < 6e4) return `${significant(ms / 1e3)} s`;
  return formatDuration(ms);
}

/** Longer spans of time in two units: `3 min 20 s`, `5 h 12 min`, `2 d 3 h`. */
export function formatDuration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1e3));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return join(minutes, 'min', seconds % 60, 's');
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return join(hours, 'h', minutes % 60, 'min');
  return join(Math.floor(hours / 24), 'd', hours % 24, 'h');
}

export function formatRatio(ratio: number): string {
  if (!Number.isFinite(ratio)) return '–';
  const percent = ratio * 100;
  if (percent === 0 || percent === 100) return `${percent}%`;
  if (percent < 0.01) return '<0.01%';
  return `${significant(percent)}%`;
}

/** `1 phase`, `3 phases` */
export function plural(count: number, word: string): string {
  return `${count.toLocaleString()} ${word}${count === 1 ? '' : 's'}`;
}

function join(big: number, bigUnit: string, small: number, smallUnit: string): string {
  return small ? `${big} ${bigUnit} ${small} ${smallUnit}` : `${big} ${bigUnit}`;
}

function significant(value: number): string {
  const text = Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3);
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}
