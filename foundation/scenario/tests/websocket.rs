//! Journeys over WebSockets, against a server on this machine.

mod support;

use std::net::SocketAddr;
use std::time::Duration;

use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_tungstenite::accept_hdr_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

use support::{compile, failure, load, play, self_signed, steps};

/// What a server has seen: handshakes and closings.
type Seen = mpsc::UnboundedReceiver<Value>;

/// Answers each message by what it asks for.
async fn server(tls: Option<TlsAcceptor>) -> (SocketAddr, Seen) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let (told, seen) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (told, tls) = (told.clone(), tls.clone());
            tokio::spawn(async move {
                match tls {
                    None => serve(stream, told).await,
                    Some(tls) => {
                        if let Ok(stream) = tls.accept(stream).await {
                            serve(stream, told).await;
                        }
                    }
                }
            });
        }
    });
    (address, seen)
}

#[allow(clippy::result_large_err, reason = "the library's own callback")]
async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin, told: mpsc::UnboundedSender<Value>) {
    let shake = |request: &Request, mut response: Response| -> Result<Response, ErrorResponse> {
        let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let offered = header("sec-websocket-protocol");
        if let Some(first) = offered.as_deref().and_then(|offered| offered.split(',').next()) {
            response.headers_mut().insert("sec-websocket-protocol", first.trim().parse().expect("a header"));
        }
        let seen = json!({
            "path": request.uri().path(),
            "protocols": offered,
            "token": header("x-token"),
            "traceparent": header("traceparent").is_some(),
        });
        told.send(seen).unwrap_or_default();
        if request.uri().path() == "/closed" {
            let mut refused = ErrorResponse::new(Some("members only".to_owned()));
            *refused.status_mut() = http::StatusCode::FORBIDDEN;
            return Err(refused);
        }
        Ok(response)
    };
    let Ok(mut socket) = accept_hdr_async(stream, shake).await else { return };
    while let Some(Ok(message)) = socket.next().await {
        let sent = match message {
            Message::Text(text) => match text.as_str() {
                "silence" => continue,
                "large" => socket.send(Message::text("x".repeat(5000))).await,
                "bye" => {
                    let frame = CloseFrame { code: 4001.into(), reason: "enough".into() };
                    socket.send(Message::Close(Some(frame))).await
                }
                "twice" => {
                    socket.feed(Message::text("first")).await.expect("it is open");
                    socket.send(Message::text("second")).await
                }
                text => match serde_json::from_str::<Value>(text) {
                    Ok(asked) => socket.send(Message::text(json!({ "asked": asked, "id": 7 }).to_string())).await,
                    Err(_) => socket.send(Message::text(format!("echo {text}"))).await,
                },
            },
            Message::Binary(data) => socket.send(Message::text(json!({ "bytes": data.to_vec() }).to_string())).await,
            Message::Close(frame) => {
                told.send(json!({ "closed": frame.map(|frame| u16::from(frame.code)) })).unwrap_or_default();
                continue;
            }
            _ => continue,
        };
        if sent.is_err() {
            return;
        }
    }
}

fn script(target: SocketAddr, config: &str, flow: &str) -> String {
    format!("config:\n  target: ws://{target}\n{config}\nscenarios:\n- engine: ws\n  flow:\n{flow}\n")
}

async fn next(seen: &mut Seen) -> Value {
    tokio::time::timeout(Duration::from_secs(5), seen.recv()).await.expect("in time").expect("a server")
}

#[tokio::test]
async fn messages_are_sent_answered_captured_and_expected() {
    let (target, mut seen) = server(None).await;
    let config = "  variables: { name: [Luna] }\n  ws: { subprotocols: [json, text], headers: { x-token: '{{ name }}' } }";
    let flow = "
  - send: silence
  - send: { payload: { buy: '{{ name }}', count: 2 }, capture: [{ json: $.id, as: id }], match: { json: $.asked.buy, value: Luna }, expect: { hasProperty: asked.count } }
  - think: 0.01
  - loop:
    - send: { payload: 'again {{ id }}', name: again, capture: { regexp: 'again (\\d)', group: 1, as: number } }
    count: 2
  - sendBytes: { payload: [1, 2, 255], expect: { jmespath: 'bytes[2]', equals: 255 } }
  - log: 'captured {{ id }} and {{ number }}'";
    let report = play(&script(target, config, flow)).await;
    assert!(report.passed(), "{:#?}", report.lines());
    let steps = steps(&report);
    let methods: Vec<&str> = steps.iter().map(|step| step.method.as_str()).collect();
    assert_eq!(methods, ["CONNECT", "SEND", "SEND", "SEND", "SEND", "SEND"]);
    assert_eq!((steps[0].status, steps[0].connect_ms.is_some()), (Some(101), true));
    assert_eq!(steps[1].last_byte_ms, 0.0, "nobody waited for an answer");
    assert_eq!(steps[2].captures["id"], "7");
    assert_eq!((steps[2].expectations_met, steps[2].body_bytes > 0), (2, true));
    assert_eq!(steps[3].name, "again");
    assert_eq!(report.scenarios[0].printed, ["captured 7 and 7"]);
    let shaken = json!({ "path": "/", "protocols": "json, text", "token": "Luna", "traceparent": false });
    assert_eq!(next(&mut seen).await, shaken);
    assert_eq!(next(&mut seen).await, json!({ "closed": 1000 }), "the journey's end closes the connection");
}

#[tokio::test]
async fn a_journey_says_where_and_how_it_connects() {
    let (target, mut seen) = server(None).await;
    let at = |connect: &str| script(target, "", &format!("  - connect: {connect}\n  - send: hello"));
    assert!(play(&at("/prices?id=1")).await.passed());
    assert_eq!(next(&mut seen).await["path"], "/prices");
    next(&mut seen).await;
    let connect = format!("{{ target: 'ws://{target}/other', subprotocols: [v2], headers: {{ X-Token: abc }} }}");
    assert!(play(&at(&connect)).await.passed());
    let shaken = json!({ "path": "/other", "protocols": "v2", "token": "abc", "traceparent": false });
    assert_eq!(next(&mut seen).await, shaken);
}

#[tokio::test]
async fn a_function_says_how_to_connect() {
    let (target, mut seen) = server(None).await;
    let folder = tempfile::tempdir().expect("a folder");
    let functions = "module.exports.shake = function (params, context, next) {
        params.target = params.target + '/' + context.vars.room;
        params.options.headers['x-token'] = 'from-js';
        params.subprotocols.push('chat');
        return next();
    };";
    std::fs::write(folder.path().join("shake.js"), functions).expect("the folder can be written");
    let config = "  processor: shake.js\n  variables: { room: [tea] }";
    let written = script(target, config, "  - connect: { function: shake }\n  - send: hello");
    let program = compile(folder.path(), &written).expect("a script that can be played");
    let report = mainstay_scenario::test::play(&program, tokio_util::sync::CancellationToken::new()).await;
    assert!(report.passed(), "{:#?}", report.lines());
    let shaken = json!({ "path": "/tea", "protocols": "chat", "token": "from-js", "traceparent": false });
    assert_eq!(next(&mut seen).await, shaken);
    let unknown = written.replace("function: shake", "function: shakes");
    assert_eq!(compile(folder.path(), &unknown).unwrap_err(), ["there is no function `shakes`; did you mean `shake`?"]);
}

/// `wait` takes what has come since; an answer is what comes after its message.
#[tokio::test]
async fn messages_wait_until_a_step_asks_for_them() {
    let (target, _seen) = server(None).await;
    let flow = "
  - send: twice
  - wait: { capture: { regexp: '(.*)', group: 1, as: one } }
  - think: 0.1
  - wait: { capture: { regexp: '(.*)', group: 1, as: two } }
  - send: twice
  - think: 0.1
  - send: { payload: now, capture: { regexp: '(.*)', group: 1, as: three } }
  - log: '{{ one }}, {{ two }}, {{ three }}'";
    let report = play(&script(target, "", flow)).await;
    assert!(report.passed(), "{:#?}", report.lines());
    assert_eq!(report.scenarios[0].printed, ["first, second, echo now"]);
}

#[tokio::test]
async fn what_fails_says_so() {
    let (target, _seen) = server(None).await;
    let nobody = TcpListener::bind("127.0.0.1:0").await.expect("a port").local_addr().expect("an address");
    let limited = "  ws: { timeout: 0.2, maxPayload: 1000 }";
    let unmet = "  - send: { payload: { a: 1 }, expect: { hasProperty: b } }";
    for (script, told) in [
        (script(nobody, "", "  - send: hello"), "refused the connection: nothing listens there"),
        (script(target, "", "  - connect: /closed\n  - send: hello"), "does not open a WebSocket but answers 403: members only"),
        (script(target, limited, "  - send: { payload: silence, capture: { json: $.a, as: a } }"), "no message within 200 ms"),
        (script(target, limited, "  - wait: { timeout: 50ms }"), "no message within 50 ms"),
        (script(target, "", "  - send: bye\n  - wait: {}"), "closed the WebSocket with code 4001: enough"),
        (script(target, limited, "  - send: large\n  - wait: {}"), "a message of 5000 bytes, and the longest that is read has 1000: raise `config.ws.maxPayload`"),
        (script(target, "", unmet), "hasProperty: expected a property `b`"),
        (script(target, "", "  - send: { payload: hi, match: { json: $.a, value: 1 } }"), "needs JSON, but"),
    ] {
        let report = play(&script).await;
        assert!(failure(&report).contains(told), "{}\ninstead of {told}", failure(&report));
    }
}

#[tokio::test]
async fn a_server_must_show_a_certificate_that_is_trusted() {
    let (acceptor, authority) = self_signed(&[]);
    let (target, _seen) = server(Some(acceptor)).await;
    let written = |config: &str| {
        let connect = format!("wss://localhost:{}", target.port());
        script(target, config, &format!("  - connect: {connect}\n  - send: {{ payload: '1', expect: {{ hasProperty: id }} }}"))
    };
    let told = failure(&play(&written("")).await);
    assert!(told.contains("no certificate to be trusted: its issuer is unknown"), "{told}");
    let report = play(&written("  tls: { rejectUnauthorized: false }")).await;
    assert!(report.passed(), "{:#?}", report.lines());
    assert!(steps(&report)[0].tls_ms.is_some(), "TLS is measured as for HTTP");
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("ca.pem"), authority).expect("the folder can be written");
    let program = compile(folder.path(), &written("  tls: { ca: ca.pem }")).expect("a script that can be played");
    let report = mainstay_scenario::test::play(&program, tokio_util::sync::CancellationToken::new()).await;
    assert!(report.passed(), "{:#?}", report.lines());
}

#[tokio::test]
async fn a_load_measures_exchanges_and_counts_messages() {
    let (target, _seen) = server(None).await;
    let config = "  phases: [{ duration: 1, arrivalRate: 20 }]
  ensure: { thresholds: [{ websocket.response_time.p95: 500 }], conditions: [{ expression: websocket.messages_sent == 60 and websocket.send_rate > 1 and http.requests == 0 }] }";
    let flow = "
  - send: silence
  - loop:
    - send: { payload: '{\"a\": 1}', name: ask, capture: { json: $.id, as: id } }
    count: 2";
    let report = load(&script(target, config, flow)).await;
    assert_eq!((report.vusers.completed, report.vusers.failed), (20, 0), "{:?}", report.errors);
    assert_eq!(report.requests, 80, "a connection and three messages each");
    assert_eq!(report.responses, 60, "the first message has no answer");
    assert_eq!((report.counters["websocket.messages_sent"], report.counters["websocket.messages_received"]), (60.0, 40.0));
    assert_eq!(report.codes[&101], 20);
    assert!(report.endpoints.iter().any(|endpoint| endpoint.name == "ask" && endpoint.requests == 40));
    assert!(report.verdicts.iter().all(|verdict| verdict.holds), "{:?}", report.verdicts);
}

#[test]
fn a_script_that_cannot_be_played_says_why() {
    let folder = tempfile::tempdir().expect("a folder");
    let told = |script: &str| compile(folder.path(), script).unwrap_err().join("\n");
    let nowhere = "config: {}\nscenarios:\n- engine: ws\n  flow:\n  - send: hello\n";
    assert!(told(nowhere).contains("there is nothing to connect to; write `config.target`"), "{}", told(nowhere));
    let header = "config: { target: 'ws://localhost', ws: { headers: { 'a b': c } } }\nscenarios:\n- engine: ws\n  flow:\n  - send: hello\n";
    assert!(told(header).contains("`a b` is no name of a header"), "{}", told(header));
}

/// A WebSocket has no requests; functions before and after the journey are called for it as for any other.
#[tokio::test]
async fn functions_are_called_around_a_journey_and_not_around_requests_that_it_has_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let functions = "exports.first = (context, events, done) => { context.vars.path = 'from-function'; done(); };
exports.last = (context, events, done) => { events.emit('counter', 'last', 1); console.log(`last ${context.vars.path}`); done(); };
exports.failed = (error, params, context, events, done) => { console.log(`failed: ${error.message}`); done(); };";
    std::fs::write(folder.path().join("functions.js"), functions).expect("the folder can be written");
    let (target, mut seen) = server(None).await;
    let written = |hooks: &str, expect: &str| {
        format!(
            "config: {{ target: 'ws://{target}', processor: functions.js }}\nscenarios:\n- engine: ws\n{hooks}  flow:\n  - connect: 'ws://{target}/{{{{ path }}}}'\n  - send: {{ payload: '1', expect: {{ hasProperty: {expect} }} }}\n"
        )
    };
    let around = "  beforeScenario: first\n  afterScenario: last\n  onError: failed\n";
    let program = compile(folder.path(), &written(around, "id")).expect("a script that can be played");
    let report = mainstay_scenario::test::play(&program, tokio_util::sync::CancellationToken::new()).await;
    assert!(report.passed(), "{:#?}", report.lines());
    assert_eq!(next(&mut seen).await["path"], "/from-function", "the function is called before the connection is there");
    assert!(report.lines().iter().any(|line| line.contains("last from-function")), "{:#?}", report.lines());

    let program = compile(folder.path(), &written(around, "none")).expect("a script that can be played");
    let report = mainstay_scenario::test::play(&program, tokio_util::sync::CancellationToken::new()).await;
    let said = report.lines().join("\n");
    assert!(!report.passed() && said.contains("failed: hasProperty"), "{said}");

    for hook in ["beforeRequest", "afterResponse"] {
        let told = compile(folder.path(), &written(&format!("  {hook}: first\n"), "id")).unwrap_err().join("\n");
        assert!(told.contains(&format!("`{hook}` is called for HTTP requests, and engine ws sends none")), "{told}");
    }
}
