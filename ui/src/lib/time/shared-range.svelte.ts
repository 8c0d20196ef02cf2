import { goto } from '$app/navigation';
import { page } from '$app/state';
import { clock } from './clock.svelte';
import { DEFAULT_RANGE, isMoving, rangeFromParams, resolveRange, type ResolvedRange, type TimeRange } from './range';

/** How often a moving window is read again. */
const REFRESH_MS = 10_000;

/** The window of the page that is shown. It lives in the URL, so that a link shows what its sender saw. */
class SharedRange {
  #refreshes = $state(0);
  /** Derived, so that what reads the window is read again when the window moves and not at each tick of the clock. */
  #now = $derived(Math.floor(clock.now / REFRESH_MS) * REFRESH_MS);

  get current(): TimeRange {
    return rangeFromParams(page.url.searchParams);
  }

  /** Start and end now. Reading it inside a loader makes the loader follow the window and the clock. */
  get resolved(): ResolvedRange {
    void this.#refreshes;
    const range = this.current;
    if (!isMoving(range)) return resolveRange(range, new Date());
    return resolveRange(range, new Date(this.#now));
  }

  /** The same as text, for requests. */
  get window(): { start: string; end: string } {
    const { start, end } = this.resolved;
    return { start: start.toISOString(), end: end.toISOString() };
  }

  /** The search parameters that carry the window to another page; empty for the default. */
  get query(): string {
    const { from, to } = this.current;
    if (from === DEFAULT_RANGE.from && to === DEFAULT_RANGE.to) return '';
    return new URLSearchParams({ from, to }).toString();
  }

  set(range: TimeRange) {
    setParams({ from: range.from, to: range.to });
  }

  refresh() {
    this.#refreshes += 1;
  }
}

export const sharedRange = new SharedRange();

/** Changes search parameters of the current address in place; null or empty removes one. */
export function setParams(changes: Record<string, string | string[] | null | undefined>, options = { replace: false }) {
  const url = new URL(page.url);
  for (const [key, value] of Object.entries(changes)) {
    url.searchParams.delete(key);
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one) url.searchParams.append(key, one);
    }
  }
  return goto(url, { keepFocus: true, noScroll: true, replaceState: options.replace });
}
