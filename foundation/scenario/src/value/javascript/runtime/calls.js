// One call of a script's function: its arguments are made from texts, and what it leaves is told in a text.
// Evaluates to a function of the host's functions; what it returns, the host calls.
(function (host) {
  'use strict';
  const calls = new Map();
  const bases = new Map();
  let functions = {};
  let current = null;

  // --- Timers. Each belongs to the call that started it, or to nobody; the host asks when a call's next is due,
  // and runs what is due.

  const nobody = { timers: new Map(), done: true };
  const owners = new Map();
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
    if (owners.size >= TIMERS_MAX) throw new Error(`there are more than ${TIMERS_MAX} timers`);
    const id = ++timersMade;
    const after = Math.max(1, Number(delay) || 1);
    const owner = current ?? nobody;
    owner.timers ??= new Map();
    owner.timers.set(id, { id, due: host.now() + after, every: repeats ? after : 0, run, values });
    owners.set(id, owner);
    return new Timeout(id);
  }

  function stop(timer) {
    const id = timer instanceof Timeout ? timer.id : Number(timer);
    owners.get(id)?.timers.delete(id);
    owners.delete(id);
  }

  /** Milliseconds until the next timer of a call, or -1. */
  function nextDue(id) {
    let next = Infinity;
    for (const owner of [calls.get(id), nobody]) {
      for (const timer of owner.timers?.values() ?? []) next = Math.min(next, timer.due);
    }
    return next === Infinity ? -1 : Math.max(0, next - host.now());
  }

  function runDue(id) {
    const now = host.now();
    for (const owner of [nobody, calls.get(id)]) {
      current = owner;
      const due = [...(owner.timers?.values() ?? [])].filter((timer) => timer.due <= now).sort((a, b) => a.due - b.due);
      for (const timer of due) {
        if (!owner.timers.has(timer.id)) continue;
        if (timer.every) timer.due = now + timer.every; else stop(timer.id);
        try {
          timer.run(...timer.values);
        } catch (error) {
          if (owner.done) host.print(`uncaught: ${thrown(error)}`); else finish(owner, thrown(error));
        }
      }
    }
  }

  const TIMERS_MAX = 100000;

  // --- What a function is given. A call is the hot path of a run: it makes few objects, and none that refer to
  // each other in a circle, so that they go when it ends.

  /** What all users share: `plain` values are copied to each, lists and objects are made when they are asked for. */
  function learnBase(key, plain, lists) {
    const shared = Object.create(Object.prototype);
    const base = { plain: JSON.parse(plain), lists: JSON.parse(lists), shared, made: new Map() };
    for (const name of base.lists) {
      Object.defineProperty(shared, name, {
        get() {
          if (!base.made.has(name)) base.made.set(name, JSON.parse(host.shared(key, name)));
          return base.made.get(name);
        },
        set(value) { Object.defineProperty(this, name, { value, writable: true, enumerable: true, configurable: true }); },
      });
    }
    bases.set(key, base);
  }

  function forgetBases() {
    bases.clear();
  }

  /** A long list of the user's own is made when it is first asked for. */
  function defer(call, name, text) {
    const settle = (value) => {
      call.deferred.delete(name);
      Object.defineProperty(call.vars, name, { value, writable: true, enumerable: true, configurable: true });
      return value;
    };
    call.texts[name] = text;
    (call.deferred ??= new Set()).add(name);
    Object.defineProperty(call.vars, name, { enumerable: true, configurable: true, get: () => settle(JSON.parse(text)), set: settle });
  }

  function makeVars(call, base, own) {
    call.before = Object.assign({ __proto__: null }, base.plain, own.plain);
    call.vars = Object.assign({ __proto__: base.shared }, call.before);
    call.texts = { __proto__: null };
    for (const name in own.lists) {
      call.vars[name] = own.lists[name];
      call.texts[name] = JSON.stringify(own.lists[name]);
    }
    for (const name in own.long) defer(call, name, own.long[name]);
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

  function makeContext(call, scenario) {
    call.funcs = { __proto__: random };
    const context = { vars: call.vars, funcs: call.funcs, scenario: { name: scenario }, _uid: call.before.$uuid };
    return call.kept === '' ? context : Object.assign(context, JSON.parse(call.kept));
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
      const emitted = (this.#call.emitted ??= []);
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

  const BEFORE_REQUEST = 0, AFTER_RESPONSE = 1, STEP = 2, WHILE_TRUE = 3, IF_TRUE = 4, ON_ERROR = 5, CONNECT = 6;

  /** What the function has left behind, or null if it is not done. */
  function begin(id, kind, base, name, own, kept, params, response) {
    const call = { id, base: bases.get(base), kept, paramsText: params, done: false, error: null, answer: undefined, emitted: null, timers: null, deferred: null, params: null, vars: null, before: null, texts: null, funcs: null, context: null };
    current = call;
    try {
      const given = JSON.parse(own);
      makeVars(call, call.base, given);
      call.context = makeContext(call, given.scenario);
      if (call.paramsText !== '') call.params = JSON.parse(call.paramsText);
      run(call, kind, functions[name], response);
    } catch (error) {
      finish(call, thrown(error));
    }
    if (call.done) return collect(call);
    calls.set(id, call);
    return null;
  }

  function run(call, kind, f, response) {
    const { params, context } = call;
    if (kind === WHILE_TRUE || kind === IF_TRUE) {
      const given = kind === WHILE_TRUE ? context : asContext(call.vars);
      return settle(call, f(given, (answer) => finish(call, null, answer)), true, f.length > 1);
    }
    const done = (error) => finish(call, error ? reported(error) : null);
    const events = new Events(call);
    switch (kind) {
      case BEFORE_REQUEST: return settle(call, f(params, context, events, done), false, f.length > 3);
      case AFTER_RESPONSE: return settle(call, f(params, makeResponse(call, response), context, events, done), false, f.length > 4);
      case ON_ERROR: return settle(call, f(new Error(response), params, context, events, done), false, f.length > 4);
      case CONNECT: return settle(call, f(params, context, done), false, f.length > 2);
      case STEP: default: return settle(call, f(context, events, done), false, f.length > 2);
    }
  }

  /** Artillery passes the variables themselves; a function written for a context works too. */
  function asContext(vars) {
    return 'vars' in vars ? vars : Object.defineProperty(vars, 'vars', { value: vars, configurable: true });
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
    if (!call || !call.done) return null;
    calls.delete(id);
    return collect(call);
  }

  /** Its timers end with a call. */
  function forget(id) {
    const call = calls.get(id);
    if (!call) return;
    calls.delete(id);
    if (current === call) current = null;
    for (const timer of call.timers?.keys() ?? []) stop(timer);
  }

  // --- What it has left behind.

  /** An empty text if nothing. */
  function collect(call) {
    current = null;
    if (call.timers !== null) for (const timer of call.timers.keys()) stop(timer);
    if (call.error !== null) return JSON.stringify({ error: call.error });
    try {
      let left = changedVars(call);
      if (call.params !== null) {
        const text = JSON.stringify(call.params);
        if (text !== call.paramsText) left += `,"params":${text}`;
      }
      left += changedContext(call);
      if (call.emitted !== null) left += `,"emitted":${JSON.stringify(call.emitted)}`;
      if (call.answer) left += ',"answer":true';
      return left === '' ? '' : `{${left.slice(1)}}`;
    } catch (error) {
      return JSON.stringify({ error: thrown(error) });
    }
  }

  function changedVars(call) {
    const { vars, before, texts, deferred } = call;
    let set = '';
    for (const name of Object.keys(vars)) {
      if (deferred !== null && deferred.has(name)) continue;
      const value = vars[name];
      if (value === before[name] || value === undefined) continue;
      if (value !== null && typeof value === 'object') {
        if (call.base.made.get(name) === value || texts[name] === JSON.stringify(value)) continue;
      }
      set += `,${JSON.stringify(name)}:${asText(`context.vars.${name}`, value)}`;
    }
    const removed = [];
    for (const name in before) if (vars[name] === undefined) removed.push(name);
    for (const name in texts) if ((deferred === null || !deferred.has(name)) && vars[name] === undefined) removed.push(name);
    const told = set === '' ? '' : `,"set":{${set.slice(1)}}`;
    return removed.length === 0 ? told : `${told},"removed":${JSON.stringify(removed)}`;
  }

  /** What a function has put on its context, beside the variables. */
  function changedContext({ context, funcs, kept }) {
    const added = Object.keys(funcs);
    if (added.length) throw new Error(`context.funcs.${added[0]}: templates cannot call functions of a script; set a variable instead`);
    const names = Object.keys(context);
    if (names.length === 4 && kept === '') return '';
    let now = '';
    for (const name of names) {
      if (OWN.includes(name) || context[name] === undefined) continue;
      now += `,${JSON.stringify(name)}:${asText(`context.${name}`, context[name])}`;
    }
    now = now === '' ? '' : `{${now.slice(1)}}`;
    return now === kept ? '' : `,"kept":${now === '' ? '{}' : now}`;
  }
  const OWN = ['vars', 'funcs', 'scenario', '_uid'];

  /** Values live on between calls as JSON; what would be lost is refused. */
  function asText(place, value) {
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return JSON.stringify(value);
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
