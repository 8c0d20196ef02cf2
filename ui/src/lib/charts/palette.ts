const SERIES = 8;

/** The CSS colour of the n-th series; beyond the palette the colours come again. */
export const seriesColour = (index: number): string => `var(--series-${(index % SERIES) + 1})`;

export const SEVERITY_COLOURS: Record<string, string> = {
  TRACE: 'var(--line-strong)',
  DEBUG: 'var(--quiet)',
  INFO: 'var(--info)',
  WARN: 'var(--warn)',
  ERROR: 'var(--bad)',
  FATAL: 'var(--series-4)'
};

/** What a CSS colour, perhaps a variable, is now. A canvas does not know variables. */
export function resolveColour(css: string, element: HTMLElement): string {
  const probe = document.createElement('span');
  probe.style.color = css;
  element.append(probe);
  const colour = getComputedStyle(probe).color;
  probe.remove();
  return colour;
}

/** A stable colour for a service, so that it is the same on the map, in a trace and in a chart. */
export function serviceColour(service: string): string {
  let hash = 0;
  for (const character of service) hash = (hash * 31 + character.codePointAt(0)!) >>> 0;
  return seriesColour(hash);
}
