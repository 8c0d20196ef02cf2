//! The table `logs`.

use std::sync::{Arc, LazyLock};

use arrow::array::{Int64Builder, RecordBatch, StringViewBuilder, TimestampNanosecondBuilder};
use arrow::datatypes::{Schema, SchemaRef};
use kernel::table::{ColumnSchema, ColumnType};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use prost::Message;
use telemetry::otlp::rows::{LogRow, for_each_log};

use super::Record;
use super::columns::{Column, integers, push_attributes, push_id, push_text, repeating, strings, text, times, timestamps};
use crate::signal::SignalName;

#[derive(Debug)]
pub struct Logs;

const COLUMNS: [Column; 13] = [
    Column { name: "time", kind: ColumnType::Timestamp, nullable: false, description: "When it happened, or was observed if the sender does not say; UTC, to the nanosecond." },
    Column { name: "service", kind: ColumnType::Text, nullable: true, description: "The resource's service.name." },
    Column { name: "severity", kind: ColumnType::Text, nullable: true, description: "TRACE, DEBUG, INFO, WARN, ERROR or FATAL; what the sender wrote if it is none of these." },
    Column { name: "severity_number", kind: ColumnType::Integer, nullable: false, description: "OpenTelemetry's severity, 1 (TRACE) to 24 (FATAL4); 0 if unknown." },
    Column { name: "body", kind: ColumnType::Text, nullable: true, description: "The message; structured bodies as JSON." },
    Column { name: "attributes", kind: ColumnType::Json, nullable: false, description: "The record's attributes, a JSON object: attributes->>'http.route'." },
    Column { name: "resource", kind: ColumnType::Json, nullable: false, description: "The resource's attributes, a JSON object." },
    Column { name: "trace_id", kind: ColumnType::Text, nullable: true, description: "Lower-case hexadecimal, 32 digits." },
    Column { name: "span_id", kind: ColumnType::Text, nullable: true, description: "Lower-case hexadecimal, 16 digits." },
    Column { name: "event_name", kind: ColumnType::Text, nullable: true, description: "The name of the event that the record describes." },
    Column { name: "scope", kind: ColumnType::Text, nullable: true, description: "The instrumentation scope, usually the logger's name." },
    Column { name: "scope_version", kind: ColumnType::Text, nullable: true, description: "The instrumentation scope's version." },
    Column { name: "observed_time", kind: ColumnType::Timestamp, nullable: false, description: "When the collector or SDK saw the record; UTC, to the nanosecond." },
];

static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| Arc::new(Schema::new(COLUMNS.iter().map(Column::field).collect::<Vec<_>>())));

impl Record for Logs {
    const SIGNAL: SignalName = SignalName::Logs;
    const TIME: &'static str = "time";
    const DESCRIPTION: &'static str = "Log records, one a row.";

    fn schema() -> SchemaRef {
        SCHEMA.clone()
    }

    fn columns() -> Vec<ColumnSchema> {
        COLUMNS.iter().map(Column::schema).collect()
    }

    fn decode(payload: &[u8]) -> Option<RecordBatch> {
        ExportLogsServiceRequest::decode(payload).ok().map(|request| batch(&request))
    }
}

pub fn batch(request: &ExportLogsServiceRequest) -> RecordBatch {
    let rows = request.resource_logs.iter().flat_map(|logs| &logs.scope_logs).map(|scope| scope.log_records.len()).sum();
    let mut columns = Columns::new(rows);
    for_each_log(request, |row| columns.push(&row));
    columns.finish()
}

struct Columns {
    time: TimestampNanosecondBuilder,
    service: StringViewBuilder,
    severity: StringViewBuilder,
    severity_number: Int64Builder,
    body: StringViewBuilder,
    attributes: StringViewBuilder,
    resource: StringViewBuilder,
    trace_id: StringViewBuilder,
    span_id: StringViewBuilder,
    event_name: StringViewBuilder,
    scope: StringViewBuilder,
    scope_version: StringViewBuilder,
    observed_time: TimestampNanosecondBuilder,
    scratch: String,
}

impl Columns {
    fn new(rows: usize) -> Self {
        Self {
            time: times(),
            service: repeating(),
            severity: repeating(),
            severity_number: Int64Builder::with_capacity(rows),
            body: text(rows),
            attributes: text(rows),
            resource: repeating(),
            trace_id: text(rows),
            span_id: text(rows),
            event_name: repeating(),
            scope: repeating(),
            scope_version: repeating(),
            observed_time: times(),
            scratch: String::new(),
        }
    }

    fn push(&mut self, row: &LogRow<'_>) {
        self.time.append_value(row.time_unix_ns);
        push_text(&mut self.service, row.origin.service);
        push_text(&mut self.severity, row.severity);
        self.severity_number.append_value(i64::from(row.severity_number));
        push_text(&mut self.body, &row.body);
        push_attributes(&mut self.attributes, row.attributes, &mut self.scratch);
        self.resource.append_value(row.origin.resource);
        push_id(&mut self.trace_id, row.trace_id.as_ref().map(|id| &id[..]), &mut self.scratch);
        push_id(&mut self.span_id, row.span_id.as_ref().map(|id| &id[..]), &mut self.scratch);
        push_text(&mut self.event_name, row.event_name);
        push_text(&mut self.scope, row.origin.scope_name);
        push_text(&mut self.scope_version, row.origin.scope_version);
        self.observed_time.append_value(row.observed_unix_ns);
    }

    fn finish(self) -> RecordBatch {
        let columns = vec![
            timestamps(self.time),
            strings(self.service),
            strings(self.severity),
            integers(self.severity_number),
            strings(self.body),
            strings(self.attributes),
            strings(self.resource),
            strings(self.trace_id),
            strings(self.span_id),
            strings(self.event_name),
            strings(self.scope),
            strings(self.scope_version),
            timestamps(self.observed_time),
        ];
        RecordBatch::try_new(SCHEMA.clone(), columns).expect("each row appends one value to each column of the schema")
    }
}
