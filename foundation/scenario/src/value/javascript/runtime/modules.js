// Node's modules, as far as scripts need them, and `require`.
(function (host, calls, bytes) {
  'use strict';
  const { packed, Buffer, TextEncoder, TextDecoder, URL, URLSearchParams, querystring } = bytes;

  const inspect = (value, depth = 0) => {
    if (typeof value === 'string') return depth === 0 ? value : `'${value}'`;
    if (value instanceof Error) return value.stack ? `${value}\n${value.stack.trimEnd()}` : String(value);
    if (typeof value === 'function') return `[Function: ${value.name || 'anonymous'}]`;
    if (value === null || typeof value !== 'object') return String(value);
    if (depth > 4) return Array.isArray(value) ? '[Array]' : '[Object]';
    if (value instanceof Date) return value.toISOString();
    if (value instanceof Map || value instanceof Set) return `${value.constructor.name} ${inspect([...value], depth + 1)}`;
    if (Array.isArray(value)) return value.length ? `[ ${value.map((part) => inspect(part, depth + 1)).join(', ')} ]` : '[]';
    const fields = Object.entries(value).map(([name, part]) => `${name}: ${inspect(part, depth + 1)}`);
    return fields.length ? `{ ${fields.join(', ')} }` : '{}';
  };

  const format = (first, ...rest) => {
    if (typeof first !== 'string') return [first, ...rest].map((value) => inspect(value)).join(' ');
    const text = first.replace(/%[sdifjoO%]/g, (sign) => {
      if (sign === '%%') return '%';
      if (!rest.length) return sign;
      const value = rest.shift();
      if (sign === '%s') return typeof value === 'object' ? inspect(value) : String(value);
      if (sign === '%d' || sign === '%f') return String(Number(value));
      if (sign === '%i') return String(Math.trunc(Number(value)));
      return sign === '%j' ? JSON.stringify(value) : inspect(value, 1);
    });
    return [text, ...rest.map((value) => inspect(value))].join(' ');
  };

  const print = (...values) => host.print(format(...values));
  const console = { log: print, info: print, warn: print, error: print, debug: print, dir: print, trace: print, table: print, assert: (truth, ...rest) => truth || print('Assertion failed', ...rest), group: print, groupEnd() {}, time() {}, timeEnd() {} };

  const promisify = (run) => (...values) => new Promise((resolve, reject) => run(...values, (error, result) => (error ? reject(error) : resolve(result))));

  const util = { inspect, format, promisify, inherits: (child, parent) => Object.setPrototypeOf(child.prototype, parent.prototype), isArray: Array.isArray, deprecate: (run) => run, isDeepStrictEqual: (a, b) => same(a, b), TextEncoder, TextDecoder };

  function same(a, b) {
    if (Object.is(a, b)) return true;
    if (a === null || b === null || typeof a !== 'object' || typeof b !== 'object') return false;
    const names = Object.keys(a);
    return names.length === Object.keys(b).length && names.every((name) => Object.hasOwn(b, name) && same(a[name], b[name]));
  }

  const asBytes = (data, encoding) => (typeof data === 'string' ? Buffer.from(data, encoding) : data);
  class Hash {
    #parts = [];
    #digest;
    constructor(digest) { this.#digest = digest; }
    update(data, encoding) { this.#parts.push(asBytes(data, encoding)); return this; }
    digest(encoding) {
      const bytes = Buffer.from(this.#digest(Buffer.concat(this.#parts)));
      return encoding ? bytes.toString(encoding) : bytes;
    }
  }

  const randomBytes = (count, done) => {
    const bytes = Buffer.from(host.random(count));
    return done ? void calls.start(done, 0, [null, bytes]) : bytes;
  };
  const crypto = {
    createHash: (name) => new Hash((data) => host.digest(String(name), packed(data))),
    createHmac: (name, key) => new Hash((data) => host.hmac(String(name), packed(asBytes(key)), packed(data))),
    randomBytes,
    randomUUID: () => host.uuid(),
    randomInt: (low, high) => (high === undefined ? Math.floor(Math.random() * low) : Math.floor(low + Math.random() * (high - low))),
    getRandomValues: (array) => { const bytes = host.random(array.byteLength); new Uint8Array(array.buffer, array.byteOffset, array.byteLength).set(bytes); return array; },
    timingSafeEqual: (a, b) => Buffer.from(a).equals(Buffer.from(b)),
  };

  const path = {
    sep: '/', delimiter: ':',
    normalize(text) {
      const parts = [];
      for (const part of text.split('/')) {
        if (part === '' || part === '.') continue;
        if (part === '..' && parts.length && parts.at(-1) !== '..') parts.pop();
        else if (part !== '..' || !text.startsWith('/')) parts.push(part);
      }
      return (text.startsWith('/') ? '/' : '') + parts.join('/') || '.';
    },
    join: (...parts) => path.normalize(parts.filter(Boolean).join('/')),
    resolve: (...parts) => parts.reduce((whole, part) => (part.startsWith('/') ? path.normalize(part) : path.join(whole, part)), host.folder),
    isAbsolute: (text) => text.startsWith('/'),
    dirname(text) { const at = text.replace(/\/+$/, '').lastIndexOf('/'); return at < 0 ? '.' : at === 0 ? '/' : text.slice(0, at); },
    basename(text, ending = '') { const name = text.replace(/\/+$/, '').split('/').at(-1); return ending && name.endsWith(ending) ? name.slice(0, -ending.length) : name; },
    extname(text) { const name = path.basename(text); const at = name.lastIndexOf('.'); return at <= 0 ? '' : name.slice(at); },
    relative(from, to) {
      const a = path.resolve(from).split('/'), b = path.resolve(to).split('/');
      while (a.length && b.length && a[0] === b[0]) { a.shift(); b.shift(); }
      return [...a.map(() => '..'), ...b].join('/');
    },
    parse(text) { const base = path.basename(text), ext = path.extname(text); return { root: text.startsWith('/') ? '/' : '', dir: path.dirname(text), base, ext, name: path.basename(text, ext) }; },
  };
  path.posix = path;

  const encodingOf = (options) => (typeof options === 'string' ? options : options?.encoding);
  const readFileSync = (file, options) => {
    const content = Buffer.from(host.read(String(file)));
    const encoding = encodingOf(options);
    return encoding ? content.toString(encoding) : content;
  };
  const readFile = async (file, options) => readFileSync(file, options);
  const fs = {
    readFileSync,
    existsSync: (file) => host.exists(String(file)),
    readFile: (file, ...rest) => { const done = rest.pop(); readFile(file, rest[0]).then((content) => done(null, content), done); },
    promises: { readFile },
  };

  class EventEmitter {
    #listeners = new Map();
    on(event, run) { this.#listeners.set(event, [...(this.#listeners.get(event) ?? []), run]); return this; }
    once(event, run) { const once = (...values) => { this.off(event, once); run(...values); }; return this.on(event, once); }
    off(event, run) { this.#listeners.set(event, (this.#listeners.get(event) ?? []).filter((one) => one !== run)); return this; }
    emit(event, ...values) { const listeners = this.#listeners.get(event) ?? []; listeners.forEach((run) => run.apply(this, values)); return listeners.length > 0; }
    removeListener(event, run) { return this.off(event, run); }
    addListener(event, run) { return this.on(event, run); }
  }
  EventEmitter.EventEmitter = EventEmitter;

  class AssertionError extends Error { get name() { return 'AssertionError'; } }
  const assert = (truth, message) => { if (!truth) throw message instanceof Error ? message : new AssertionError(message ?? 'the assertion is not true'); };
  const compare = (fits, sign) => (a, b, message) => assert(fits(a, b), message ?? `${inspect(a, 1)} ${sign} ${inspect(b, 1)}`);
  Object.assign(assert, { ok: assert, equal: compare((a, b) => a == b, '=='), notEqual: compare((a, b) => a != b, '!='), strictEqual: compare(Object.is, '==='), notStrictEqual: compare((a, b) => !Object.is(a, b), '!=='), deepEqual: compare(same, 'is as'), deepStrictEqual: compare(same, 'is as'), fail: (message) => assert(false, message), match: (text, pattern, message) => assert(pattern.test(text), message ?? `${inspect(text, 1)} does not match ${pattern}`), throws, AssertionError });
  assert.strict = assert;

  function throws(run, expected) {
    try {
      run();
    } catch (error) {
      if (expected instanceof RegExp) assert.match(String(error), expected);
      return;
    }
    assert(false, 'nothing was thrown');
  }

  const parseUrl = (text, asQuery) => {
    const base = new URL(text, 'relative://none');
    const known = base.protocol !== 'relative:';
    const of = (value) => (known && value ? value : null);
    const query = base.search.replace(/^\?/, '');
    return { protocol: of(base.protocol), slashes: known, auth: of(base.username), host: of(base.host), port: of(base.port), hostname: of(base.hostname), hash: base.hash || null, search: base.search || null, query: asQuery ? querystring.parse(query) : query || null, pathname: base.pathname, path: base.pathname + base.search, href: known ? base.href : text };
  };
  const formatUrl = (parts) => (parts instanceof URL ? parts.href : `${parts.protocol ? `${parts.protocol.replace(/:?$/, ':')}//` : ''}${parts.host ?? (parts.hostname ?? '') + (parts.port ? `:${parts.port}` : '')}${parts.pathname ?? ''}${parts.search ?? (parts.query ? `?${querystring.stringify(parts.query)}` : '')}${parts.hash ?? ''}`);

  const setTimeout = (run, delay, ...values) => calls.start(run, delay, values, false);
  const setInterval = (run, delay, ...values) => calls.start(run, delay, values, true);
  const setImmediate = (run, ...values) => calls.start(run, 0, values, false);
  const timers = { setTimeout, setInterval, setImmediate, clearTimeout: calls.stop, clearInterval: calls.stop, clearImmediate: calls.stop };
  const performance = { now: () => host.now(), timeOrigin: Date.now() - host.now() };
  const hrtime = (since = [0, 0]) => { const ns = Math.round(host.now() * 1e6) - since[0] * 1e9 - since[1]; return [Math.floor(ns / 1e9), ns % 1e9]; };
  hrtime.bigint = () => BigInt(Math.round(host.now() * 1e6));
  const process = { env: JSON.parse(host.environment), argv: ['mainstay'], platform: 'linux', version: 'v20.0.0', versions: { node: '20.0.0' }, pid: 1, cwd: () => host.folder, nextTick: (run, ...values) => queueMicrotask(() => run(...values)), hrtime, uptime: () => host.now() / 1000, memoryUsage: () => ({ heapUsed: 0, rss: 0 }), on() { return process; }, once() { return process; }, emitWarning: print };

  const refused = (name) => () => { throw new Error(`\`${name}\` is not available to functions of a script; send requests as steps of the flow`); };

  const builtin = { assert, buffer: { Buffer }, console, crypto, events: EventEmitter, fs, 'fs/promises': fs.promises, path, 'path/posix': path, perf_hooks: { performance }, process, querystring: { parse: querystring.parse, stringify: querystring.stringify, escape: querystring.escape, unescape: querystring.unescape, decode: querystring.parse, encode: querystring.stringify }, timers, 'timers/promises': { setTimeout: (delay, value) => new Promise((resolve) => setTimeout(resolve, delay, value)) }, url: { URL, URLSearchParams, parse: parseUrl, format: formatUrl, resolve: (from, to) => new URL(to, from).href, fileURLToPath: (url) => new URL(url).pathname, pathToFileURL: (file) => new URL(`file://${file}`) }, util };

  /** What a module does not have is named, rather than undefined. */
  const guarded = new Map();
  function guard(name) {
    if (!guarded.has(name)) {
      guarded.set(name, new Proxy(builtin[name], {
        get(module, key) {
          if (key in module || typeof key === 'symbol' || key === 'then' || key === 'default' || key === '__esModule' || key === 'toJSON') return module[key];
          throw new Error(`\`${name}.${key}\` is not available to functions of a script`);
        },
      }));
    }
    return guarded.get(name);
  }

  /** One of Node's modules that there is. */
  function known(specifier) {
    const name = specifier.replace(/^node:/, '');
    return Object.hasOwn(builtin, name) ? name : '';
  }

  const loaded = new Map();
  function load(file) {
    if (!loaded.has(file)) {
      const module = { exports: {}, filename: file, id: file, loaded: false };
      loaded.set(file, module);
      try {
        if (file.endsWith('.json')) module.exports = JSON.parse(host.source(file));
        else host.compile(file).call(module.exports, module.exports, requireFrom(path.dirname(file)), module, file, path.dirname(file));
      } catch (error) {
        loaded.delete(file);
        throw error;
      }
      module.loaded = true;
    }
    return loaded.get(file).exports;
  }

  function requireFrom(folder) {
    const require = (specifier) => (known(specifier) ? guard(known(specifier)) : load(host.resolve(folder, String(specifier))));
    require.resolve = (specifier) => (known(specifier) ? specifier : host.resolve(folder, String(specifier)));
    return require;
  }

  /** The text of an ES module that passes on what another module exports. */
  function bridge(specifier) {
    const name = known(specifier);
    const names = Object.keys(name ? builtin[name] : load(specifier)).filter((key) => /^[A-Za-z_$][\w$]*$/.test(key) && !['default', 'arguments', 'eval'].includes(key) && !RESERVED.has(key));
    const from = name ? `__mainstay.guard(${JSON.stringify(name)})` : `__mainstay.load(${JSON.stringify(specifier)})`;
    return `const it = ${from};\nexport default it;\n${names.map((key) => `export const ${key} = it.${key};`).join('\n')}`;
  }
  const RESERVED = new Set('await break case catch class const continue debugger delete do else enum export extends false finally for function if implements import in instanceof interface it let new null package private protected public return static super switch this throw true try typeof var void while with yield'.split(' '));

  const globals = { console, ...timers, Buffer, TextEncoder, TextDecoder, URL, URLSearchParams, process, performance, crypto, global: globalThis, fetch: refused('fetch'), XMLHttpRequest: refused('XMLHttpRequest'), WebSocket: refused('WebSocket'), atob: (text) => Buffer.from(text, 'base64').toString('latin1'), btoa: (text) => Buffer.from(text, 'latin1').toString('base64'), structuredClone: (value) => (value === undefined ? undefined : JSON.parse(JSON.stringify(value))) };
  for (const [name, value] of Object.entries(globals)) Object.defineProperty(globalThis, name, { value, writable: true, configurable: true });

  return { load, guard, known, bridge };
})
