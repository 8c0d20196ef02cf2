import type { GoldenSignals, LogHistogram, LogLine, ServiceMap, Table, TableSchema, Trace, TraceSummary } from '../../src/lib/api/types.ts';

/** The same noise for the same input, so that pictures can be compared. */
const noise = (seed: number): number => {
  const value = Math.sin(seed * 12.9898) * 43758.5453;
  return value - Math.floor(value);
};

/** The fault began so long ago. */
const FAULT_S = 300;

export function signals(service: string, startS: number, endS: number): GoldenSignals {
  const step_s = Math.max(5, Math.ceil((endS - startS) / 120));
  const time_s = Array.from({ length: 120 }, (_, index) => startS + index * step_s).filter((at) => at <= endS);
  const bad = (at: number) => service === 'orders' && Date.now() / 1e3 - at < FAULT_S;
  const rate = time_s.map((at) => 12 + 3 * Math.sin(at / 400) + noise(at));
  return {
    service, step_s, time_s, rate,
    errors: time_s.map((at, index) => (bad(at) ? rate[index]! * 0.31 : noise(at + 1) < 0.06 ? 0.2 : 0)),
    p50_ms: time_s.map((at) => 14 + 3 * noise(at + 2)),
    p95_ms: time_s.map((at) => (bad(at) ? 410 : 48) + 10 * noise(at + 3)),
    p99_ms: time_s.map((at) => (bad(at) ? 900 : 90) + 25 * noise(at + 4))
  };
}

export const serviceMap: ServiceMap = {
  nodes: [
    { service: 'web', component: 'component:default/web', impact: 'high', alarm_state: 'pending', rate: 24.2, error_ratio: 0.11, p95_ms: 1210 },
    { service: 'orders', component: 'component:default/orders', impact: 'critical', alarm_state: 'firing', rate: 12.1, error_ratio: 0.314, p95_ms: 412 },
    { service: 'worker', component: 'component:default/worker', impact: 'medium', alarm_state: 'inactive', rate: 8.3, error_ratio: 0, p95_ms: 62 },
    { service: 'catalog', component: null, impact: null, alarm_state: null, rate: 20.5, error_ratio: 0.001, p95_ms: 9 },
    { service: 'mainstay', component: null, impact: null, alarm_state: null, rate: 3.2, error_ratio: 0, p95_ms: 4 }
  ],
  edges: [
    { from: 'web', to: 'orders', rate: 12.1, error_ratio: 0.314, p95_ms: 420, asynchronous: false },
    { from: 'web', to: 'catalog', rate: 20.5, error_ratio: 0.001, p95_ms: 11, asynchronous: false },
    { from: 'orders', to: 'worker', rate: 8.3, error_ratio: 0, p95_ms: 70, asynchronous: true },
    { from: 'worker', to: 'orders', rate: 1.1, error_ratio: 0, p95_ms: 20, asynchronous: false }
  ]
};

const BODIES: [string, string, string][] = [
  ['INFO', 'web', 'GET /products 200 in 12 ms'],
  ['INFO', 'orders', 'order 8812 accepted, 3 items'],
  ['ERROR', 'orders', 'reserve stock failed: connection refused (os error 111) while calling inventory at 127.0.0.1:9911; giving up after 3 attempts'],
  ['DEBUG', 'worker', 'took 4 messages from the queue'],
  ['WARN', 'web', 'checkout took 1.4 s, longer than 800 ms'],
  ['INFO', 'worker', 'shipped order 8790']
];

export const traceId = (index: number): string => (index + 1).toString(16).padStart(4, '0').repeat(8);

export function logLine(index: number, timeMs: number): LogLine {
  const [severity, service, body] = BODIES[Math.floor(noise(index) * BODIES.length)]!;
  return {
    time: new Date(timeMs).toISOString().replace('Z', '123456Z'), service, severity, body, trace_id: index % 3 ? traceId(index % 40) : null, span_id: index % 3 ? 'a1b2c3d4e5f60001' : null,
    attributes: { 'http.request.method': 'POST', 'code.function': 'orders::reserve', order: { id: 8800 + index, items: [1, 2, 3] } },
    resource: { 'service.name': service, 'service.instance.id': `${service}-1`, 'telemetry.sdk.language': 'rust' }
  };
}

export function logs(startMs: number, endMs: number, limit: number): LogLine[] {
  const count = Math.min(limit, 180);
  return Array.from({ length: count }, (_, index) => logLine(index, endMs - 500 - ((endMs - startMs) * index) / 400));
}

export function histogram(startS: number, endS: number): LogHistogram {
  const step_s = Math.max(1, Math.ceil((endS - startS) / 60));
  const time_s = Array.from({ length: 60 }, (_, index) => startS + index * step_s);
  const late = (at: number) => Date.now() / 1e3 - at < FAULT_S;
  return {
    step_s, time_s,
    series: [
      { severity: 'ERROR', counts: time_s.map((at) => (late(at) ? 120 : 2) + Math.round(9 * noise(at))) },
      { severity: 'INFO', counts: time_s.map((at) => 300 + Math.round(60 * noise(at + 1))) },
      { severity: 'WARN', counts: time_s.map((at) => 20 + Math.round(20 * noise(at + 2))) },
      { severity: 'DEBUG', counts: time_s.map((at) => 80 + Math.round(20 * noise(at + 3))) }
    ]
  };
}

export function traces(startMs: number, endMs: number): TraceSummary[] {
  return Array.from({ length: 120 }, (_, index) => {
    const start = endMs - (endMs - startMs) * noise(index + 50);
    const errors = noise(index) < 0.15 ? 2 : 0;
    return {
      trace_id: traceId(index), start_time: new Date(start).toISOString(), duration_ms: 8 * 10 ** (noise(index + 7) * 2) * (errors ? 4 : 1), root_service: 'web', root_name: index % 2 ? 'POST /checkout' : 'GET /products',
      spans: 9, errors, services: index % 2 ? ['web', 'orders', 'worker'] : ['web', 'catalog']
    };
  });
}

export function trace(id: string): Trace {
  const t0 = Date.now() - 60_000;
  let next = 1;
  const span = (parent: string | null, service: string, name: string, kind: string, at: number, duration_ms: number, status = 'unset'): Trace['spans'][number] => ({
    span_id: `a1b2c3d4e5f6${String(next++).padStart(4, '0')}`, parent_span_id: parent, service, name, kind, status, status_message: status === 'error' ? 'connection refused (os error 111)' : null,
    start_time: new Date(t0 + at).toISOString(), duration_ms,
    attributes: { 'http.request.method': 'POST', 'http.route': '/checkout', 'http.response.status_code': status === 'error' ? 500 : 200 }, resource: { 'service.name': service, 'service.version': '1.4.2' },
    events: status === 'error' ? [{ time: new Date(t0 + at + 2).toISOString(), name: 'exception', attributes: { 'exception.type': 'IoError', 'exception.message': 'connection refused' } }] : [], links: []
  });
  const root = span(null, 'web', 'POST /checkout', 'server', 0, 412, 'error');
  const call = span(root.span_id, 'web', 'POST orders', 'client', 6, 398, 'error');
  const order = span(call.span_id, 'orders', 'POST /orders', 'server', 9, 391, 'error');
  const reserve = [0, 1, 2].map((attempt) => span(order.span_id, 'orders', `reserve stock, attempt ${attempt + 1}`, 'client', 20 + attempt * 120, 104, 'error'));
  const publish = span(order.span_id, 'orders', 'publish order.failed', 'producer', 386, 3);
  const consume = span(publish.span_id, 'worker', 'process order.failed', 'consumer', 396, 60);
  const mail = span(consume.span_id, 'worker', 'write apology', 'internal', 400, 51);
  const orphan = span('ffffffffffffffff', 'catalog', 'GET /stock', 'server', 30, 4);
  return { trace_id: id, spans: [root, call, order, ...reserve, orphan, publish, consume, mail] };
}

export function prometheus(path: string, form: URLSearchParams): unknown {
  const services = ['web', 'orders', 'worker'];
  const names = ['http_server_request_duration_seconds_count', 'http_server_request_duration_seconds_bucket', 'shop_queue_depth', 'up'];
  const label = (name: string) => (name === '__name__' ? names : name === 'service_name' ? services : ['a', 'b']);
  const query = form.get('query') ?? '';
  if (query.includes('((')) return { status: 'error', errorType: 'bad_data', error: 'invalid parameter "query": 1:2: parse error: unclosed left parenthesis' };
  const value = (service: string, at: number) => (service === 'orders' && Date.now() / 1e3 - at < FAULT_S ? 0.31 : 0.02) + noise(at + service.length) / 40;
  const valueOf = (metric: Record<string, string>, at: number) => (query.includes('probe_success') ? Number(noise(at) < 0.95) : value(metric.service_name ?? metric.location ?? '', at));
  const metrics: Record<string, string>[] = query.includes('nothing') ? [] : query.includes('by (location)') ? ['server', 'frankfurt'].map((location) => ({ location })) : services.map((service_name) => ({ service_name }));
  if (path === 'query_range') {
    const [start, end, step] = ['start', 'end', 'step'].map((key) => Number(form.get(key))) as [number, number, number];
    const times = Array.from({ length: Math.floor((end - start) / step) + 1 }, (_, index) => start + index * step);
    return ok({ resultType: 'matrix', result: metrics.map((metric) => ({ metric, values: times.map((at) => [at, String(valueOf(metric, at))]) })) });
  }
  if (path === 'query') {
    const at = Number(form.get('time'));
    return ok({ resultType: 'vector', result: metrics.map((metric) => ({ metric, value: [at, String(valueOf(metric, at))] })) });
  }
  if (path === 'labels') return ok(['__name__', 'service_name', 'status', 'le']);
  if (path === 'series') return ok(services.map((service_name) => ({ __name__: names[0], service_name, status: '200' })));
  if (path === 'metadata') return ok({ http_server_request_duration_seconds: [{ type: 'histogram', help: 'Duration of HTTP server requests.', unit: 's' }] });
  const values = /^label\/(.+)\/values$/.exec(path);
  return ok(values ? label(decodeURIComponent(values[1]!)) : {});
}

const ok = (data: unknown) => ({ status: 'success', data });

export function sqlTable(): Table {
  const now = Date.now();
  return {
    columns: [{ name: 'minute', type: 'timestamp' }, { name: 'service', type: 'text' }, { name: 'records', type: 'integer' }, { name: 'sample', type: 'json' }],
    rows: Array.from({ length: 40 }, (_, index) => [new Date(now - Math.floor(index / 2) * 6e4).toISOString(), index % 2 ? 'web' : 'orders', Math.round(200 + 90 * noise(index)), { k: index }]),
    truncated: false
  };
}

export const tables: TableSchema[] = [
  { name: 'logs', description: 'Log records.', columns: [{ name: 'time', type: 'timestamp', description: 'When it happened.' }, { name: 'service', type: 'text', description: 'service.name of the sender.' }, { name: 'body', type: 'text', description: 'The record.' }] },
  { name: 'spans', description: 'Spans of traces.', columns: [{ name: 'start_time', type: 'timestamp', description: 'When it began.' }, { name: 'duration_ns', type: 'integer', description: 'Nanoseconds.' }] },
  { name: 'ops.incidents', description: 'Incidents.', columns: [{ name: 'id', type: 'text', description: 'INC-1' }] }
];
