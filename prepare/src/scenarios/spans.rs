//! The traced requests of a load as spans of the lake, so that a slow answer leads into its trace.

use std::time::Instant;

use kernel::Timestamp;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use prost::bytes::Bytes;
use prost::{DecodeError, Message};
use scenario::load::Finished;
use telemetry::ports::{Export, ExportBody};

/// The service that the spans are of.
pub const SERVICE: &str = "mainstay-scenario";

/// `anchor` is an instant by both clocks. Names are those of OpenTelemetry's semantic conventions for HTTP clients.
pub fn export(scenario: &str, requests: &[Finished], anchor: (Instant, Timestamp)) -> Export {
    let resource = Resource { attributes: vec![text("service.name", SERVICE), text("mainstay.scenario", scenario)], ..Resource::default() };
    let scope = InstrumentationScope { name: "mainstay".to_owned(), ..InstrumentationScope::default() };
    let spans = requests.iter().map(|request| span(request, anchor)).collect();
    let scope_spans = vec![ScopeSpans { scope: Some(scope), spans, ..ScopeSpans::default() }];
    let body = ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans { resource: Some(resource), scope_spans, ..ResourceSpans::default() }],
    };
    Export { payload: body.encode_to_vec().into(), body: ExportBody::Spans(body) }
}

/// What another process has exported.
pub fn received(payload: Bytes) -> Result<Export, DecodeError> {
    let body = ExportTraceServiceRequest::decode(payload.clone())?;
    Ok(Export { payload, body: ExportBody::Spans(body) })
}

fn span(request: &Finished, anchor: (Instant, Timestamp)) -> Span {
    let mut attributes = vec![
        text("http.request.method", &request.method),
        text("url.full", &request.url),
        // How long the request stood in the generator or behind earlier ones of its user.
        number("mainstay.waited_ms", request.sent.saturating_duration_since(request.intended).as_millis() as i64),
    ];
    attributes.extend(request.status.map(|status| number("http.response.status_code", status.into())));
    attributes.extend(request.error.as_ref().map(|error| text("error.type", error)));
    let failed = request.error.is_some() || request.status.is_some_and(|status| status >= 400);
    let code = if failed { StatusCode::Error } else { StatusCode::Unset };
    Span {
        trace_id: request.trace.trace_id.to_be_bytes().to_vec(),
        span_id: request.trace.span_id.to_be_bytes().to_vec(),
        name: format!("{} {}", request.method, path(&request.url)),
        kind: SpanKind::Client.into(),
        start_time_unix_nano: unix_nanos(request.sent, anchor),
        end_time_unix_nano: unix_nanos(request.last_byte, anchor),
        attributes,
        status: Some(Status { message: request.error.clone().unwrap_or_default(), code: code.into() }),
        ..Span::default()
    }
}

fn path(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let path = rest.find('/').map_or("/", |at| &rest[at..]);
    path.split(['?', '#']).next().unwrap_or(path)
}

fn unix_nanos(instant: Instant, (at, time): (Instant, Timestamp)) -> u64 {
    let base = time.as_nanosecond();
    let shift = match instant.checked_duration_since(at) {
        Some(after) => after.as_nanos() as i128,
        None => -(at.duration_since(instant).as_nanos() as i128),
    };
    u64::try_from(base + shift).unwrap_or_default()
}

fn text(key: &str, value: &str) -> KeyValue {
    attribute(key, Value::StringValue(value.to_owned()))
}

fn number(key: &str, value: i64) -> KeyValue {
    attribute(key, Value::IntValue(value))
}

fn attribute(key: &str, value: Value) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(value) }), ..KeyValue::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_shortened_to_its_path() {
        assert_eq!(path("http://127.0.0.1:80/a/b?c=d"), "/a/b");
        assert_eq!(path("http://127.0.0.1:80"), "/");
    }

    #[test]
    fn instants_before_the_anchor_count_too() {
        let anchor = Instant::now();
        let earlier = anchor.checked_sub(std::time::Duration::from_millis(5)).unwrap_or(anchor);
        let time = Timestamp::from_second(10).unwrap_or_default();
        assert_eq!(unix_nanos(earlier, (anchor, time)), 9_995_000_000);
    }
}
