//! OTLP over gRPC.
//!
//! The messages are taken as bytes and decoded here, so that the payload reaches the sink as it came
//! and a malformed one is the sender's fault. Source: OpenTelemetry Protocol, "OTLP/gRPC".

use std::convert::Infallible;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::Body as AxumBody;
use bytes::{Buf, BufMut, Bytes};
use futures::TryStreamExt;
use kernel::{Classified, Kind};
use telemetry::{Export, Signal, SignalSink};
use tonic::body::Body;
use tonic::codec::{Codec, CompressionEncoding, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::http;
use tonic::server::{Grpc, NamedService, UnaryService};
use tonic::service::Routes;
use tonic::{Code, Request, Response, Status};
use tonic_types::{ErrorDetails, StatusExt};

use super::intake::{Hold, Intake, IntakeError, Limits, success_message};

/// The three services. Needs a server that speaks HTTP/2.
pub fn router(sink: Arc<dyn SignalSink>, limits: Limits) -> Router {
    let intake = Intake::new(sink, limits);
    Routes::new(Collector::<Logs>::new(&intake))
        .add_service(Collector::<Traces>::new(&intake))
        .add_service(Collector::<Metrics>::new(&intake))
        .prepare()
        .into_axum_router()
}

/// One of OTLP's services, each with the one method `Export`.
trait ExportService: Send + Sync + 'static {
    const NAME: &'static str;
    const SIGNAL: Signal;
}

struct Logs;
struct Traces;
struct Metrics;

impl ExportService for Logs {
    const NAME: &'static str = "opentelemetry.proto.collector.logs.v1.LogsService";
    const SIGNAL: Signal = Signal::Logs;
}

impl ExportService for Traces {
    const NAME: &'static str = "opentelemetry.proto.collector.trace.v1.TraceService";
    const SIGNAL: Signal = Signal::Spans;
}

impl ExportService for Metrics {
    const NAME: &'static str = "opentelemetry.proto.collector.metrics.v1.MetricsService";
    const SIGNAL: Signal = Signal::Metrics;
}

struct Collector<S> {
    intake: Intake,
    service: PhantomData<S>,
}

impl<S> Collector<S> {
    fn new(intake: &Intake) -> Self {
        Self { intake: intake.clone(), service: PhantomData }
    }
}

impl<S> Clone for Collector<S> {
    fn clone(&self) -> Self {
        Self::new(&self.intake)
    }
}

impl<S: ExportService> NamedService for Collector<S> {
    const NAME: &'static str = S::NAME;
}

type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

impl<S: ExportService> tower::Service<http::Request<Body>> for Collector<S> {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let intake = self.intake.clone();
        let is_export = request.uri().path().strip_prefix('/').and_then(|path| path.strip_prefix(S::NAME)) == Some("/Export");
        Box::pin(async move {
            if !is_export {
                return Ok(Status::unimplemented(format!("{} has one method, Export", S::NAME)).into_http());
            }
            Ok(serve(intake, S::SIGNAL, request).await)
        })
    }
}

async fn serve(intake: Intake, signal: Signal, request: http::Request<Body>) -> http::Response<Body> {
    let limits = *intake.limits();
    let hold = SharedHold::new(intake.hold());
    let request = request.map(|body| hold.count(body));
    let mut grpc = Grpc::new(BytesCodec)
        .accept_compressed(CompressionEncoding::Gzip)
        .accept_compressed(CompressionEncoding::Zstd)
        .max_decoding_message_size(limits.request_bytes_max);
    let answer = grpc.unary(ExportOnce { intake, signal, hold }, request);
    match tokio::time::timeout(limits.request_timeout, answer).await {
        Ok(response) => blame_sender(response, limits),
        Err(_) => status_of(&IntakeError::Timeout { limit_s: limits.request_timeout.as_secs() }).into_http(),
    }
}

/// What the transport finds wrong with a message before it is decoded gets the code that OTLP's senders
/// understand: they would repeat what is `OUT_OF_RANGE`, and a body that cannot be decompressed is not
/// our fault. Answers of our own never have these codes.
fn blame_sender(response: http::Response<Body>, limits: Limits) -> http::Response<Body> {
    let Some(status) = Status::from_header_map(response.headers()) else { return response };
    match status.code() {
        Code::OutOfRange | Code::ResourceExhausted if status.details().is_empty() => {
            status_of(&IntakeError::TooLarge { limit: limits.request_bytes_max }).into_http()
        }
        Code::Internal => Status::invalid_argument(status.message()).into_http(),
        _ => response,
    }
}

struct ExportOnce {
    intake: Intake,
    signal: Signal,
    hold: SharedHold,
}

impl UnaryService<Bytes> for ExportOnce {
    type Response = Vec<u8>;
    type Future = BoxFuture<Result<Response<Vec<u8>>, Status>>;

    fn call(&mut self, request: Request<Bytes>) -> Self::Future {
        let (intake, signal, hold) = (self.intake.clone(), self.signal, self.hold.clone());
        let export = async move {
            let payload = request.into_inner();
            hold.take(payload.len())?;
            let export = Export::from_protobuf(signal, payload)?;
            let accepted = intake.accept(export).await?;
            Ok(success_message(signal, &accepted))
        };
        Box::pin(async move { export.await.map(Response::new).map_err(|error: IntakeError| status_of(&error)) })
    }
}

/// The one place where an error gets its gRPC code. Senders repeat `UNAVAILABLE` and
/// `DEADLINE_EXCEEDED`, but not `RESOURCE_EXHAUSTED` without `RetryInfo`.
fn status_of(error: &IntakeError) -> Status {
    let code = match error.kind() {
        Kind::Invalid | Kind::NotFound | Kind::Conflict => Code::InvalidArgument,
        Kind::Forbidden => Code::PermissionDenied,
        Kind::TooLarge => Code::ResourceExhausted,
        Kind::Timeout => Code::DeadlineExceeded,
        Kind::Busy | Kind::Internal => Code::Unavailable,
    };
    match error.retry_after_s() {
        Some(seconds) => {
            let delay = Duration::from_secs(seconds.into());
            Status::with_error_details(code, error.to_string(), ErrorDetails::with_retry_info(Some(delay)))
        }
        None => Status::new(code, error.to_string()),
    }
}

/// The bytes of a request in flight, counted while its body is read and until it is answered.
#[derive(Clone)]
struct SharedHold(Arc<Mutex<Hold>>);

impl SharedHold {
    fn new(hold: Hold) -> Self {
        Self(Arc::new(Mutex::new(hold)))
    }

    fn take(&self, bytes: usize) -> Result<(), IntakeError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take(bytes)
    }

    fn count(&self, body: Body) -> Body {
        let hold = self.clone();
        let chunks = AxumBody::new(body).into_data_stream().map_err(|error| Status::cancelled(error.to_string()));
        let counted = chunks.and_then(move |chunk: Bytes| {
            let counted = hold.take(chunk.len()).map_err(|error| status_of(&error));
            std::future::ready(counted.map(|()| chunk))
        });
        Body::new(AxumBody::from_stream(counted))
    }
}

/// Messages as they are.
struct BytesCodec;
struct BytesDecoder;
struct BytesEncoder;

impl Codec for BytesCodec {
    type Encode = Vec<u8>;
    type Decode = Bytes;
    type Encoder = BytesEncoder;
    type Decoder = BytesDecoder;

    fn encoder(&mut self) -> BytesEncoder {
        BytesEncoder
    }

    fn decoder(&mut self) -> BytesDecoder {
        BytesDecoder
    }
}

impl Encoder for BytesEncoder {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, message: Vec<u8>, out: &mut EncodeBuf<'_>) -> Result<(), Status> {
        out.put_slice(&message);
        Ok(())
    }
}

impl Decoder for BytesDecoder {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, message: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(message.copy_to_bytes(message.remaining())))
    }
}
