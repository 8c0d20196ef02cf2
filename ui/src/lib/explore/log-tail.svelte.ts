import type { LogFilter } from '$lib/api/explore';
import type { LogLine } from '$lib/api/types';

/** As many lines as are kept in view; older ones fall off. */
const LINES_MAX = 1000;
/** A burst of records becomes one change of the page. */
const BATCH_MS = 150;

/** Log records as they arrive, newest first. */
export class LogTail {
  lines = $state.raw<LogLine[]>([]);
  connected = $state(false);

  /** Follows what matches the filter until the returned function is called. */
  follow(filter: LogFilter): () => void {
    this.lines = [];
    const wanted = Object.entries(filter).filter((entry): entry is [string, string] => Boolean(entry[1]));
    const source = new EventSource(`/api/logs/tail?${new URLSearchParams(wanted)}`);
    let waiting: LogLine[] = [];
    let timer: ReturnType<typeof setTimeout> | undefined;
    source.onopen = () => (this.connected = true);
    source.onerror = () => (this.connected = false);
    source.addEventListener('log', (message) => {
      waiting.push(JSON.parse((message as MessageEvent<string>).data) as LogLine);
      timer ??= setTimeout(() => {
        timer = undefined;
        this.lines = [...waiting.reverse(), ...this.lines].slice(0, LINES_MAX);
        waiting = [];
      }, BATCH_MS);
    });
    return () => {
      source.close();
      clearTimeout(timer);
      this.connected = false;
    };
  }
}
