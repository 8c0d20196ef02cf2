//! Journeys of gRPC calls, against a server on this machine.

mod support;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use prost::Message;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_stream::wrappers::TcpListenerStream;
use tokio_util::sync::CancellationToken;
use tonic::body::Body;
use tonic::server::{Grpc, NamedService};
use tonic::{Code, Request, Response, Status, Streaming};
use tonic_prost::ProstCodec;
use tower::service_fn;

use support::{compile, failure, load, play, self_signed, steps};

/// Its messages, and a file that it imports.
const SHOP: &str = r#"
syntax = "proto3";
package shop;
import "money.proto";
message Order { string id = 1; int64 number = 2; Money price = 3; repeated Line lines = 4; map<string, string> labels = 5; int32 left_over = 6; State state = 7; }
message Line { string tea = 1; int32 count = 2; }
enum State { STATE_UNKNOWN = 0; STATE_PAID = 1; }
message Wanted { string id = 1; int32 count = 2; }
service Orders {
  rpc Get (Wanted) returns (Order);
  rpc Put (Order) returns (Wanted);
  rpc Watch (Wanted) returns (stream Order);
  rpc Sum (stream Line) returns (Wanted);
}
"#;
const MONEY: &str = r#"syntax = "proto3"; package shop; message Money { int64 units = 1; string currency = 2; }"#;

#[derive(Clone, PartialEq, Message)]
struct Order {
    #[prost(string, tag = "1")]
    id: String,
    #[prost(int64, tag = "2")]
    number: i64,
    #[prost(message, optional, tag = "3")]
    price: Option<Money>,
    #[prost(message, repeated, tag = "4")]
    lines: Vec<Line>,
}

#[derive(Clone, PartialEq, Message)]
struct Money {
    #[prost(int64, tag = "1")]
    units: i64,
    #[prost(string, tag = "2")]
    currency: String,
}

#[derive(Clone, PartialEq, Message)]
struct Line {
    #[prost(string, tag = "1")]
    tea: String,
    #[prost(int32, tag = "2")]
    count: i32,
}

#[derive(Clone, PartialEq, Message)]
struct Wanted {
    #[prost(string, tag = "1")]
    id: String,
    #[prost(int32, tag = "2")]
    count: i32,
}

#[derive(Clone)]
struct Orders;

impl NamedService for Orders {
    const NAME: &'static str = "shop.Orders";
}

type Answer = Pin<Box<dyn Future<Output = Result<http::Response<Body>, Infallible>> + Send>>;

impl tower::Service<http::Request<Body>> for Orders {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Answer;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Answer {
        Box::pin(async move {
            Ok(match request.uri().path() {
                "/shop.Orders/Get" => Grpc::new(ProstCodec::default()).unary(service_fn(get), request).await,
                "/shop.Orders/Put" => Grpc::new(ProstCodec::default()).unary(service_fn(put), request).await,
                "/shop.Orders/Watch" => Grpc::new(ProstCodec::default()).server_streaming(service_fn(watch), request).await,
                "/shop.Orders/Sum" => Grpc::new(ProstCodec::default()).client_streaming(service_fn(sum), request).await,
                _ => Status::unimplemented("no such method").into_http(),
            })
        })
    }
}

fn order(id: &str, number: i64) -> Order {
    let price = Some(Money { units: 12, currency: "EUR".to_owned() });
    Order { id: id.to_owned(), number, price, lines: vec![Line { tea: "assam".to_owned(), count: 2 }] }
}

async fn get(request: Request<Wanted>) -> Result<Response<Order>, Status> {
    let token = request.metadata().get("x-token").and_then(|token| token.to_str().ok()).map(str::to_owned);
    match request.into_inner().id.as_str() {
        "missing" => Err(Status::new(Code::NotFound, "no order \"missing\"; café")),
        "slow" => {
            tokio::time::sleep(Duration::from_secs(5)).await;
            Err(Status::internal("too late"))
        }
        "token" => Ok(Response::new(order(&token.unwrap_or_default(), 1))),
        id => {
            let mut answer = Response::new(order(id, i64::MAX));
            answer.metadata_mut().insert("x-served-by", "one".parse().expect("metadata"));
            Ok(answer)
        }
    }
}

async fn put(request: Request<Order>) -> Result<Response<Wanted>, Status> {
    let order = request.into_inner();
    let count = order.lines.iter().map(|line| line.count).sum();
    Ok(Response::new(Wanted { id: format!("{}-{}", order.id, order.number), count }))
}

type Stream = tokio_stream::Iter<std::vec::IntoIter<Result<Order, Status>>>;

async fn watch(request: Request<Wanted>) -> Result<Response<Stream>, Status> {
    let orders: Vec<_> = (0..request.into_inner().count).map(|number| Ok(order("w", number.into()))).collect();
    Ok(Response::new(tokio_stream::iter(orders)))
}

async fn sum(request: Request<Streaming<Line>>) -> Result<Response<Wanted>, Status> {
    let mut lines = request.into_inner();
    let mut wanted = Wanted::default();
    while let Some(line) = lines.message().await? {
        wanted.count += line.count;
        wanted.id += &line.tea;
    }
    Ok(Response::new(wanted))
}

#[derive(Clone, Copy, PartialEq)]
enum Reflection {
    V1,
    V1Alpha,
    None,
}

async fn server(reflection: Reflection) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let folder = tempfile::tempdir().expect("a folder");
    write_protos(folder.path());
    let files = protox::compile(["shop.proto"], [folder.path()]).expect("a schema");
    let told = || tonic_reflection::server::Builder::configure().register_file_descriptor_set(files.clone());
    let router = tonic::transport::Server::builder().add_service(Orders);
    let router = match reflection {
        Reflection::V1 => router.add_service(told().build_v1().expect("a service")),
        Reflection::V1Alpha => router.add_service(told().build_v1alpha().expect("a service")),
        Reflection::None => router,
    };
    tokio::spawn(router.serve_with_incoming(TcpListenerStream::new(listener)));
    address
}

fn write_protos(folder: &std::path::Path) {
    std::fs::write(folder.join("shop.proto"), SHOP).expect("the folder can be written");
    std::fs::write(folder.join("money.proto"), MONEY).expect("the folder can be written");
}

fn script(target: SocketAddr, config: &str, calls: &[&str]) -> String {
    let flow: String = calls.iter().map(|call| format!("  - call: {call}\n")).collect();
    format!("config:\n  target: http://{target}\n{config}\nscenarios:\n- engine: grpc\n  flow:\n{flow}")
}

const GET: &str = "{ service: shop.Orders, method: Get, message: { id: a1 }, capture: [{ json: $.price.units, as: units }, { json: $.number, as: number }, { json: $.leftOver, as: left }, { header: x-served-by, as: server }] }";

/// TLS in front of a server that has none. Returns its port.
async fn with_tls(behind: SocketAddr, acceptor: TlsAcceptor) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let (Ok(mut stream), Ok(mut plain)) = (acceptor.accept(stream).await, TcpStream::connect(behind).await) else { return };
                // Whoever closes first ends both.
                let _ = tokio::io::copy_bidirectional(&mut stream, &mut plain).await;
            });
        }
    });
    port
}

#[tokio::test]
async fn a_server_must_show_a_certificate_that_is_trusted() {
    let (acceptor, authority) = self_signed(&["h2"]);
    let port = with_tls(server(Reflection::V1).await, acceptor).await;
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("ca.pem"), authority).expect("the folder can be written");
    let play = async |host: &str, tls: &str| {
        let written = format!("config:\n  target: https://{host}:{port}\n{tls}\nscenarios:\n- engine: grpc\n  flow:\n  - call: {GET}\n");
        let program = compile(folder.path(), &written).expect("a script that can be played");
        mainstay_scenario::test::play(&program, CancellationToken::new()).await
    };
    let told = failure(&play("localhost", "").await);
    assert!(told.contains("no certificate to be trusted: its issuer is unknown; name the issuer's certificate in `config.tls.ca`"), "{told}");
    for tls in ["  tls: { rejectUnauthorized: false }", "  tls: { ca: ca.pem }"] {
        let report = play("localhost", tls).await;
        assert!(report.passed(), "{tls}: {:#?}", report.lines());
        assert_eq!(steps(&report)[0].captures["units"], "12");
    }
    let other = failure(&play("127.0.0.1", "  tls: { ca: ca.pem }").await);
    assert!(other.contains("no certificate to be trusted"), "{other}");
    let named = play("127.0.0.1", "  tls: { ca: ca.pem, serverName: localhost }").await;
    assert!(named.passed(), "{:#?}", named.lines());
}

#[tokio::test]
async fn functions_are_called_around_a_journey_and_not_around_requests_that_it_has_not() {
    let target = server(Reflection::V1).await;
    let folder = tempfile::tempdir().expect("a folder");
    let functions = "exports.first = (context, events, done) => { context.vars.order = 'o-7'; done(); };
exports.last = (context, events, done) => { console.log(`last ${context.vars.id}`); done(); };
exports.failed = (error, params, context, events, done) => { console.log(`failed: ${error.message}`); done(); };";
    std::fs::write(folder.path().join("functions.js"), functions).expect("the folder can be written");
    let written = |hooks: &str, id: &str| {
        let call = format!("{{ service: shop.Orders, method: Get, message: {{ id: '{id}' }}, capture: {{ json: $.id, as: id }} }}");
        format!("config: {{ target: 'http://{target}', processor: functions.js }}\nscenarios:\n- engine: grpc\n{hooks}  flow:\n  - call: {call}\n")
    };
    let play = async |script: &str| {
        let program = compile(folder.path(), script).expect("a script that can be played");
        mainstay_scenario::test::play(&program, CancellationToken::new()).await
    };
    let around = "  beforeScenario: first\n  afterScenario: last\n  onError: failed\n";
    let report = play(&written(around, "{{ order }}")).await;
    assert!(report.passed() && report.lines().iter().any(|line| line.contains("last o-7")), "{:#?}", report.lines());
    let report = play(&written(around, "missing")).await;
    assert!(!report.passed() && report.lines().iter().any(|line| line.contains("failed: statusCode")), "{:#?}", report.lines());
    for hook in ["beforeRequest", "afterResponse"] {
        let told = compile(folder.path(), &written(&format!("  {hook}: first\n"), "a1")).unwrap_err().join("\n");
        assert!(told.contains(&format!("`{hook}` is called for HTTP requests, and engine grpc sends none")), "{told}");
    }
}

/// The same calls with a schema from files and from reflection of either age.
#[tokio::test]
async fn calls_are_made_by_the_schema_of_files_or_of_the_server() {
    let put = "{ service: shop.Orders, method: Put, name: put, metadata: { x-trace: '{{ units }}' }, message: { id: '{{ server }}', number: '{{ number }}', lines: [{ tea: assam, count: 2 }, { count: '{{ units }}' }], labels: { a: b }, left_over: 1, state: STATE_PAID }, capture: { json: $.id, as: id }, expect: [{ statusCode: OK }, { hasProperty: count }] }";
    let watch = "{ service: shop.Orders, method: Watch, message: { count: 3 }, capture: [{ json: $.count, as: count }, { json: $.last.number, as: last }] }";
    let sum = "{ service: shop.Orders, method: Sum, message: [{ tea: a, count: 1 }, { tea: b, count: 2 }], expect: { jmespath: count, equals: 3 } }";
    for (reflection, config) in [
        (Reflection::None, "  grpc: { protos: [proto/shop.proto] }"),
        (Reflection::V1, ""),
        (Reflection::V1Alpha, ""),
    ] {
        let target = server(reflection).await;
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("proto")).expect("the folder can be written");
        write_protos(&folder.path().join("proto"));
        let program = compile(folder.path(), &script(target, config, &[GET, put, watch, sum])).expect("a script");
        let report = mainstay_scenario::test::play(&program, CancellationToken::new()).await;
        assert!(report.passed(), "{:#?}", report.lines());
        let steps = steps(&report);
        assert_eq!((steps[0].method.as_str(), steps[0].status), ("CALL", Some(0)));
        assert_eq!(steps[0].name, "shop.Orders/Get");
        assert!(steps[0].connect_ms.is_some() && steps[1].connect_ms.is_none(), "one connection for all calls");
        assert_eq!((steps[0].captures["units"].as_str(), steps[0].captures["number"].as_str()), ("12", "9223372036854775807"));
        assert_eq!((steps[0].captures["left"].as_str(), steps[0].captures["server"].as_str()), ("0", "one"));
        assert_eq!((steps[1].name.as_str(), steps[1].captures["id"].as_str()), ("put", "one-9223372036854775807"));
        assert_eq!((steps[2].captures["count"].as_str(), steps[2].captures["last"].as_str()), ("3", "2"));
    }
}

#[tokio::test]
async fn metadata_is_sent_and_a_status_can_be_expected() {
    let target = server(Reflection::V1).await;
    let config = "  variables: { name: [Luna] }\n  grpc: { metadata: { x-token: 'for {{ name }}' } }";
    let calls = [
        "{ service: shop.Orders, method: Get, message: { id: token }, expect: { jmespath: id, equals: for Luna } }",
        "{ service: shop.Orders, method: Get, message: { id: token }, metadata: { x-token: own }, expect: { jmespath: id, equals: own } }",
        "{ service: shop.Orders, method: Get, message: { id: missing }, expect: [{ statusCode: NOT_FOUND }, { jmespath: message, equals: 'no order \"missing\"; café' }] }",
        "{ service: shop.Orders, method: Get, message: { id: missing }, expect: { statusCode: [0, 5] } }",
        "{ service: shop.Orders, method: Get, message: { id: slow }, deadline: 100ms, expect: { statusCode: DEADLINE_EXCEEDED } }",
    ];
    let report = play(&script(target, config, &calls)).await;
    assert!(report.passed(), "{:#?}", report.lines());
    assert_eq!(steps(&report).iter().map(|step| step.status).collect::<Vec<_>>(), [Some(0), Some(0), Some(5), Some(5), Some(4)]);
}

#[tokio::test]
async fn what_fails_says_so() {
    let nobody = TcpListener::bind("127.0.0.1:0").await.expect("a port").local_addr().expect("an address");
    let (told, silent) = (server(Reflection::V1).await, server(Reflection::None).await);
    let call = |service: &str, method: &str, message: &str| format!("{{ service: {service}, method: {method}, message: {message} }}");
    let get = |message: &str| call("shop.Orders", "Get", message);
    for (target, call, says) in [
        (nobody, get("{}"), "refused the connection: nothing listens there"),
        (silent, get("{}"), "does not tell its schema (no server reflection): name the .proto files in `config.grpc.protos`"),
        (told, call("shop.Order", "Get", "{}"), "there is no service `shop.Order`; did you mean `shop.Orders`?"),
        (told, call("shop.Orders", "Gett", "{}"), "the service `shop.Orders` has no method `Gett`; did you mean `Get`?"),
        (told, get("{ conut: 1 }"), "the message is no shop.Wanted: it has no field `conut`; did you mean `count`?"),
        (told, get("{ count: many }"), "the message is no shop.Wanted: "),
        (told, get("[{ id: a }]"), "`shop.Orders.Get` takes one message"),
        (told, get("{ id: missing }"), "statusCode: expected 0, got 5"),
        (told, get("{ id: slow }"), "no whole answer within 300 ms"),
    ] {
        let report = play(&script(target, "  http: { timeout: 0.3 }", &[&call])).await;
        assert!(failure(&report).contains(says), "{}\ninstead of {says}", failure(&report));
    }
    let missing = play(&script(told, "", &[&get("{ id: missing }")])).await;
    let response = steps(&missing)[0].response.as_ref().expect("what came instead");
    assert!(response.body.contains("\"status\":\"NOT_FOUND\""), "{}", response.body);
}

#[tokio::test]
async fn a_load_counts_calls_by_their_status() {
    let target = server(Reflection::V1).await;
    let config = "  phases: [{ duration: 1, arrivalRate: 20 }]
  ensure: { thresholds: [{ grpc.response_time.p95: 500 }], conditions: [{ expression: grpc.requests == 40 and grpc.codes.5 == 20 and http.requests == 0 }] }";
    let missing = "{ service: shop.Orders, method: Get, name: missing, message: { id: missing }, expect: { statusCode: 5 } }";
    let report = load(&script(target, config, &[GET, missing])).await;
    assert_eq!((report.vusers.completed, report.vusers.failed), (20, 0), "{:?}", report.errors);
    assert_eq!((report.requests, report.responses), (40, 40));
    assert_eq!((report.codes[&0], report.codes[&5]), (20, 20));
    assert!(report.verdicts.iter().all(|verdict| verdict.holds), "{:?}", report.verdicts);
}

#[test]
fn a_script_that_does_not_fit_its_files_says_why() {
    let folder = tempfile::tempdir().expect("a folder");
    write_protos(folder.path());
    std::fs::write(folder.path().join("bad.proto"), "syntax = \"proto3\"; message A { Nothing b = 1; }").expect("written");
    let told = |protos: &str, call: &str| {
        let target = "127.0.0.1:1".parse().expect("an address");
        compile(folder.path(), &script(target, &format!("  grpc: {{ protos: [{protos}] }}"), &[call])).unwrap_err().join("\n")
    };
    let call = |service: &str, method: &str, rest: &str| format!("{{ service: {service}, method: {method}, {rest} }}");
    for (protos, call, says) in [
        ("shop.proto", call("shop.orders", "Get", "message: {}"), "there is no service `shop.orders`; did you mean `shop.Orders`?"),
        ("shop.proto", call("shop.Orders", "Replace", "message: {}"), "has no method `Replace`; there are: Get, Put, Watch, Sum"),
        ("shop.proto", call("shop.Orders", "Put", "message: { lines: [{ tee: a }] }"), "`lines` is no shop.Line: it has no field `tee`; did you mean `tea`?"),
        ("shop.proto", call("shop.Orders", "Get", "message: [{}]"), "takes one message"),
        ("shop.proto", call("shop.Orders", "Get", "expect: { statusCode: NOTFOUND }"), "there is no status `NOTFOUND`; did you mean `NOT_FOUND`?"),
        ("bad.proto", call("shop.Orders", "Get", "message: {}"), "`config.grpc.protos`: name 'Nothing' is not defined"),
    ] {
        assert!(told(protos, &call).contains(says), "{}\ninstead of {says}", told(protos, &call));
    }
}
