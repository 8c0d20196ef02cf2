//! OTLP over HTTP, as protobuf and as JSON.
//!
//! Source: OpenTelemetry Protocol, "OTLP/HTTP". Senders repeat 429, 502, 503 and 504, nothing else.

use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, BodyDataStream};
use axum::extract::{Request, State};
use axum::http::header::{ALLOW, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use bytes::{Bytes, BytesMut};
use flate2::read::{MultiGzDecoder, ZlibDecoder};
use futures::StreamExt;
use kernel::{Classified, Kind};
use prost::Message;
use telemetry::ports::Accepted;
use telemetry::{Export, Signal, SignalSink};
use tonic::Code;

use super::intake::{Hold, Intake, IntakeError, Limits, success_message};

/// `/v1/logs`, `/v1/traces` and `/v1/metrics`.
pub fn router(sink: Arc<dyn SignalSink>, limits: Limits) -> Router {
    let route = |signal| post(move |State(intake): State<Intake>, request: Request| receive(intake, signal, request));
    Router::new()
        .route("/v1/logs", route(Signal::Logs))
        .route("/v1/traces", route(Signal::Spans))
        .route("/v1/metrics", route(Signal::Metrics))
        .method_not_allowed_fallback(wrong_method)
        .fallback(unknown_path)
        .with_state(Intake::new(sink, limits))
}

async fn receive(intake: Intake, signal: Signal, request: Request) -> Response {
    let Some(format) = Format::of(request.headers(), CONTENT_TYPE) else {
        let message = "the content type must be application/x-protobuf or application/json";
        return failure(Format::Json, StatusCode::UNSUPPORTED_MEDIA_TYPE, Code::InvalidArgument, message);
    };
    let Some(compression) = Compression::of(request.headers()) else {
        let message = "the content encoding must be gzip, zstd, deflate or identity";
        return failure(format, StatusCode::UNSUPPORTED_MEDIA_TYPE, Code::InvalidArgument, message);
    };
    let timeout = intake.limits().request_timeout;
    match tokio::time::timeout(timeout, export(&intake, signal, format, compression, request)).await {
        Ok(Ok(accepted)) => success(format, signal, &accepted),
        Ok(Err(error)) => error_response(format, &error),
        Err(_) => error_response(format, &IntakeError::Timeout { limit_s: timeout.as_secs() }),
    }
}

async fn export(intake: &Intake, signal: Signal, format: Format, compression: Compression, request: Request) -> Result<Accepted, IntakeError> {
    let limit = intake.limits().request_bytes_max;
    let mut hold = intake.hold();
    let raw = read_body(request, limit, &mut hold).await?;
    let body = decompress(compression, raw, limit, &mut hold)?;
    let export = match format {
        Format::Protobuf => Export::from_protobuf(signal, body)?,
        Format::Json => Export::from_json(signal, &body)?,
    };
    intake.accept(export).await
}

/// What a body is written in, and its answer too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Protobuf,
    Json,
}

impl Format {
    fn of(headers: &HeaderMap, name: HeaderName) -> Option<Self> {
        let media_type = headers.get(name)?.to_str().ok()?.split(';').next()?.trim();
        match () {
            () if media_type.eq_ignore_ascii_case("application/x-protobuf") => Some(Self::Protobuf),
            () if media_type.eq_ignore_ascii_case("application/json") => Some(Self::Json),
            () => None,
        }
    }

    fn media_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Protobuf => "application/x-protobuf",
            Self::Json => "application/json",
        })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Compression {
    None,
    Gzip,
    Zstd,
    Deflate,
}

impl Compression {
    fn of(headers: &HeaderMap) -> Option<Self> {
        let Some(name) = headers.get(CONTENT_ENCODING) else { return Some(Self::None) };
        match name.to_str().ok()?.trim().to_ascii_lowercase().as_str() {
            "" | "identity" => Some(Self::None),
            "gzip" => Some(Self::Gzip),
            "zstd" => Some(Self::Zstd),
            "deflate" => Some(Self::Deflate),
            _ => None,
        }
    }
}

async fn read_body(request: Request, limit: usize, hold: &mut Hold) -> Result<Bytes, IntakeError> {
    let announced = request.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    let mut chunks = request.into_body().into_data_stream();
    let read = if announced.is_some_and(|length| length > limit) {
        Err(IntakeError::TooLarge { limit })
    } else {
        collect(&mut chunks, limit, hold).await
    };
    if read.is_err() {
        drain(chunks, limit).await;
    }
    read
}

async fn collect(chunks: &mut BodyDataStream, limit: usize, hold: &mut Hold) -> Result<Bytes, IntakeError> {
    let mut body = BytesMut::new();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|error| IntakeError::Body(error.to_string()))?;
        if body.len() + chunk.len() > limit {
            return Err(IntakeError::TooLarge { limit });
        }
        hold.take(chunk.len())?;
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

/// Throws the rest of a refused body away, within reason: a sender that is still writing when the
/// connection closes would see a broken connection instead of the answer, and try again.
async fn drain(mut chunks: BodyDataStream, limit: usize) {
    let mut left = limit.saturating_mul(4);
    let rest = async {
        while let Some(Ok(chunk)) = chunks.next().await {
            left = left.saturating_sub(chunk.len());
            if left == 0 {
                break;
            }
        }
    };
    // Whether it ended or the time is up, the answer goes out now.
    let _ = tokio::time::timeout(Duration::from_secs(5), rest).await;
}

fn decompress(compression: Compression, raw: Bytes, limit: usize, hold: &mut Hold) -> Result<Bytes, IntakeError> {
    let broken = |error: std::io::Error| IntakeError::Compression(error.to_string());
    match compression {
        Compression::None => Ok(raw),
        Compression::Gzip => inflate(MultiGzDecoder::new(&*raw), limit, hold),
        Compression::Deflate => inflate(ZlibDecoder::new(&*raw), limit, hold),
        Compression::Zstd => {
            let mut decoder = zstd::stream::read::Decoder::with_buffer(&*raw).map_err(broken)?;
            decoder.window_log_max(ZSTD_WINDOW_LOG_MAX).map_err(broken)?;
            inflate(decoder, limit, hold)
        }
    }
}

/// 8 MiB, what every decoder must support. Source: RFC 8878, section 3.1.1.1.2.
const ZSTD_WINDOW_LOG_MAX: u32 = 23;

fn inflate(mut decoder: impl Read, limit: usize, hold: &mut Hold) -> Result<Bytes, IntakeError> {
    let mut body = Vec::new();
    let mut piece = [0; 16 << 10];
    loop {
        match decoder.read(&mut piece).map_err(|error| IntakeError::Compression(error.to_string()))? {
            0 => return Ok(body.into()),
            len if body.len() + len > limit => return Err(IntakeError::TooLarge { limit }),
            len => {
                hold.take(len)?;
                body.extend_from_slice(&piece[..len]);
            }
        }
    }
}

fn success(format: Format, signal: Signal, accepted: &Accepted) -> Response {
    let body = match format {
        Format::Protobuf => success_message(signal, accepted),
        Format::Json => success_json(signal, accepted).to_string().into_bytes(),
    };
    ([(CONTENT_TYPE, format.media_type())], body).into_response()
}

fn success_json(signal: Signal, accepted: &Accepted) -> serde_json::Value {
    if *accepted == Accepted::default() {
        return serde_json::json!({});
    }
    let rejected = match signal {
        Signal::Logs => "rejectedLogRecords",
        Signal::Spans => "rejectedSpans",
        Signal::Metrics => "rejectedDataPoints",
    };
    serde_json::json!({"partialSuccess": {
        rejected: accepted.rejected.to_string(),
        "errorMessage": accepted.reason.as_deref().unwrap_or_default(),
    }})
}

/// The one place where an error gets its HTTP status.
fn error_response(format: Format, error: &IntakeError) -> Response {
    let (status, code) = match error.kind() {
        Kind::Invalid | Kind::NotFound | Kind::Conflict => (StatusCode::BAD_REQUEST, Code::InvalidArgument),
        Kind::Forbidden => (StatusCode::FORBIDDEN, Code::PermissionDenied),
        Kind::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, Code::ResourceExhausted),
        Kind::Timeout => (StatusCode::REQUEST_TIMEOUT, Code::DeadlineExceeded),
        // Storage that fails may work again; 500 would make the sender drop its records.
        Kind::Busy | Kind::Internal => (StatusCode::SERVICE_UNAVAILABLE, Code::Unavailable),
    };
    let mut response = failure(format, status, code, &error.to_string());
    if let Some(seconds) = error.retry_after_s() {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// A `google.rpc.Status`.
fn failure(format: Format, status: StatusCode, code: Code, message: &str) -> Response {
    let code = code as i32;
    let body = match format {
        Format::Protobuf => tonic_types::Status { code, message: message.to_owned(), details: Vec::new() }.encode_to_vec(),
        Format::Json => serde_json::json!({"code": code, "message": message}).to_string().into_bytes(),
    };
    (status, [(CONTENT_TYPE, format.media_type())], Body::from(body)).into_response()
}

async fn wrong_method(headers: HeaderMap) -> Response {
    let format = Format::of(&headers, CONTENT_TYPE).unwrap_or(Format::Json);
    let mut response = failure(format, StatusCode::METHOD_NOT_ALLOWED, Code::Unimplemented, "OTLP is sent with POST");
    response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
    response
}

async fn unknown_path(headers: HeaderMap) -> Response {
    let format = Format::of(&headers, CONTENT_TYPE).unwrap_or(Format::Json);
    let message = "OTLP is received at /v1/logs, /v1/traces and /v1/metrics";
    failure(format, StatusCode::NOT_FOUND, Code::NotFound, message)
}
