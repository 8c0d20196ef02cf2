import { listEvents } from '$lib/api/operate';
import type { Event } from '$lib/api/types';
import { shortType } from '$lib/format/events';

/** A tab that nobody looks at gives its connection back after this time; browsers allow few per server. */
const HIDDEN_MS = 60_000;
const RETRY_MS = [500, 1000, 2000, 5000, 10_000];

export type Connection = 'connecting' | 'live' | 'lost' | 'paused';
type Listener = (event: Event | null) => void;

/**
 * The ledger's events as they happen: one stream for the whole page. It goes on after the last position
 * that it saw, so that nothing is missed when the connection breaks.
 */
class LiveEvents {
  #connection = $state<Connection>('connecting');
  #source: EventSource | null = null;
  #position: number | null = null;
  #failures = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #listeners = new Set<Listener>();

  get connection(): Connection {
    return this.#connection;
  }

  /** Begins to listen; the returned function ends it. */
  start(): () => void {
    const visibility = () => this.#visibilityChanged();
    document.addEventListener('visibilitychange', visibility);
    void this.#connect();
    return () => {
      document.removeEventListener('visibilitychange', visibility);
      this.#close();
    };
  }

  /** Calls back with each event, and with null when some may have been missed. */
  listen(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  retryNow() {
    this.#close();
    // What failed before may succeed now, even if nothing has happened since.
    this.#failures = Math.max(1, this.#failures);
    void this.#connect();
  }

  async #connect() {
    clearTimeout(this.#timer);
    if (this.#position === null) {
      try {
        const [newest] = await listEvents({ limit: 1, newest_first: true });
        this.#position = newest?.position ?? 0;
      } catch {
        return this.#lost();
      }
    }
    this.#close();
    const source = new EventSource(`/api/events/stream?after=${this.#position}`);
    this.#source = source;
    source.onopen = () => this.#opened();
    source.onerror = () => {
      // The browser's own retry gives up on an error answer; ours does not.
      source.close();
      if (this.#source === source) this.#lost();
    };
    source.addEventListener('event', (message) => this.#received(message as MessageEvent<string>));
  }

  #opened() {
    const missed = this.#failures > 0;
    this.#failures = 0;
    this.#connection = 'live';
    if (missed) this.#tell(null);
  }

  #lost() {
    this.#connection = 'lost';
    const pause = RETRY_MS[Math.min(this.#failures, RETRY_MS.length - 1)];
    this.#failures += 1;
    this.#timer = setTimeout(() => void this.#connect(), pause);
  }

  #received(message: MessageEvent<string>) {
    const event = JSON.parse(message.data) as Event;
    this.#position = Math.max(this.#position ?? 0, event.position);
    this.#tell(event);
  }

  #tell(event: Event | null) {
    for (const listener of this.#listeners) listener(event);
  }

  #close() {
    clearTimeout(this.#timer);
    this.#source?.close();
    this.#source = null;
  }

  #visibilityChanged() {
    clearTimeout(this.#timer);
    if (document.hidden) {
      this.#timer = setTimeout(() => {
        this.#close();
        this.#connection = 'paused';
      }, HIDDEN_MS);
    } else if (this.#connection !== 'live') {
      void this.#connect();
    }
  }
}

export const liveEvents = new LiveEvents();

/** Whether an event's type begins with one of the topics, e.g. `alarm.` or `run.`. */
export function concerns(event: Event, topics: string[]): boolean {
  const type = shortType(event.type);
  return topics.some((topic) => type.startsWith(topic));
}
