import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Plugin } from 'vite';
import { respond } from './api.ts';
import { logLine, prometheus } from './telemetry.ts';

/** A server made of invented data, for looking at every page without Mainstay running. Development only. */
export function mockServer(): Plugin {
  return {
    name: 'mainstay-mock',
    configureServer: (server) => void server.middlewares.use(handle),
    configurePreviewServer: (server) => void server.middlewares.use(handle)
  };
}

function handle(request: IncomingMessage, response: ServerResponse, next: () => void) {
  const url = new URL(request.url ?? '/', 'http://mock');
  if (url.pathname.startsWith('/prometheus/api/v1/')) {
    void body(request).then((text) => {
      const form = new URLSearchParams(text || url.search);
      json(response, prometheus(url.pathname.slice('/prometheus/api/v1/'.length), form));
    });
  } else if (/^\/api\/(events\/stream|logs\/tail|runs\/[^/]+\/stream)$/.test(url.pathname)) {
    stream(url.pathname, request, response);
  } else if (url.pathname.startsWith('/api/')) {
    void body(request).then((text) => {
      const answer = respond(request.method ?? 'GET', url, text ? (JSON.parse(text) as Record<string, unknown>) : {});
      json(response, answer.body, answer.status);
    });
  } else {
    next();
  }
}

function json(response: ServerResponse, data: unknown, status = 200) {
  const type = status < 400 ? 'application/json' : 'application/problem+json';
  response.writeHead(status, { 'content-type': type }).end(data === undefined ? undefined : JSON.stringify(data));
}

function stream(path: string, request: IncomingMessage, response: ServerResponse) {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  response.write(': hello\n\n');
  let index = 0;
  const timer = setInterval(() => {
    if (path.endsWith('tail')) response.write(`event: log\ndata: ${JSON.stringify(logLine(index++, Date.now()))}\n\n`);
    else response.write(': still here\n\n');
  }, 500);
  request.on('close', () => clearInterval(timer));
}

async function body(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts).toString();
}
