use std::sync::Arc;

use serde_json::json;
use tempfile::TempDir;

use super::*;
use crate::value::scope::{Base, Surroundings};

/// A script's folder with files in it.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = TempDir::new().expect("a folder");
    for (name, content) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("it lies in the folder")).expect("a folder");
        std::fs::write(path, content).expect("a file");
    }
    folder
}

fn load(source: &str) -> Result<Processor, ProcessorError> {
    let folder = folder(&[("functions.js", source)]);
    Processor::load(&folder.path().join("functions.js"), folder.path())
}

fn processor(source: &str) -> Processor {
    load(source).expect("it loads")
}

fn scope() -> Scope {
    let surroundings = Surroundings { target: Some("http://shop".to_owned()), ..Surroundings::default() };
    let variables = [("colour".to_owned(), json!("red")), ("sizes".to_owned(), json!({"s": [1, 2]}))];
    let mut scope = Scope::new(Arc::new(Base::new(surroundings, variables)));
    scope.set("id", 7);
    scope.set("user", json!({"name": "Ada", "roles": ["admin"]}));
    scope
}

async fn step(processor: &Processor, name: &str, scope: &mut Scope) -> Result<Called, HookError> {
    processor.call(name, 1, Hook::Step, scope).await
}

/// The message of a failed step.
async fn failure(source: &str) -> String {
    let processor = processor(source);
    step(&processor, "f", &mut scope()).await.expect_err("it fails").to_string()
}

fn request() -> HookRequest {
    let params = json!({"url": "/pets/{{ id }}", "method": "POST", "headers": {"a": "b"}, "json": {"n": 1}});
    HookRequest::new(params.as_object().cloned().expect("an object"))
}

#[tokio::test]
async fn a_step_reads_and_writes_variables() {
    let processor = processor(
        "module.exports = { f(context, events, done) {
            const { vars } = context;
            vars.sum = vars.id + vars.sizes.s[1];
            vars.user.roles.push('editor');
            vars.greeting = `${vars.colour} ${vars.target} ${vars.$uuid.length}`;
            delete vars.id;
            vars['a.b'] = { deep: [true, null] };
            events.emit('counter', 'made', 2);
            events.emit('histogram', 'took', 1.5);
            events.emit('rate', 'seen');
            console.log('id %s', vars.sum, { a: [1] });
            return done();
        } };",
    );
    let mut scope = scope();
    let called = step(&processor, "f", &mut scope).await.expect("it runs");
    let values: Vec<_> = ["sum", "user.roles[1]", "greeting", "id", "a.b"].map(|name| scope.get(name).map(|value| value.into_owned())).into();
    assert_eq!(values, [Some(json!(9)), Some(json!("editor")), Some(json!("red http://shop 36")), None, Some(json!({"deep": [true, null]}))]);
    let counter = Emitted::Counter { name: "made".to_owned(), value: 2.0 };
    let histogram = Emitted::Histogram { name: "took".to_owned(), value: 1.5 };
    assert_eq!(called.emitted, [counter, histogram, Emitted::Rate { name: "seen".to_owned() }]);
    assert_eq!(called.printed, ["id 9 { a: [ 1 ] }"]);
    assert!(!scope.own().any(|(name, _)| name == "sizes"), "what was only read stays shared");
}

#[tokio::test]
async fn a_hook_changes_the_request() {
    let processor = processor(
        "exports.before = (requestParams, context, ee, next) => {
            requestParams.headers.sign = require('crypto').createHmac('sha256', 'k').update(requestParams.url).digest('hex');
            requestParams.json.id = context.vars.id;
            requestParams.started = 5;
            next();
        };
        exports.bytes = async (requestParams) => { requestParams.body = Buffer.from('é', 'latin1'); };
        exports.idle = function (requestParams, context, ee, next) { return next(); };",
    );
    let mut request = request();
    let mut scope = scope();
    processor.call("idle", 1, Hook::BeforeRequest(&mut request), &mut scope).await.expect("it runs");
    assert_eq!(request.changed().count(), 0);
    processor.call("before", 1, Hook::BeforeRequest(&mut request), &mut scope).await.expect("it runs");
    assert_eq!(request.changed().collect::<Vec<_>>(), ["headers", "json", "started"]);
    assert_eq!(request.get("json"), Some(&json!({"n": 1, "id": 7})));
    let sign = request.get("headers").and_then(|headers| headers["sign"].as_str()).map(str::len);
    assert_eq!(sign, Some(64));
    processor.call("bytes", 1, Hook::BeforeRequest(&mut request), &mut scope).await.expect("it runs");
    assert_eq!(request.body_bytes().map(|bytes| bytes.to_vec()), Some(vec![0xe9]));
}

#[tokio::test]
async fn a_hook_sees_the_answer() {
    let processor = processor(
        "module.exports.after = (requestParams, response, context, ee, next) => {
            context.vars.seen = [response.statusCode, response.headers['content-type'], response.headers['set-cookie'],
                JSON.parse(response.body).ok, response.url, requestParams.method, response.request.method];
            next();
        };",
    );
    let mut headers = http::HeaderMap::new();
    headers.append("content-type", http::HeaderValue::from_static("application/json"));
    headers.append("set-cookie", http::HeaderValue::from_static("a=1"));
    let response = Response::new(201, headers, r#"{"ok": "é"}"#.into(), "http://shop/x".to_owned());
    let mut scope = scope();
    let hook = |request| Hook::AfterResponse(request, &response);
    processor.call("after", 1, hook(&mut request()), &mut scope).await.expect("it runs");
    let seen = json!([201, "application/json", ["a=1"], "é", "http://shop/x", "POST", "POST"]);
    assert_eq!(scope.get("seen").as_deref(), Some(&seen));
}

#[tokio::test]
async fn promises_and_timers_are_waited_for() {
    let processor = processor(
        "const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
        module.exports = {
            async promised(context) { await sleep(20); context.vars.way = 'promise'; },
            late(context, ee, done) { setTimeout(() => { context.vars.way = 'callback'; done(); }, 20); },
            async both(context, ee, done) { await null; context.vars.way = 'both'; done(); },
            async again(context) { for (let i = 0; i < 3; i++) await sleep(1); context.vars.way = 'again'; },
            sync(context) { context.vars.way = 'sync'; },
            interval(context, ee, done) { let n = 0; const timer = setInterval(() => { if (++n === 3) { clearInterval(timer); context.vars.way = n; done(); } }, 2); },
        };",
    );
    for (name, way) in [
        ("promised", json!("promise")),
        ("late", json!("callback")),
        ("both", json!("both")),
        ("again", json!("again")),
        ("sync", json!("sync")),
        ("interval", json!(3)),
    ] {
        let mut scope = scope();
        step(&processor, name, &mut scope).await.expect(name);
        assert_eq!(scope.get("way").as_deref(), Some(&way), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_users_wait_at_once_and_keep_apart() {
    let processor = Arc::new(processor(
        "exports.f = async (context) => { await new Promise((go) => setTimeout(go, 100)); context.vars.mine = context.vars.id; };",
    ));
    let began = Instant::now();
    let tasks: Vec<_> = (0..50_u64).map(|user| {
        let processor = processor.clone();
        tokio::spawn(async move {
            let mut scope = scope();
            scope.set("id", user);
            processor.call("f", user, Hook::Step, &mut scope).await.expect("it runs");
            assert_eq!(scope.get("mine").as_deref(), Some(&json!(user)));
        })
    }).collect();
    for task in tasks {
        task.await.expect("it ends");
    }
    assert!(began.elapsed() < Duration::from_secs(3), "they do not wait for each other");
}

#[tokio::test]
async fn conditions_answer() {
    let processor = processor(
        "module.exports = {
            more(context, next) { return next(context.vars.$loopCount < 3); },
            async moreLater(context) { return context.vars.id === 7; },
            isAda(vars) { return vars.user.name === 'Ada'; },
            isBob: (context) => context.vars.user.name === 'Bob',
        };",
    );
    let mut scope = scope();
    for (count, answer) in [(1, true), (3, false)] {
        scope.set("$loopCount", count);
        let called = processor.call("more", 1, Hook::WhileTrue, &mut scope).await.expect("it runs");
        assert_eq!(called.answer, answer);
    }
    assert!(processor.call("moreLater", 1, Hook::WhileTrue, &mut scope).await.expect("it runs").answer);
    assert!(processor.call("isAda", 1, Hook::IfTrue, &mut scope).await.expect("it runs").answer);
    assert!(!processor.call("isBob", 1, Hook::IfTrue, &mut scope).await.expect("it runs").answer);
}

#[tokio::test]
async fn a_user_keeps_what_it_puts_on_its_context() {
    let processor = processor(
        "let calls = 0;
        exports.first = (context, ee, done) => { context.startedAt = 5; calls++; done(); };
        exports.second = (context, ee, done) => { context.vars.took = context.startedAt + 1; context.vars.calls = calls; context.vars.play = context.scenario.name; done(); };
        exports.onError = (error, params, context, ee, done) => { context.vars.why = error.message + params.method; done(); };",
    );
    let mut scope = scope();
    scope.set_journey("buy".into());
    step(&processor, "first", &mut scope).await.expect("it runs");
    step(&processor, "second", &mut scope).await.expect("it runs");
    assert_eq!(scope.get("took").as_deref(), Some(&json!(6)));
    assert_eq!(scope.get("calls").as_deref(), Some(&json!(1)));
    assert_eq!(scope.get("play").as_deref(), Some(&json!("buy")));
    processor.call("onError", 1, Hook::OnError(&mut request(), "ECONNREFUSED"), &mut scope).await.expect("it runs");
    assert_eq!(scope.get("why").as_deref(), Some(&json!("ECONNREFUSEDPOST")));
}

#[tokio::test]
async fn failures_name_the_function_the_reason_and_the_place() {
    let message = failure("exports.f = (context) => {\n  context.none.x = 1;\n};").await;
    assert!(message.starts_with("f: TypeError: cannot set property 'x' of undefined (") && message.ends_with("functions.js:2:3)"), "{message}");
    assert_eq!(failure("exports.f = (c, e, done) => done({ code: 123 });").await, "f: 123");
    assert_eq!(failure("exports.f = (c, e, done) => done(new Error('out of stock'));").await, "f: out of stock");
    assert_eq!(failure("exports.f = async () => { throw 'no'; };").await, "f: no");
    let silent = "f ended without calling its last argument: call it, or make the function async";
    assert_eq!(failure("exports.f = (c, e, done) => {};").await, silent);
    assert_eq!(failure("exports.f = () => new Promise(() => {});").await, silent);
    let processor = processor("exports.checkout = () => {};");
    let unknown = step(&processor, "chekout", &mut scope()).await.expect_err("there is none");
    assert_eq!(unknown.to_string(), "there is no function `chekout` in the processor; did you mean `checkout`?");
}

#[tokio::test]
async fn what_cannot_run_is_named() {
    for (body, message) in [
        ("fetch('http://x')", "`fetch` is not available"),
        ("require('axios')", "the module `axios` is not available"),
        ("require('http')", "the module `http` is not available"),
        ("require('crypto').createSign('x')", "`crypto.createSign` is not available"),
        ("require('fs').writeFileSync('x', '')", "`fs.writeFileSync` is not available"),
        ("require('fs').readFileSync('/etc/passwd')", "outside the script's folder"),
        ("require('crypto').createHash('whirl')", "the hash `whirl` is not available"),
        ("c.vars.f = () => 1", "context.vars.f holds a function, which cannot be kept"),
        ("c.vars.m = { inner: new Map() }", "context.vars.m (inner) holds a Map"),
        ("c.vars.me = c.vars", "circular"),
        ("c.funcs.mine = () => 1", "context.funcs.mine"),
        ("e.emit('request')", "the event \"request\" has no meaning here"),
        ("e.on('done')", "cannot listen"),
        ("e.emit('counter', 'n', 'x')", "needs a number"),
        ("Buffer.from('x', 'klingon')", "there is no encoding `klingon`"),
        ("new URL('nowhere')", "Invalid URL"),
    ] {
        let source = format!("exports.f = async (c, e) => {{ {body}{} }};", if body.contains("createHash") { ".digest()" } else { "" });
        let text = failure(&source).await;
        assert!(text.contains(message), "{body}: {text}");
    }
}

#[tokio::test]
async fn endless_and_greedy_functions_end_and_the_interpreter_lives_on() {
    let processor = processor(
        "exports.spin = () => { for (;;); };
        exports.chain = async () => { for (;;) await null; };
        exports.deep = function f() { f(); };
        exports.eat = () => { const all = []; for (;;) all.push(new Array(1000000).fill('x')); };
        exports.fine = (context, ee, done) => { context.vars.fine = true; done(); };",
    );
    let error = step(&processor, "spin", &mut scope()).await.expect_err("it never ends");
    assert_eq!(error, HookError::Endless { name: "spin".to_owned(), limit_ms: 1_000 });
    let error = step(&processor, "chain", &mut scope()).await.expect_err("it never ends");
    assert!(matches!(error, HookError::Endless { .. }), "{error}");
    let error = step(&processor, "deep", &mut scope()).await.expect_err("it is too deep").to_string();
    assert!(error.contains("stack"), "{error}");
    assert!(step(&processor, "eat", &mut scope()).await.is_err());
    let mut scope = scope();
    step(&processor, "fine", &mut scope).await.expect("the interpreter lives on");
    assert_eq!(scope.get("fine").as_deref(), Some(&json!(true)));
}

#[tokio::test]
async fn files_of_the_script_are_modules() {
    let folder = folder(&[
        ("load.yml", ""),
        ("data/users.json", r#"[{"name": "Ada"}]"#),
        ("lib/index.js", "exports.twice = (n) => 2 * n; exports.where = __dirname.split('/').pop();"),
        ("lib/esm.mjs", "export const thrice = (n) => 3 * n; export default 'esm';"),
        ("common.js", "const users = require('./data/users'); const { twice, where } = require('./lib'); const fs = require('node:fs'), path = require('path');
            exports.f = (c, e, done) => { c.vars.r = [users[0].name, twice(c.vars.id), where, fs.readFileSync(path.join(__dirname, 'data/users.json'), 'utf8').length]; done(); };"),
        ("modern.js", "import { thrice } from './lib/esm.mjs'; import lib, { twice } from './lib/index.js'; import { createHash } from 'node:crypto'; import fs from 'fs';
            import users from './data/users.json' with { type: 'json' };
            const base = await Promise.resolve(1);
            export async function f(c) { c.vars.r = [thrice(2), twice(2), lib.where, createHash('md5').update('a').digest('hex').slice(0, 6), users.length, base, fs.existsSync('load.yml')]; }
            export default { g(c, e, done) { done(); } };"),
        ("typed.ts", "export const f = (c: any) => c;"),
        ("typed-import.js", "import './typed.ts'; export const f = 1;"),
        ("broken.js", "exports.f = (;\n"),
        ("throws.js", "\nthrow new Error('no start');"),
    ]);
    let load = |name: &str| Processor::load(&folder.path().join(name), folder.path());
    let mut scope = scope();
    step(&load("common.js").expect("it loads"), "f", &mut scope).await.expect("it runs");
    assert_eq!(scope.get("r").as_deref(), Some(&json!(["Ada", 14, "lib", 17])));
    let modern = load("modern").expect("it loads without its ending");
    assert_eq!(modern.functions(), ["g", "f"]);
    step(&modern, "f", &mut scope).await.expect("it runs");
    assert_eq!(scope.get("r").as_deref(), Some(&json!([6, 4, "lib", "0cc175", 1, 1, true])));
    for (name, message) in [
        ("typed.ts", "is TypeScript, which Mainstay does not run"),
        ("typed-import.js", "is TypeScript"),
        ("broken.js", "broken.js:1"),
        ("throws.js", "no start ("),
        ("missing.js", "cannot read"),
    ] {
        let error = load(name).expect_err(name).to_string();
        assert!(error.contains(message), "{name}: {error}");
    }
}

#[tokio::test]
async fn shapes_of_node() {
    let processor = processor(
        "const assert = require('assert'); const url = require('url'); const qs = require('querystring'); const path = require('path'); const util = require('util'); const crypto = require('crypto');
        exports.f = (c, e, done) => {
            assert.equal(Buffer.from('héllo').toString('base64'), 'aMOpbGxv');
            assert.equal(Buffer.from('aMOpbGxv', 'base64').toString(), 'héllo');
            assert.equal(Buffer.concat([Buffer.from('6162', 'hex'), Buffer.alloc(1, 99)]).toString('utf8'), 'abc');
            assert.ok(Buffer.isBuffer(crypto.randomBytes(4)) && crypto.randomBytes(4).length === 4);
            assert.match('abc', /b/);
            assert.equal(crypto.randomUUID().length, 36);
            assert.equal(crypto.createHash('sha256').update('a').update('b').digest('hex').slice(0, 8), 'fb8e20fc');
            assert.equal(btoa(atob('aGk=')), 'aGk=');
            const address = new URL('/a/../b?x=1&x=2#h', 'http://u:p@shop:8080/');
            assert.equal(address.href, 'http://u:p@shop:8080/b?x=1&x=2#h');
            address.searchParams.append('y z', 'é'); address.port = 80; address.hash = '';
            assert.equal(String(address), 'http://u:p@shop/b?x=1&x=2&y+z=%C3%A9');
            assert.deepEqual([...new URLSearchParams({ a: 1 })], [['a', '1']]);
            assert.deepEqual(url.parse('http://h:1/p?q=1', true).query, { q: '1' });
            assert.equal(url.parse('/only?x').pathname, '/only');
            assert.deepStrictEqual(qs.parse('a=1&a=2&b=%20'), { a: ['1', '2'], b: ' ' });
            assert.equal(qs.stringify({ a: [1, 2], b: 'c d' }), 'a=1&a=2&b=c%20d');
            assert.equal(path.join('/a', '../b', './c.tar.gz'), '/b/c.tar.gz');
            assert.equal(path.basename('/b/c.js', '.js') + path.extname('x.y.z') + path.relative('/a/b', '/a/c/d'), 'c.z../c/d');
            assert.equal(util.format('%s %d %j', 'a', '4', { b: 1 }), 'a 4 {\"b\":1}');
            assert.equal(new TextDecoder().decode(new TextEncoder().encode('é')), 'é');
            assert.throws(() => { throw new Error('x'); }, /x/);
            assert.equal(typeof process.env.PATH, 'string');
            assert.ok(c.funcs.$randomString(5).length === 5 && c.funcs.$randomNumber(2, 2) === 2);
            assert.ok(structuredClone({ a: [1] }).a[0] === 1 && performance.now() > 0 && process.hrtime()[1] >= 0);
            assert.equal([3, 1, 2].toSorted().at(-1), 3);
            process.nextTick(() => setImmediate(() => queueMicrotask(done)));
        };",
    );
    step(&processor, "f", &mut scope()).await.expect("all of it holds");
}
