import { session } from './session.svelte';
import type { Problem } from './types';

/** A request that failed: the server's problem details, or why there was no answer. */
export class RequestError extends Error {
  readonly title: string;
  /** The HTTP status; 0 if the server was not reached. */
  readonly status: number;

  constructor(problem: Problem) {
    super(problem.detail);
    this.name = 'RequestError';
    this.title = problem.title;
    this.status = problem.status;
  }
}

export function asProblem(body: unknown, response: Response): RequestError {
  if (response.status === 401) session.refused = true;
  const known = (body ?? {}) as Partial<Problem>;
  return new RequestError({
    title: known.title ?? (response.statusText || 'The request failed'),
    status: response.status,
    detail: known.detail ?? `The server answered ${response.status}.`
  });
}

export function unreachable(cause: unknown): Error {
  if (cause instanceof DOMException && cause.name === 'AbortError') return cause;
  return new RequestError({
    title: 'The server does not answer',
    status: 0,
    detail: 'Check that `mainstay serve` is running and that this address is right, then try again.'
  });
}

export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'AbortError';
}
