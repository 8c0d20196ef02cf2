//! The table `spans`.

use std::sync::{Arc, LazyLock};

use arrow::array::{Int64Builder, RecordBatch, StringViewBuilder, TimestampNanosecondBuilder};
use arrow::datatypes::{Schema, SchemaRef};
use kernel::table::{ColumnSchema, ColumnType};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;
use telemetry::otlp::rows::{SpanRow, events_json, for_each_span, links_json};

use super::Record;
use super::columns::{Column, integers, promoted_integer, promoted_text, push_attributes, push_id, push_text, repeating, strings, text, times, timestamps};
use crate::signal::SignalName;

#[derive(Debug)]
pub struct Spans;

const COLUMNS: [Column; 20] = [
    Column { name: "start_time", kind: ColumnType::Timestamp, nullable: false, description: "When the span began; UTC, to the nanosecond." },
    Column { name: "duration_ns", kind: ColumnType::Integer, nullable: false, description: "How long it took, in nanoseconds." },
    Column { name: "service", kind: ColumnType::Text, nullable: true, description: "The resource's service.name." },
    Column { name: "name", kind: ColumnType::Text, nullable: false, description: "The operation's name." },
    Column { name: "kind", kind: ColumnType::Text, nullable: false, description: "server, client, producer, consumer, internal or unspecified." },
    Column { name: "status", kind: ColumnType::Text, nullable: false, description: "unset, ok or error." },
    Column { name: "status_message", kind: ColumnType::Text, nullable: true, description: "What the sender says of an error." },
    Column { name: "trace_id", kind: ColumnType::Text, nullable: false, description: "Lower-case hexadecimal, 32 digits." },
    Column { name: "span_id", kind: ColumnType::Text, nullable: false, description: "Lower-case hexadecimal, 16 digits." },
    Column { name: "parent_span_id", kind: ColumnType::Text, nullable: true, description: "Lower-case hexadecimal, 16 digits; null for the root of a trace." },
    Column { name: "http_method", kind: ColumnType::Text, nullable: true, description: "The attribute http.request.method (or http.method)." },
    Column { name: "http_route", kind: ColumnType::Text, nullable: true, description: "The attribute http.route." },
    Column { name: "http_status_code", kind: ColumnType::Integer, nullable: true, description: "The attribute http.response.status_code (or http.status_code)." },
    Column { name: "attributes", kind: ColumnType::Json, nullable: false, description: "The span's attributes, a JSON object: attributes->>'db.system'." },
    Column { name: "resource", kind: ColumnType::Json, nullable: false, description: "The resource's attributes, a JSON object." },
    Column { name: "events", kind: ColumnType::Json, nullable: false, description: "[{time (nanoseconds since the epoch), name, attributes}], a JSON array." },
    Column { name: "links", kind: ColumnType::Json, nullable: false, description: "[{trace_id, span_id, attributes}], a JSON array." },
    Column { name: "scope", kind: ColumnType::Text, nullable: true, description: "The instrumentation scope, usually a library's name." },
    Column { name: "scope_version", kind: ColumnType::Text, nullable: true, description: "The instrumentation scope's version." },
    Column { name: "trace_state", kind: ColumnType::Text, nullable: true, description: "W3C trace state." },
];

static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| Arc::new(Schema::new(COLUMNS.iter().map(Column::field).collect::<Vec<_>>())));

impl Record for Spans {
    const SIGNAL: SignalName = SignalName::Spans;
    const TIME: &'static str = "start_time";
    const DESCRIPTION: &'static str = "Spans of traces, one a row.";

    fn schema() -> SchemaRef {
        SCHEMA.clone()
    }

    fn columns() -> Vec<ColumnSchema> {
        COLUMNS.iter().map(Column::schema).collect()
    }

    fn decode(payload: &[u8]) -> Option<RecordBatch> {
        ExportTraceServiceRequest::decode(payload).ok().map(|request| batch(&request))
    }
}

pub fn batch(request: &ExportTraceServiceRequest) -> RecordBatch {
    let rows = request.resource_spans.iter().flat_map(|spans| &spans.scope_spans).map(|scope| scope.spans.len()).sum();
    let mut columns = Columns::new(rows);
    for_each_span(request, |row| columns.push(&row));
    columns.finish()
}

struct Columns {
    start_time: TimestampNanosecondBuilder,
    duration_ns: Int64Builder,
    service: StringViewBuilder,
    name: StringViewBuilder,
    kind: StringViewBuilder,
    status: StringViewBuilder,
    status_message: StringViewBuilder,
    trace_id: StringViewBuilder,
    span_id: StringViewBuilder,
    parent_span_id: StringViewBuilder,
    http_method: StringViewBuilder,
    http_route: StringViewBuilder,
    http_status_code: Int64Builder,
    attributes: StringViewBuilder,
    resource: StringViewBuilder,
    events: StringViewBuilder,
    links: StringViewBuilder,
    scope: StringViewBuilder,
    scope_version: StringViewBuilder,
    trace_state: StringViewBuilder,
    scratch: String,
}

impl Columns {
    fn new(rows: usize) -> Self {
        Self {
            start_time: times(),
            duration_ns: Int64Builder::with_capacity(rows),
            service: repeating(),
            name: repeating(),
            kind: repeating(),
            status: repeating(),
            status_message: repeating(),
            trace_id: repeating(),
            span_id: text(rows),
            parent_span_id: text(rows),
            http_method: repeating(),
            http_route: repeating(),
            http_status_code: Int64Builder::with_capacity(rows),
            attributes: text(rows),
            resource: repeating(),
            events: text(rows),
            links: text(rows),
            scope: repeating(),
            scope_version: repeating(),
            trace_state: repeating(),
            scratch: String::new(),
        }
    }

    fn push(&mut self, row: &SpanRow<'_>) {
        self.start_time.append_value(row.start_unix_ns);
        self.duration_ns.append_value(row.duration_ns);
        push_text(&mut self.service, row.origin.service);
        self.name.append_value(row.name);
        self.kind.append_value(row.kind);
        self.status.append_value(row.status);
        push_text(&mut self.status_message, row.status_message);
        push_id(&mut self.trace_id, Some(&row.trace_id), &mut self.scratch);
        push_id(&mut self.span_id, Some(&row.span_id), &mut self.scratch);
        push_id(&mut self.parent_span_id, row.parent_span_id.as_ref().map(|id| &id[..]), &mut self.scratch);
        self.http_method.append_option(promoted_text(row.attributes, &["http.request.method", "http.method"]));
        self.http_route.append_option(promoted_text(row.attributes, &["http.route"]));
        self.http_status_code.append_option(promoted_integer(row.attributes, &["http.response.status_code", "http.status_code"]));
        push_attributes(&mut self.attributes, row.attributes, &mut self.scratch);
        self.resource.append_value(row.origin.resource);
        self.events.append_value(events_json(row.events));
        self.links.append_value(links_json(row.links));
        push_text(&mut self.scope, row.origin.scope_name);
        push_text(&mut self.scope_version, row.origin.scope_version);
        push_text(&mut self.trace_state, row.trace_state);
    }

    fn finish(self) -> RecordBatch {
        let columns = vec![
            timestamps(self.start_time),
            integers(self.duration_ns),
            strings(self.service),
            strings(self.name),
            strings(self.kind),
            strings(self.status),
            strings(self.status_message),
            strings(self.trace_id),
            strings(self.span_id),
            strings(self.parent_span_id),
            strings(self.http_method),
            strings(self.http_route),
            integers(self.http_status_code),
            strings(self.attributes),
            strings(self.resource),
            strings(self.events),
            strings(self.links),
            strings(self.scope),
            strings(self.scope_version),
            strings(self.trace_state),
        ];
        RecordBatch::try_new(SCHEMA.clone(), columns).expect("each row appends one value to each column of the schema")
    }
}
