use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use axum::body::{Body, to_bytes};
use axum::http::{Request, Response, StatusCode};
use bytes::Bytes;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse};
use prost::Message;
use proptest::prelude::*;
use telemetry::ports::Accepted;
use telemetry::{Export, ExportBody, Signal, SignalSink, SinkError};
use tokio::sync::Notify;
use tonic::Code;
use tonic::codec::CompressionEncoding;
use tonic_types::StatusExt;
use tower::ServiceExt;

use super::{Limits, otlp_grpc, otlp_http};

const TRACE: &str = r#"{"resourceSpans": [{"scopeSpans": [{"spans": [
    {"name": "pay", "traceId": "5b8efff798038103d269b633813fc60c", "spanId": "eee19b7ec3c1b174", "startTimeUnixNano": "5", "endTimeUnixNano": "6"}]}]}]}"#;
const LOG: &str = r#"{"resourceLogs": [{"scopeLogs": [{"logRecords": [{"timeUnixNano": "5", "body": {"stringValue": "paid"}}]}]}]}"#;
const METRIC: &str = r#"{"resourceMetrics": [{"scopeMetrics": [{"metrics": [{"name": "m", "gauge": {"dataPoints": [{"timeUnixNano": "5", "asInt": "1"}]}}]}]}]}"#;

/// Keeps what it is given, or fails as told.
#[derive(Default)]
struct Sink {
    written: Mutex<Vec<Export>>,
    failure: Option<fn() -> SinkError>,
    /// Holds writes back until notified.
    gate: Option<(Notify, Notify)>,
}

#[async_trait]
impl SignalSink for Sink {
    async fn write(&self, export: Export) -> Result<Accepted, SinkError> {
        if let Some((entered, leave)) = &self.gate {
            entered.notify_one();
            leave.notified().await;
        }
        if let Some(failure) = self.failure {
            return Err(failure());
        }
        self.written.lock().expect("not poisoned").push(export);
        Ok(Accepted::default())
    }
}

fn failing(failure: fn() -> SinkError) -> Arc<Sink> {
    Arc::new(Sink { failure: Some(failure), ..Sink::default() })
}

fn small() -> Limits {
    Limits { request_bytes_max: 4_096, in_flight_bytes_max: 16_384, request_timeout: Duration::from_secs(10) }
}

fn protobuf(signal: Signal, json: &str) -> Bytes {
    Export::from_json(signal, json.as_bytes()).expect("valid").payload
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("writes to memory");
    encoder.finish().expect("writes to memory")
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("writes to memory");
    encoder.finish().expect("writes to memory")
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).expect("writes to memory")
}

/// Over HTTP.
mod http {
    use super::*;

    const JSON: &str = "application/json";
    const PROTOBUF: &str = "application/x-protobuf";

    fn post(path: &str, content_type: &str, encoding: &str, body: impl Into<Body>) -> Request<Body> {
        let request = Request::post(path).header("content-type", content_type).header("content-encoding", encoding);
        request.body(body.into()).expect("a valid request")
    }

    async fn send(sink: &Arc<Sink>, request: Request<Body>) -> (StatusCode, String, Bytes) {
        let response = answer(sink, request).await;
        let content_type = response.headers()["content-type"].to_str().expect("text").to_owned();
        let status = response.status();
        (status, content_type, to_bytes(response.into_body(), 1 << 20).await.expect("a body"))
    }

    async fn answer(sink: &Arc<Sink>, request: Request<Body>) -> Response<Body> {
        otlp_http::router(sink.clone(), small()).oneshot(request).await.expect("always answers")
    }

    #[tokio::test]
    async fn each_signal_arrives_in_each_format_and_compression() {
        let sink = Arc::new(Sink::default());
        let compressions: [(&str, fn(&[u8]) -> Vec<u8>); 4] =
            [("identity", <[u8]>::to_vec), ("gzip", gzip), ("zstd", zstd), ("deflate", zlib)];
        for (signal, path, json) in
            [(Signal::Spans, "/v1/traces", TRACE), (Signal::Logs, "/v1/logs", LOG), (Signal::Metrics, "/v1/metrics", METRIC)]
        {
            let expected = protobuf(signal, json);
            for (encoding, compress) in compressions {
                let answer = send(&sink, post(path, "application/json; charset=utf-8", encoding, compress(json.as_bytes()))).await;
                assert_eq!(answer, (StatusCode::OK, JSON.to_owned(), Bytes::from("{}")), "{path} {encoding}");
                let answer = send(&sink, post(path, PROTOBUF, encoding, compress(&expected))).await;
                assert_eq!(answer, (StatusCode::OK, PROTOBUF.to_owned(), Bytes::new()), "{path} {encoding}");
                for export in sink.written.lock().expect("not poisoned").drain(..) {
                    assert_eq!(export.payload, expected);
                }
            }
        }
    }

    #[tokio::test]
    async fn a_partial_success_says_how_many_and_why() {
        let sink = Arc::new(Sink::default());
        let json = TRACE.replace("eee19b7ec3c1b174", "00");
        let (status, _, body) = send(&sink, post("/v1/traces", JSON, "identity", json.clone())).await;
        let answer: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
        assert_eq!((status, &answer["partialSuccess"]["rejectedSpans"]), (StatusCode::OK, &"1".into()));
        let (_, _, body) = send(&sink, post("/v1/traces", PROTOBUF, "identity", protobuf(Signal::Spans, &json))).await;
        let partial = ExportTraceServiceResponse::decode(body).expect("protobuf").partial_success.expect("partial");
        assert_eq!(partial.rejected_spans, 1);
        assert!(partial.error_message.contains("span id"), "{}", partial.error_message);
    }

    #[tokio::test]
    async fn faults_of_the_sender_are_not_worth_repeating() {
        let sink = Arc::new(Sink::default());
        let large = "x".repeat(5_000);
        let bomb = vec![b' '; 1 << 20];
        for (request, expected, code) in [
            (post("/v1/traces", JSON, "identity", "{"), StatusCode::BAD_REQUEST, 3),
            (post("/v1/traces", PROTOBUF, "identity", "\u{1}\u{2}"), StatusCode::BAD_REQUEST, 3),
            (post("/v1/traces", JSON, "gzip", "not gzip"), StatusCode::BAD_REQUEST, 3),
            (post("/v1/traces", JSON, "zstd", "not zstd"), StatusCode::BAD_REQUEST, 3),
            (post("/v1/traces", JSON, "br", "{}"), StatusCode::UNSUPPORTED_MEDIA_TYPE, 3),
            (post("/v1/traces", "text/plain", "identity", "{}"), StatusCode::UNSUPPORTED_MEDIA_TYPE, 3),
            (post("/v1/traces", JSON, "identity", large), StatusCode::PAYLOAD_TOO_LARGE, 8),
            (post("/v1/traces", JSON, "gzip", gzip(&bomb)), StatusCode::PAYLOAD_TOO_LARGE, 8),
            (post("/v1/traces", PROTOBUF, "zstd", zstd(&bomb)), StatusCode::PAYLOAD_TOO_LARGE, 8),
            (post("/v1/traces", JSON, "deflate", zlib(&bomb)), StatusCode::PAYLOAD_TOO_LARGE, 8),
            (post("/v1/trace", JSON, "identity", "{}"), StatusCode::NOT_FOUND, 5),
            (Request::get("/v1/traces").body(Body::empty()).expect("valid"), StatusCode::METHOD_NOT_ALLOWED, 12),
        ] {
            let (status, content_type, body) = send(&sink, request).await;
            assert_eq!(status, expected, "{}", String::from_utf8_lossy(&body));
            let (told, message) = rpc_status(&content_type, &body);
            assert_eq!(told, code, "{message}");
            assert!(!message.is_empty());
        }
        assert!(sink.written.lock().expect("not poisoned").is_empty());
    }

    #[tokio::test]
    async fn a_busy_or_broken_store_is_worth_repeating() {
        let busy = failing(|| SinkError::Busy { retry_after_s: 7 });
        let response = answer(&busy, post("/v1/logs", JSON, "identity", LOG)).await;
        assert_eq!((response.status(), response.headers()["retry-after"].as_bytes()), (StatusCode::SERVICE_UNAVAILABLE, &b"7"[..]));
        let broken = failing(|| SinkError::Storage("the disk is full".into()));
        let (status, _, body) = send(&broken, post("/v1/logs", JSON, "identity", LOG)).await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(!String::from_utf8_lossy(&body).contains("disk"), "the cause is for the operator");
    }

    #[tokio::test]
    async fn what_is_in_flight_is_bounded() {
        let sink = Arc::new(Sink { gate: Some(Default::default()), ..Sink::default() });
        let limits = Limits { in_flight_bytes_max: LOG.len() + 10, ..small() };
        let router = otlp_http::router(sink.clone(), limits);
        let first = tokio::spawn(router.clone().oneshot(post("/v1/logs", JSON, "identity", LOG)));
        let (entered, leave) = sink.gate.as_ref().expect("gated");
        entered.notified().await;
        let second = router.clone().oneshot(post("/v1/logs", JSON, "identity", LOG)).await.expect("answers");
        assert_eq!(second.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(second.headers().contains_key("retry-after"));
        leave.notify_one();
        assert_eq!(first.await.expect("runs").expect("answers").status(), StatusCode::OK);
        leave.notify_one();
        let third = router.oneshot(post("/v1/logs", JSON, "identity", LOG)).await.expect("answers");
        assert_eq!(third.status(), StatusCode::OK, "the room is given back");
    }

    #[tokio::test]
    async fn a_body_that_never_ends_times_out() {
        let endless = Body::from_stream(futures::stream::pending::<Result<Bytes, std::io::Error>>());
        let router = otlp_http::router(Arc::new(Sink::default()), Limits { request_timeout: Duration::from_millis(20), ..small() });
        let response = router.oneshot(post("/v1/logs", JSON, "identity", endless)).await.expect("answers");
        assert_eq!(response.status(), StatusCode::REQUEST_TIMEOUT);
    }

    fn rpc_status(content_type: &str, body: &[u8]) -> (i32, String) {
        if content_type == PROTOBUF {
            let status = tonic_types::Status::decode(body).expect("a google.rpc.Status");
            return (status.code, status.message);
        }
        assert_eq!(content_type, JSON);
        let status: serde_json::Value = serde_json::from_slice(body).expect("JSON");
        (status["code"].as_i64().expect("a code") as i32, status["message"].as_str().expect("a message").to_owned())
    }

    proptest! {
        /// Whatever comes, the answer is one that the specification knows, in the request's format.
        #[test]
        fn any_bytes_get_an_answer_by_the_protocol(mutation in mutation(), json: bool, compression in 0_usize..4) {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            let (encoding, compress): (_, fn(&[u8]) -> Vec<u8>) =
                [("identity", <[u8]>::to_vec as fn(&[u8]) -> Vec<u8>), ("gzip", gzip), ("zstd", zstd), ("deflate", zlib)][compression];
            let plain = if json { TRACE.as_bytes().to_vec() } else { protobuf(Signal::Spans, TRACE).to_vec() };
            let content_type = if json { JSON } else { PROTOBUF };
            for body in [mutation.apply(compress(&plain)), compress(&mutation.apply(plain))] {
                let request = post("/v1/traces", content_type, encoding, body);
                let (status, answered, body) = runtime.block_on(send(&Arc::new(Sink::default()), request));
                prop_assert_eq!(&answered, content_type);
                if status == StatusCode::OK {
                    prop_assert!(json || ExportTraceServiceResponse::decode(body).is_ok());
                } else {
                    prop_assert!([StatusCode::BAD_REQUEST, StatusCode::PAYLOAD_TOO_LARGE].contains(&status), "{status}");
                    rpc_status(&answered, &body);
                }
            }
        }
    }
}

/// Over gRPC.
mod grpc {
    use tonic::transport::Channel;

    use super::*;

    const PATH: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

    /// A real client on a real connection.
    async fn client(sink: Arc<Sink>) -> TraceServiceClient<Channel> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        tokio::spawn(axum::serve(listener, otlp_grpc::router(sink, small())).into_future());
        TraceServiceClient::connect(format!("http://{address}")).await.expect("connects")
    }

    fn request(json: &str) -> ExportTraceServiceRequest {
        match Export::from_json(Signal::Spans, json.as_bytes()).expect("valid").body {
            ExportBody::Spans(request) => request,
            other => panic!("not spans: {other:?}"),
        }
    }

    #[tokio::test]
    async fn spans_arrive_whatever_the_compression() {
        let sink = Arc::new(Sink::default());
        let plain = client(sink.clone()).await;
        let gzip = plain.clone().send_compressed(CompressionEncoding::Gzip);
        let zstd = plain.clone().send_compressed(CompressionEncoding::Zstd);
        for mut client in [plain, gzip, zstd] {
            let answer = client.export(request(TRACE)).await.expect("accepted").into_inner();
            assert_eq!(answer.partial_success, None);
        }
        let written = sink.written.lock().expect("not poisoned");
        assert_eq!(written.len(), 3);
        assert!(written.iter().all(|export| export.payload == protobuf(Signal::Spans, TRACE)));
    }

    #[tokio::test]
    async fn a_partial_success_says_how_many_and_why() {
        let mut client = client(Arc::new(Sink::default())).await;
        let answer = client.export(request(&TRACE.replace("eee19b7ec3c1b174", "00"))).await.expect("accepted").into_inner();
        assert_eq!(answer.partial_success.expect("partial").rejected_spans, 1);
    }

    #[tokio::test]
    async fn a_busy_store_names_the_time_to_wait() {
        let mut client = client(failing(|| SinkError::Busy { retry_after_s: 7 })).await;
        let status = client.export(request(TRACE)).await.expect_err("busy");
        assert_eq!(status.code(), Code::Unavailable);
        let delay = status.get_details_retry_info().expect("RetryInfo").retry_delay;
        assert_eq!(delay, Some(Duration::from_secs(7)));
    }

    #[tokio::test]
    async fn a_request_that_is_too_large_is_not_worth_repeating() {
        let plain = client(Arc::new(Sink::default())).await;
        let compressed = plain.clone().send_compressed(CompressionEncoding::Zstd);
        let large = request(&TRACE.replace("pay", &"pay ".repeat(2_000)));
        for mut client in [plain, compressed] {
            let status = client.export(large.clone()).await.expect_err("too large");
            assert_eq!(status.code(), Code::ResourceExhausted, "{status}");
            assert!(status.get_details_retry_info().is_none());
            assert!(status.message().contains("4096 bytes"), "{status}");
        }
    }

    #[tokio::test]
    async fn what_is_in_flight_is_bounded() {
        let sink = Arc::new(Sink::default());
        let router = otlp_grpc::router(sink, Limits { in_flight_bytes_max: 30, ..small() });
        let response = router.oneshot(framed(PATH, "identity", 0, &protobuf(Signal::Spans, TRACE))).await.expect("answers");
        let status = tonic::Status::from_header_map(response.headers()).expect("a status");
        assert_eq!(status.code(), Code::Unavailable, "{status}");
        assert!(status.get_details_retry_info().is_some());
    }

    #[tokio::test]
    async fn faults_of_the_sender_are_named() {
        let payload = protobuf(Signal::Spans, TRACE);
        for (request, expected) in [
            (framed(PATH, "identity", 0, b"\x01\x02"), Code::InvalidArgument),
            (framed(PATH, "gzip", 1, b"not gzip"), Code::InvalidArgument),
            (framed(PATH, "zstd", 1, b"not zstd"), Code::InvalidArgument),
            (framed(PATH, "identity", 9, &payload), Code::InvalidArgument),
            (framed(PATH, "br", 1, &payload), Code::Unimplemented),
            (framed("/opentelemetry.proto.collector.trace.v1.TraceService/Import", "identity", 0, &payload), Code::Unimplemented),
            (framed("/some.other.Service/Export", "identity", 0, &payload), Code::Unimplemented),
        ] {
            assert_eq!(code(request).await, Some(expected));
        }
    }

    /// A gRPC request with one message behind its five-byte prefix.
    fn framed(path: &str, encoding: &str, flag: u8, message: &[u8]) -> Request<Body> {
        let mut body = vec![flag];
        body.extend_from_slice(&(message.len() as u32).to_be_bytes());
        body.extend_from_slice(message);
        raw(path, encoding, body)
    }

    fn raw(path: &str, encoding: &str, body: Vec<u8>) -> Request<Body> {
        let request = Request::post(path).header("content-type", "application/grpc").header("te", "trailers");
        request.header("grpc-encoding", encoding).body(Body::from(body)).expect("a valid request")
    }

    /// The status, if it is not in the trailers, which is where success says so.
    async fn code(request: Request<Body>) -> Option<Code> {
        let router = otlp_grpc::router(Arc::new(Sink::default()), small());
        let response = router.oneshot(request).await.expect("always answers");
        assert_eq!(response.status(), StatusCode::OK);
        let code = tonic::Status::from_header_map(response.headers()).map(|status| status.code());
        to_bytes(response.into_body(), 1 << 20).await.expect("a body");
        code
    }

    proptest! {
        #[test]
        fn any_bytes_get_an_answer_by_the_protocol(mutation in mutation(), compression in 0_usize..3, framing: bool) {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            let payload = protobuf(Signal::Spans, TRACE).to_vec();
            let (encoding, message) =
                [("identity", payload.clone()), ("gzip", gzip(&payload)), ("zstd", zstd(&payload))][compression].clone();
            let flag = u8::from(compression > 0);
            let request = if framing {
                let mut body = vec![flag, 0, 0, 0, message.len() as u8];
                body.extend(message);
                raw(PATH, encoding, mutation.apply(body))
            } else {
                framed(PATH, encoding, flag, &mutation.apply(message))
            };
            let code = runtime.block_on(code(request));
            prop_assert!(matches!(code, None | Some(Code::InvalidArgument | Code::ResourceExhausted)), "{code:?}");
        }
    }
}

/// Changes one byte, then cuts.
#[derive(Debug, Clone)]
struct Mutation {
    at: usize,
    byte: u8,
    keep: usize,
}

impl Mutation {
    fn apply(&self, mut bytes: Vec<u8>) -> Vec<u8> {
        let at = self.at % bytes.len();
        bytes[at] = self.byte;
        bytes.truncate(self.keep);
        bytes
    }
}

fn mutation() -> impl Strategy<Value = Mutation> {
    (any::<usize>(), any::<u8>(), prop_oneof![Just(usize::MAX), 0_usize..200]).prop_map(|(at, byte, keep)| Mutation { at, byte, keep })
}
