import { asProblem, RequestError, unreachable } from './problem';

/** Prometheus's own API, which Mainstay speaks below this path. */
export const PROMETHEUS_BASE = '/prometheus';

export type Labels = Record<string, string>;

/** A value as Prometheus writes it: seconds since the epoch, and the number as text. */
export type Sample = [number, string];

export interface MatrixSeries {
  metric: Labels;
  values: Sample[];
}

export interface VectorSample {
  metric: Labels;
  value: Sample;
}

export type QueryResult =
  | { resultType: 'matrix'; result: MatrixSeries[] }
  | { resultType: 'vector'; result: VectorSample[] }
  | { resultType: 'scalar' | 'string'; result: Sample };

export async function queryInstant(query: string, timeS: number, signal?: AbortSignal): Promise<QueryResult> {
  return post('query', { query, time: String(timeS) }, signal);
}

export async function queryRange(
  query: string,
  window: { startS: number; endS: number; stepS: number },
  signal?: AbortSignal
): Promise<MatrixSeries[]> {
  const { startS, endS, stepS } = window;
  const range = { query, start: String(startS), end: String(endS), step: String(stepS) };
  const answer = await post('query_range', range, signal);
  return answer.resultType === 'matrix' ? answer.result : [];
}

async function post(path: string, form: Record<string, string>, signal?: AbortSignal): Promise<QueryResult> {
  const url = `${PROMETHEUS_BASE}/api/v1/${path}`;
  const response = await fetch(url, { method: 'POST', body: new URLSearchParams(form), signal }).catch((error) => {
    throw unreachable(error);
  });
  const body = await response.json().catch(() => null);
  if (response.status === 401) throw asProblem(body, response);
  if (body?.status !== 'success') {
    throw new RequestError({
      title: body?.errorType ?? 'The query failed',
      status: response.status,
      detail: body?.error ?? body?.detail ?? `The server answered ${response.status}.`
    });
  }
  return body.data;
}

/** `name{label="value"}`, as people write a series. */
export function seriesName(labels: Labels): string {
  const { __name__: name = '', ...rest } = labels;
  const pairs = Object.entries(rest).map(([key, value]) => `${key}="${value}"`);
  return pairs.length ? `${name}{${pairs.join(', ')}}` : name || '{}';
}
