import { isAbort } from '$lib/api/problem';
import type { Event } from '$lib/api/types';
import { untrack } from 'svelte';
import { concerns, liveEvents } from './events.svelte';

/** Events come in bursts; what is shown is read again once for all of them. */
const SETTLE_MS = 120;

export interface ResourceOptions {
  /** Read again when an event's type begins with one of these. */
  topics?: string[];
  /** Only for events that this accepts. */
  when?: (event: Event) => boolean;
  /** Read again this often while somebody looks. */
  everyMs?: number;
}

/** Something read from the server: the newest answer stays in view while a newer one is on its way. */
export class Resource<T> {
  data = $state.raw<T>();
  error = $state.raw<Error>();
  loading = $state(true);
  #fetch: () => Promise<T>;
  #turn = 0;
  /** The turn that gave what is shown. */
  #shown = 0;

  constructor(fetch: () => Promise<T>) {
    this.#fetch = fetch;
  }

  /** Reads again. Answers that come out of order are dropped; one that a newer request waits behind is shown. */
  reload = async (): Promise<void> => {
    const turn = ++this.#turn;
    this.loading = true;
    try {
      const data = await this.#fetch();
      if (turn < this.#shown) return;
      this.#shown = turn;
      this.data = data;
      this.error = undefined;
    } catch (error) {
      if (turn !== this.#turn || isAbort(error)) return;
      this.error = error instanceof Error ? error : new Error(String(error));
    }
    this.loading = turn !== this.#turn;
  };

  /** Forgets the answer, e.g. because the page now shows something else. */
  reset() {
    this.#shown = this.#turn + 1;
    this.data = undefined;
    this.error = undefined;
  }
}

/**
 * Reads with `fetch`, again whenever reactive state changes that it reads before its first wait, and whenever
 * something happens that the options name. `key` says what is shown: when it changes, the old answer is dropped.
 */
export function resource<T>(fetch: () => Promise<T>, options: ResourceOptions = {}, key?: () => unknown): Resource<T> {
  const made = new Resource(fetch);
  let shown: unknown;
  $effect(() => {
    const next = key?.();
    if (next !== shown) untrack(() => made.reset());
    shown = next;
    void made.reload();
  });
  $effect(() => untrack(() => follow(made.reload, options)));
  return made;
}

function follow(reload: () => Promise<void>, { topics = [], when, everyMs }: ResourceOptions): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let reading = false;
  let missed = false;
  const read = async () => {
    timer = undefined;
    reading = true;
    await reload();
    reading = false;
    if (missed) soon();
    missed = false;
  };
  /** Never two at a time: what happens while one is under way is read after it. */
  const soon = () => {
    if (reading) missed = true;
    else timer ??= setTimeout(() => void read(), SETTLE_MS);
  };
  const unlisten = liveEvents.listen((event) => {
    if (event === null || (concerns(event, topics) && (when?.(event) ?? true))) soon();
  });
  const interval = everyMs ? setInterval(() => !document.hidden && soon(), everyMs) : undefined;
  return () => {
    unlisten();
    missed = false;
    clearTimeout(timer);
    clearInterval(interval);
  };
}
