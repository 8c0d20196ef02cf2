// One call of a script's function: its arguments are made from texts, and what it leaves is told in a text.
// Evaluates to a function of the host's functions; what it returns, the host calls.
(function (host) {
  'use strict';
  const calls = new Map();
  const bases = new Map();
  let functions = {};
  let current = null;

  // --- Timers. The host asks when the next is due, and runs what is due.

  const timers = new Map();
  let timersMade = 0;

  class Timeout {
    constructor(id) { this.id = id; }
    ref() { return this; }
    unref() { return this; }
    hasRef() { return true; }
    refresh() { return this; }
    [Symbol.toPrimitive]() { return this.id; }
  }

  function start(run, delay, values, repeats) {
    if (typeof run !== 'function') throw new TypeError('a timer needs a function');
    const id = ++timersMade;
    const after = Math.max(1, Number(delay) || 1);
    timers.set(id, { id, due: host.now() + after, every: repeats ? after : 0, run, values, call: current });
    return new Timeout(id);
  }

  function stop(timer) {
    timers.delete(timer instanceof Timeout ? timer.id : Number(timer));
  }

  /** Milliseconds until the next timer, or -1. */
  function nextDue() {
    let next = Infinity;
    for (const timer of timers.values()) next = Math.min(next, timer.due);
    return next === Infinity ? -1 : Math.max(0, next - host.now());
  }

  function runDue() {
    const now = host.now();
    const due = [...timers.values()].filter((timer) => timer.due <= now).sort((a, b) => a.due - b.due);
    for (const timer of due) {
      if (!timers.has(timer.id)) continue;
      if (timer.every) timer.due = now + timer.every; else timers.delete(timer.id);
      current = timer.call;
      try {
        timer.run(...timer.values);
      } catch (error) {
        if (timer.call && !timer.call.done) finish(timer.call, thrown(error)); else host.print(`uncaught: ${thrown(error)}`);
      }
      current = null;
    }
  }

  // --- What a function is given.

  /** What all users share: `plain` values at once, lists and objects when they are asked for. */
  function learnBase(key, plain, lists) {
    bases.set(key, { key, plain: JSON.parse(plain), lists: JSON.parse(lists), made: new Map() });
  }

  function forgetBases() {
    bases.clear();
  }

  function makeShared(call, name) {
    const { made } = call.base;
    if (!made.has(name)) made.set(name, JSON.parse(host.shared(call.base.key, name)));
    return made.get(name);
  }

  /** A variable that is made when it is first asked for. */
  function defer(call, name, make) {
    const settle = (value) => {
      call.deferred.delete(name);
      Object.defineProperty(call.vars, name, { value, writable: true, enumerable: true, configurable: true });
      return value;
    };
    call.deferred.add(name);
    Object.defineProperty(call.vars, name, {
      enumerable: true,
      configurable: true,
      get: () => settle(make()),
      set: settle,
    });
  }

  function makeVars(call) {
    call.vars = Object.assign({}, call.base.plain, call.own.plain);
    for (const name of call.base.lists) {
      if (!(name in call.own.plain) && !(name in call.own.lists)) defer(call, name, () => makeShared(call, name));
    }
    for (const name in call.own.lists) defer(call, name, () => JSON.parse(call.own.lists[name]));
  }

  const random = {
    $randomNumber: (low = 0, high = 1) => Math.floor(low + Math.random() * (high - low + 1)),
    $randomString(length = 10) {
      const letters = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';
      let text = '';
      while (text.length < length) text += letters[Math.floor(Math.random() * letters.length)];
      return text;
    },
  };

  function makeContext(call, kept) {
    call.funcs = Object.create(random);
    const known = { vars: call.vars, funcs: call.funcs, scenario: { name: call.own.scenario }, _uid: call.own.plain.$uuid };
    return Object.assign(kept === '' ? {} : JSON.parse(kept), known);
  }

  function makeResponse(call, text) {
    const response = JSON.parse(text);
    let body;
    Object.defineProperty(response, 'body', {
      enumerable: true,
      configurable: true,
      get: () => (body === undefined ? (body = host.body(call.id)) : body),
      set: (value) => { body = value; },
    });
    response.request = { method: call.params.method, url: call.params.url, headers: call.params.headers };
    return response;
  }

  class Events {
    #call;
    constructor(call) { this.#call = call; }
    emit(kind, name, value) {
      const emitted = this.#call.emitted;
      if (emitted.length >= EMITTED_MAX) throw new Error(`a call may emit at most ${EMITTED_MAX} metrics`);
      switch (kind) {
        case 'counter': emitted.push(['counter', String(name), number(name, value)]); break;
        case 'histogram': case 'summary': emitted.push(['histogram', String(name), number(name, value)]); break;
        case 'customStat': emitted.push(['histogram', String(name.stat), number(name.stat, name.value)]); break;
        case 'rate': emitted.push(['rate', String(name), 1]); break;
        case 'error': emitted.push(['counter', `errors.${name}`, 1]); break;
        default: throw new Error(`the event "${kind}" has no meaning here: emit counter, histogram, rate or error`);
      }
      return true;
    }
    on(event) { throw new Error(`functions cannot listen for events (here "${event}")`); }
    once(event) { this.on(event); }
    addListener(event) { this.on(event); }
  }

  function number(name, value) {
    const amount = value === undefined ? 1 : Number(value);
    if (!Number.isFinite(amount)) throw new TypeError(`the metric "${name}" needs a number, not ${value}`);
    return amount;
  }

  const EMITTED_MAX = 1000;

  // --- The call.

  const BEFORE_REQUEST = 0, AFTER_RESPONSE = 1, STEP = 2, WHILE_TRUE = 3, IF_TRUE = 4, ON_ERROR = 5;

  /** What the function has left behind, or null if it is not done. */
  function begin([id, kind, base], name, own, kept, params, response) {
    const call = { id, done: false, error: null, answer: undefined, emitted: [], deferred: new Set(), base: bases.get(base), own: JSON.parse(own), kept, paramsText: params };
    calls.set(id, call);
    makeVars(call);
    call.context = makeContext(call, kept);
    if (params !== '') call.params = JSON.parse(params);
    const answers = kind === WHILE_TRUE || kind === IF_TRUE;
    const done = answers ? (answer) => finish(call, null, answer) : (error) => finish(call, error ? reported(error) : null);
    current = call;
    try {
      const given = listArguments(call, kind, response);
      const result = functions[name](...given, done);
      settle(call, result, answers, functions[name].length > given.length);
    } catch (error) {
      finish(call, thrown(error));
    }
    current = null;
    return call.done ? collect(call) : null;
  }

  function listArguments(call, kind, response) {
    const { params, context } = call;
    const events = new Events(call);
    switch (kind) {
      case BEFORE_REQUEST: return [params, context, events];
      case AFTER_RESPONSE: return [params, makeResponse(call, response), context, events];
      case WHILE_TRUE: return [context];
      case ON_ERROR: return [new Error(response), params, context, events];
      case IF_TRUE:
        // Artillery passes the variables themselves; a function written for a context works too.
        if (!('vars' in call.vars)) Object.defineProperty(call.vars, 'vars', { value: call.vars, configurable: true });
        return [call.vars];
      case STEP: default: return [context, events];
    }
  }

  /** A promise ends a call, and so does an answer, or the return of a function that cannot say `done`. */
  function settle(call, result, answers, saysDone) {
    if (result !== null && typeof result === 'object' && typeof result.then === 'function') {
      result.then((value) => finish(call, null, value), (error) => finish(call, thrown(error)));
    } else if (!saysDone || (answers && result !== undefined)) {
      finish(call, null, result);
    }
  }

  function finish(call, error, answer) {
    if (call.done) return;
    call.done = true;
    call.error = error;
    call.answer = answer;
  }

  function outcome(id) {
    const call = calls.get(id);
    return call && call.done ? collect(call) : null;
  }

  function forget(id) {
    calls.delete(id);
    for (const timer of timers.values()) if (timer.call && timer.call.id === id) timers.delete(timer.id);
  }

  // --- What it has left behind.

  /** An empty text if nothing. */
  function collect(call) {
    calls.delete(call.id);
    if (call.error !== null) return JSON.stringify({ error: call.error });
    try {
      const parts = [];
      const set = changedVars(call);
      if (set.length) parts.push(`"set":{${set.join(',')}}`);
      const removed = removedVars(call);
      if (removed.length) parts.push(`"removed":${JSON.stringify(removed)}`);
      if (call.params !== undefined) {
        const text = JSON.stringify(call.params);
        if (text !== call.paramsText) parts.push(`"params":${text}`);
      }
      const kept = keptText(call);
      if (kept !== call.kept) parts.push(`"kept":${kept === '' ? '{}' : kept}`);
      if (call.emitted.length) parts.push(`"emitted":${JSON.stringify(call.emitted)}`);
      if (call.answer) parts.push('"answer":true');
      return parts.length ? `{${parts.join(',')}}` : '';
    } catch (error) {
      return JSON.stringify({ error: thrown(error) });
    }
  }

  function changedVars(call) {
    const { vars, own, base } = call;
    const changed = [];
    for (const name of Object.keys(vars)) {
      if (call.deferred.has(name)) continue;
      const value = vars[name];
      if (value !== null && typeof value === 'object') {
        if (base.made.size && base.made.get(name) === value) continue;
        const text = asText(`context.vars.${name}`, value);
        if (own.lists[name] !== text) changed.push(`${JSON.stringify(name)}:${text}`);
      } else if (value !== undefined) {
        const known = Object.hasOwn(own.plain, name) ? own.plain : base.plain;
        if (!Object.hasOwn(known, name) || known[name] !== value) changed.push(`${JSON.stringify(name)}:${asText(`context.vars.${name}`, value)}`);
      }
    }
    return changed;
  }

  function removedVars({ vars, own, base, deferred }) {
    const gone = (name) => !deferred.has(name) && vars[name] === undefined;
    return [...Object.keys(base.plain), ...Object.keys(own.plain), ...Object.keys(own.lists), ...base.lists].filter(gone);
  }

  function keptText({ context, funcs }) {
    const added = Object.keys(funcs);
    if (added.length) throw new Error(`context.funcs.${added[0]}: templates cannot call functions of a script; set a variable instead`);
    let kept = '';
    for (const name of Object.keys(context)) {
      if (name === 'vars' || name === 'funcs' || name === 'scenario' || name === '_uid' || context[name] === undefined) continue;
      kept += `${kept === '' ? '{' : ','}${JSON.stringify(name)}:${asText(`context.${name}`, context[name])}`;
    }
    return kept === '' ? '' : `${kept}}`;
  }

  /** Values live on between calls as JSON; what would be lost is refused. */
  function asText(place, value) {
    const text = JSON.stringify(value, (key, part) => {
      const kind = typeof part;
      if (kind === 'function' || kind === 'symbol' || part instanceof Map || part instanceof Set || part instanceof Promise) {
        const what = kind === 'object' ? part.constructor.name : kind;
        throw new TypeError(`${place}${key === '' ? '' : ` (${key})`} holds a ${what}, which cannot be kept between calls`);
      }
      return part;
    });
    return text === undefined ? 'null' : text;
  }

  /** As Artillery counts what a function reports: its code, or its message. */
  function reported(error) {
    return typeof error === 'object' ? String(error.code ?? error.message ?? JSON.stringify(error)) : String(error);
  }

  function thrown(error) {
    if (!(error instanceof Error)) return reported(error ?? 'a promise was rejected');
    const place = /\(?([^\s()]+:\d+)\)?\s*$/m.exec(error.stack ?? '');
    const name = error.name === 'Error' ? '' : `${error.name}: `;
    return `${name}${error.message}${place && !place[1].startsWith('mainstay:') ? ` (${place[1]})` : ''}`;
  }

  /** The names of the functions that a module exports. */
  function install(exported) {
    functions = Object.assign({}, exported.default ?? {}, exported);
    return Object.keys(functions).filter((name) => typeof functions[name] === 'function');
  }

  return { begin, outcome, forget, nextDue, runDue, learnBase, forgetBases, install, start, stop, thrown };
})
