// Buffers, addresses and texts as bytes, in the shapes of Node.
(function (host) {
  'use strict';

  /** Bytes as a text of as many characters, as the host takes them. */
  function packed(bytes) {
    let text = '';
    for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode.apply(null, bytes.subarray(at, at + 8192));
    return text;
  }

  class Buffer extends Uint8Array {
    static from(value, encoding) {
      if (typeof value === 'string') return Buffer.#own(host.bytes(value, encoding ?? 'utf8'));
      if (value instanceof ArrayBuffer) return new Buffer(value);
      if (value?.type === 'Buffer' && Array.isArray(value.data)) return new Buffer(value.data);
      return new Buffer(value);
    }
    static #own(bytes) { return new Buffer(bytes.buffer, bytes.byteOffset, bytes.length); }
    static alloc(size, fill = 0) { return new Buffer(size).fill(fill); }
    static allocUnsafe(size) { return new Buffer(size); }
    static isBuffer(value) { return value instanceof Buffer; }
    static byteLength(text, encoding) { return Buffer.from(text, encoding).length; }
    static concat(list) {
      const whole = new Buffer(list.reduce((length, part) => length + part.length, 0));
      let at = 0;
      for (const part of list) { whole.set(part, at); at += part.length; }
      return whole;
    }
    toString(encoding = 'utf8', start = 0, end = this.length) { return host.text(packed(this.subarray(start, end)), encoding); }
    toJSON() { return { type: 'Buffer', data: [...this] }; }
    equals(other) { return this.length === other.length && this.every((byte, index) => byte === other[index]); }
    slice(start, end) { return this.subarray(start, end); }
    write(text, at = 0) { const bytes = Buffer.from(text); this.set(bytes, at); return bytes.length; }
  }

  class TextEncoder {
    get encoding() { return 'utf-8'; }
    encode(text = '') { return host.bytes(String(text), 'utf8'); }
  }

  class TextDecoder {
    constructor(encoding = 'utf-8') { this.encoding = encoding; }
    decode(bytes = new Uint8Array()) { return host.text(packed(bytes instanceof Uint8Array ? bytes : new Uint8Array(bytes)), 'utf8'); }
  }

  class URLSearchParams {
    #pairs = [];
    #changed;
    constructor(init = '', changed = () => {}) {
      this.#changed = changed;
      if (typeof init === 'string') this.#pairs = querystring.pairs(init.replace(/^\?/, ''));
      else if (typeof init[Symbol.iterator] === 'function') this.#pairs = [...init].map(([name, value]) => [String(name), String(value)]);
      else this.#pairs = Object.entries(init).map(([name, value]) => [name, String(value)]);
    }
    get size() { return this.#pairs.length; }
    get(name) { return this.#pairs.find((pair) => pair[0] === name)?.[1] ?? null; }
    getAll(name) { return this.#pairs.filter((pair) => pair[0] === name).map((pair) => pair[1]); }
    has(name) { return this.#pairs.some((pair) => pair[0] === name); }
    append(name, value) { this.#pairs.push([String(name), String(value)]); this.#changed(this.toString()); }
    set(name, value) {
      const at = this.#pairs.findIndex((pair) => pair[0] === name);
      this.#pairs = this.#pairs.filter((pair, index) => pair[0] !== name || index === at);
      if (at < 0) this.#pairs.push([String(name), String(value)]); else this.#pairs[at][1] = String(value);
      this.#changed(this.toString());
    }
    delete(name) { this.#pairs = this.#pairs.filter((pair) => pair[0] !== name); this.#changed(this.toString()); }
    sort() { this.#pairs.sort((a, b) => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0)); this.#changed(this.toString()); }
    forEach(run) { for (const [name, value] of this.#pairs) run(value, name, this); }
    keys() { return this.#pairs.map((pair) => pair[0])[Symbol.iterator](); }
    values() { return this.#pairs.map((pair) => pair[1])[Symbol.iterator](); }
    entries() { return this.#pairs.map((pair) => [...pair])[Symbol.iterator](); }
    [Symbol.iterator]() { return this.entries(); }
    toString() {
      const write = (text) => encodeURIComponent(text).replace(/%20/g, '+').replace(/[!'()~]/g, (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`);
      return this.#pairs.map(([name, value]) => `${write(name)}=${write(value)}`).join('&');
    }
  }

  const PARTS = ['href', 'protocol', 'username', 'password', 'host', 'hostname', 'port', 'pathname', 'search', 'hash'];

  class URL {
    #parts;
    #query;
    constructor(address, base) { this.#take(host.url(String(address), base === undefined ? '' : String(base))); }
    static canParse(address, base) { try { return Boolean(new URL(address, base)); } catch { return false; } }
    #take(text) {
      this.#parts = JSON.parse(text);
      this.#query = undefined;
    }
    get origin() { return this.#parts.origin; }
    get searchParams() {
      return this.#query ??= new URLSearchParams(this.#parts.search, (search) => {
        this.#parts = JSON.parse(host.urlWith(this.href, 'search', search));
      });
    }
    toString() { return this.href; }
    toJSON() { return this.href; }
    static {
      for (const part of PARTS) {
        Object.defineProperty(this.prototype, part, {
          enumerable: true,
          get() { return this.#parts[part]; },
          set(value) { this.#take(host.urlWith(this.href, part, String(value))); },
        });
      }
    }
  }

  const querystring = {
    pairs(text) {
      const read = (part) => { try { return decodeURIComponent(part.replace(/\+/g, ' ')); } catch { return part; } };
      return text.split('&').filter(Boolean).map((pair) => {
        const at = pair.indexOf('=');
        return at < 0 ? [read(pair), ''] : [read(pair.slice(0, at)), read(pair.slice(at + 1))];
      });
    },
    parse(text) {
      const found = {};
      for (const [name, value] of querystring.pairs(String(text))) {
        if (Object.hasOwn(found, name)) found[name] = [].concat(found[name], value); else found[name] = value;
      }
      return found;
    },
    stringify(values) {
      const pairs = Object.entries(values ?? {}).flatMap(([name, value]) => [].concat(value).map((one) => [name, one]));
      return pairs.map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value ?? '')}`).join('&');
    },
    escape: encodeURIComponent,
    unescape: decodeURIComponent,
  };

  return { packed, Buffer, TextEncoder, TextDecoder, URL, URLSearchParams, querystring };
})
