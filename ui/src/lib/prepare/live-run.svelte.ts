import { getRun, getRunOutput } from '$lib/api/prepare';
import type { OutputChunk, RunDetail } from '$lib/api/types';
import { isActiveRun } from '$lib/format/states';

const RETRY_MS = 2000;
/** A burst of output becomes one change of the page. */
const BATCH_MS = 50;

/** One run with its output as it comes. */
export class LiveRun {
  detail = $state.raw<RunDetail>();
  error = $state.raw<Error>();
  chunks = $state.raw<OutputChunk[]>([]);
  connected = $state(true);
  #id = '';
  #source: EventSource | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #last = -1;
  #fresh: OutputChunk[] = [];
  #flush: ReturnType<typeof setTimeout> | undefined;

  /** Shows the run until the returned function is called. */
  follow(id: string): () => void {
    this.#id = id;
    this.#last = -1;
    this.chunks = [];
    this.#fresh = [];
    this.detail = undefined;
    void this.reload();
    return () => {
      this.#id = '';
      this.#close();
    };
  }

  reload = async (): Promise<void> => {
    const id = this.#id;
    try {
      const detail = await getRun(id);
      if (id !== this.#id) return;
      this.detail = detail;
      this.error = undefined;
      await this.#readOutput(id);
      if (id === this.#id && isActiveRun(detail.run.status)) this.#listen(id);
    } catch (error) {
      if (id === this.#id) this.error = error as Error;
    }
  };

  /** What was written so far, page by page. */
  async #readOutput(id: string) {
    for (;;) {
      const { chunks } = await getRunOutput(id, this.#last);
      if (id !== this.#id || chunks.length === 0) return;
      this.#add(chunks);
    }
  }

  #listen(id: string) {
    if (this.#source) return;
    const source = new EventSource(`/api/runs/${encodeURIComponent(id)}/stream?after=${this.#last}`);
    this.#source = source;
    source.onopen = () => (this.connected = true);
    source.onerror = () => {
      this.#close();
      this.connected = false;
      this.#timer = setTimeout(() => void this.reload(), RETRY_MS);
    };
    source.addEventListener('output', (message) => this.#add([JSON.parse((message as MessageEvent<string>).data) as OutputChunk]));
    source.addEventListener('run', (message) => {
      const detail = JSON.parse((message as MessageEvent<string>).data) as RunDetail;
      this.detail = detail;
      if (isActiveRun(detail.run.status)) return;
      this.#close();
      void this.#readOutput(id);
    });
  }

  /** Chunks come from two ways; each is kept once, in order. */
  #add(chunks: OutputChunk[]) {
    const fresh = chunks.filter(({ sequence }) => sequence > this.#last);
    if (!fresh.length) return;
    this.#last = fresh.at(-1)!.sequence;
    this.#fresh.push(...fresh);
    this.#flush ??= setTimeout(() => {
      this.#flush = undefined;
      this.chunks = [...this.chunks, ...this.#fresh];
      this.#fresh = [];
    }, BATCH_MS);
  }

  #close() {
    clearTimeout(this.#timer);
    this.#source?.close();
    this.#source = null;
  }
}
