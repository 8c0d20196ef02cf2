//! Logs and spans as flat rows.
//!
//! Rows borrow from the request. Ids that OpenTelemetry calls invalid (a wrong length, or all zero)
//! count as absent.

use std::borrow::Cow;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, SeverityNumber};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link, SpanKind};
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;

use super::value::{find_str, json_object, push_json_object, push_json_string, push_text};

pub type TraceId = [u8; 16];
pub type SpanId = [u8; 8];

/// What all records of one resource and scope share.
#[derive(Debug, Clone, Copy)]
pub struct Origin<'a> {
    /// `service.name`; empty if the resource does not say.
    pub service: &'a str,
    /// The resource's attributes, a JSON object.
    pub resource: &'a str,
    pub scope_name: &'a str,
    pub scope_version: &'a str,
}

#[derive(Debug, Clone)]
pub struct LogRow<'a> {
    pub origin: Origin<'a>,
    /// When it happened, else when it was observed.
    pub time_unix_ns: i64,
    pub observed_unix_ns: i64,
    /// 1 to 24, 0 if unknown.
    pub severity_number: i32,
    /// `TRACE`, `DEBUG`, `INFO`, `WARN`, `ERROR`, `FATAL`; what the sender called it if it gave no number.
    pub severity: &'a str,
    /// Text as it is; anything else as JSON.
    pub body: Cow<'a, str>,
    pub event_name: &'a str,
    pub trace_id: Option<TraceId>,
    pub span_id: Option<SpanId>,
    pub attributes: &'a [KeyValue],
}

#[derive(Debug, Clone)]
pub struct SpanRow<'a> {
    pub origin: Origin<'a>,
    pub start_unix_ns: i64,
    /// Zero if the span ends before it begins, as clocks of different cores can have it.
    pub duration_ns: i64,
    pub trace_id: TraceId,
    pub span_id: SpanId,
    pub parent_span_id: Option<SpanId>,
    pub name: &'a str,
    /// `internal`, `server`, `client`, `producer`, `consumer`, `unspecified`.
    pub kind: &'static str,
    /// `unset`, `ok`, `error`.
    pub status: &'static str,
    pub status_message: &'a str,
    pub trace_state: &'a str,
    pub attributes: &'a [KeyValue],
    pub events: &'a [Event],
    pub links: &'a [Link],
}

/// Gives each log record to `row`.
pub fn for_each_log(request: &ExportLogsServiceRequest, mut row: impl FnMut(LogRow<'_>)) {
    for logs in &request.resource_logs {
        let resource = ResourceText::of(logs.resource.as_ref());
        for scope in &logs.scope_logs {
            let origin = resource.origin(scope.scope.as_ref());
            scope.log_records.iter().for_each(|record| row(log_row(origin, record)));
        }
    }
}

/// Gives each span to `row`, but those without valid ids, which no screened export has.
pub fn for_each_span(request: &ExportTraceServiceRequest, mut row: impl FnMut(SpanRow<'_>)) {
    for spans in &request.resource_spans {
        let resource = ResourceText::of(spans.resource.as_ref());
        for scope in &spans.scope_spans {
            let origin = resource.origin(scope.scope.as_ref());
            scope.spans.iter().filter_map(|span| span_row(origin, span)).for_each(&mut row);
        }
    }
}

/// `[{"time": <ns>, "name": …, "attributes": {…}}, …]`
pub fn events_json(events: &[Event]) -> String {
    json_list(events, |out, event| {
        out.push_str("{\"time\":");
        out.push_str(&event.time_unix_nano.to_string());
        out.push_str(",\"name\":");
        push_json_string(out, &event.name);
        out.push_str(",\"attributes\":");
        push_json_object(out, &event.attributes);
        out.push('}');
    })
}

/// `[{"trace_id": <hex>, "span_id": <hex>, "attributes": {…}}, …]`
pub fn links_json(links: &[Link]) -> String {
    json_list(links, |out, link| {
        out.push_str("{\"trace_id\":\"");
        push_hex(out, &link.trace_id);
        out.push_str("\",\"span_id\":\"");
        push_hex(out, &link.span_id);
        out.push_str("\",\"attributes\":");
        push_json_object(out, &link.attributes);
        out.push('}');
    })
}

pub fn push_hex(out: &mut String, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    out.extend(bytes.iter().flat_map(|byte| [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]).map(char::from));
}

/// The name of a severity number's range.
pub fn severity_name(number: i32) -> Option<&'static str> {
    Some(match number {
        1..=4 => "TRACE",
        5..=8 => "DEBUG",
        9..=12 => "INFO",
        13..=16 => "WARN",
        17..=20 => "ERROR",
        21..=24 => "FATAL",
        _ => return None,
    })
}

struct ResourceText<'a> {
    service: &'a str,
    json: String,
}

impl<'a> ResourceText<'a> {
    fn of(resource: Option<&'a Resource>) -> Self {
        let attributes = resource.map(|resource| resource.attributes.as_slice()).unwrap_or_default();
        Self { service: find_str(attributes, "service.name").unwrap_or_default(), json: json_object(attributes) }
    }

    fn origin<'b>(&'b self, scope: Option<&'b InstrumentationScope>) -> Origin<'b> {
        Origin {
            service: self.service,
            resource: &self.json,
            scope_name: scope.map(|scope| scope.name.as_str()).unwrap_or_default(),
            scope_version: scope.map(|scope| scope.version.as_str()).unwrap_or_default(),
        }
    }
}

fn log_row<'a>(origin: Origin<'a>, record: &'a LogRecord) -> LogRow<'a> {
    let observed = record.observed_time_unix_nano;
    let number = if record.severity_number == 0 { number_of_text(&record.severity_text) } else { record.severity_number };
    LogRow {
        origin,
        time_unix_ns: signed(if record.time_unix_nano == 0 { observed } else { record.time_unix_nano }),
        observed_unix_ns: signed(observed),
        severity_number: number,
        severity: severity_name(number).unwrap_or(&record.severity_text),
        body: text(record.body.as_ref().and_then(|body| body.value.as_ref())),
        event_name: &record.event_name,
        trace_id: id(&record.trace_id),
        span_id: id(&record.span_id),
        attributes: &record.attributes,
    }
}

fn span_row<'a>(origin: Origin<'a>, span: &'a Span) -> Option<SpanRow<'a>> {
    let status = span.status.as_ref();
    Some(SpanRow {
        origin,
        start_unix_ns: signed(span.start_time_unix_nano),
        duration_ns: signed(span.end_time_unix_nano.saturating_sub(span.start_time_unix_nano)),
        trace_id: id(&span.trace_id)?,
        span_id: id(&span.span_id)?,
        parent_span_id: id(&span.parent_span_id),
        name: &span.name,
        kind: kind_name(span.kind),
        status: status_name(status.map(|status| status.code).unwrap_or_default()),
        status_message: status.map(|status| status.message.as_str()).unwrap_or_default(),
        trace_state: &span.trace_state,
        attributes: &span.attributes,
        events: &span.events,
        links: &span.links,
    })
}

fn text(value: Option<&Value>) -> Cow<'_, str> {
    match value {
        Some(Value::StringValue(text)) => Cow::Borrowed(text),
        other => {
            let mut out = String::new();
            push_text(&mut out, other);
            Cow::Owned(out)
        }
    }
}

/// Senders that bridge a log library may give only its level's name.
fn number_of_text(text: &str) -> i32 {
    let is = |name: &str| text.eq_ignore_ascii_case(name);
    let number = match () {
        () if is("trace") => SeverityNumber::Trace,
        () if is("debug") => SeverityNumber::Debug,
        () if is("info") || is("information") || is("notice") => SeverityNumber::Info,
        () if is("warn") || is("warning") => SeverityNumber::Warn,
        () if is("error") || is("err") => SeverityNumber::Error,
        () if is("fatal") || is("critical") || is("panic") => SeverityNumber::Fatal,
        () => SeverityNumber::Unspecified,
    };
    number as i32
}

fn kind_name(kind: i32) -> &'static str {
    match SpanKind::try_from(kind) {
        Ok(SpanKind::Internal) => "internal",
        Ok(SpanKind::Server) => "server",
        Ok(SpanKind::Client) => "client",
        Ok(SpanKind::Producer) => "producer",
        Ok(SpanKind::Consumer) => "consumer",
        Ok(SpanKind::Unspecified) | Err(_) => "unspecified",
    }
}

fn status_name(code: i32) -> &'static str {
    match StatusCode::try_from(code) {
        Ok(StatusCode::Ok) => "ok",
        Ok(StatusCode::Error) => "error",
        Ok(StatusCode::Unset) | Err(_) => "unset",
    }
}

fn json_list<T>(items: &[T], mut push: impl FnMut(&mut String, &T)) -> String {
    let mut out = String::from("[");
    for (i, item) in items.iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        push(&mut out, item);
    }
    out.push(']');
    out
}

fn id<const LEN: usize>(bytes: &[u8]) -> Option<[u8; LEN]> {
    <[u8; LEN]>::try_from(bytes).ok().filter(|id| id.iter().any(|byte| *byte != 0))
}

fn signed(unix_ns: u64) -> i64 {
    i64::try_from(unix_ns).unwrap_or(i64::MAX)
}
