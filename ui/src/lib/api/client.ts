import createClient from 'openapi-fetch';
import { actor } from './actor.svelte';
import { asProblem, unreachable } from './problem';
import type { paths } from './schema';

/** The API as its OpenAPI document describes it. Requests that act say who acts. */
export const client = createClient<paths>({
  baseUrl: '/',
  // Looked up at each call, so that tests and tools that wrap `fetch` see the requests.
  fetch: (request) => globalThis.fetch(request)
});

client.use({
  onRequest({ request }) {
    if (request.method !== 'GET' && actor.current) request.headers.set('X-Mainstay-Actor', actor.current);
    return request;
  },
  onError({ error }) {
    return unreachable(error);
  }
});

interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** Waits for an answer; throws a `RequestError` that holds the server's own words. */
export async function answer<T>(pending: Promise<Answer<T>>): Promise<T> {
  const { data, error, response } = await pending;
  if (!response.ok) throw asProblem(error, response);
  return data as T;
}
