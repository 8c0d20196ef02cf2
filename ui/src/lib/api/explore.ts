import { answer, client } from './client';
import type { LogHistogram, Logs, Table, TableSchema, Trace, TraceSummary } from './types';

export interface LogFilter {
  service?: string;
  severity?: string;
  contains?: string;
  trace_id?: string;
}

export interface LogQuery extends LogFilter {
  start: string;
  end: string;
  limit?: number;
}

export interface TraceQuery {
  start: string;
  end: string;
  service?: string;
  operation?: string;
  min_duration_ms?: number;
  max_duration_ms?: number;
  errors?: boolean;
  limit?: number;
}

export const runSql = (sql: string, limit?: number): Promise<Table> =>
  answer(client.POST('/api/query', { body: { sql, limit } }));

export const listTables = (): Promise<TableSchema[]> => answer(client.GET('/api/tables'));

export const searchLogs = (query: LogQuery): Promise<Logs> =>
  answer(client.GET('/api/logs', { params: { query } }));

export const getLogHistogram = (query: LogQuery): Promise<LogHistogram> =>
  answer(client.GET('/api/logs/histogram', { params: { query } }));

export const searchTraces = (query: TraceQuery): Promise<TraceSummary[]> =>
  answer(client.GET('/api/traces', { params: { query } }));

export const getTrace = (id: string): Promise<Trace> =>
  answer(client.GET('/api/traces/{id}', { params: { path: { id } } }));
