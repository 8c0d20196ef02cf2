/** A clock that components read: it ticks once a second while somebody looks. */
class Clock {
  #now = $state(Date.now());

  constructor() {
    if (typeof window === 'undefined') return;
    setInterval(() => {
      if (!document.hidden) this.#now = Date.now();
    }, 1000);
    document.addEventListener('visibilitychange', () => (this.#now = Date.now()));
  }

  /** Milliseconds since the epoch. */
  get now(): number {
    return this.#now;
  }
}

export const clock = new Clock();
