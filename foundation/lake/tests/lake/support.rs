//! Lakes and exports for the tests.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use kernel::table::{Cell, Table};
use kernel::{ManualClock, Timestamp};
use lake::{Lake, LakeSettings, Store};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::{Gauge, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, number_data_point};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use telemetry::ports::Accepted;
use telemetry::{Export, ExportBody, SignalSink, SqlSource};

/// 2026-03-01T12:00:00Z
pub const NOW_S: i64 = 1_772_366_400;
pub const NOW_MS: i64 = NOW_S * 1_000;

pub fn clock() -> ManualClock {
    ManualClock::at(Timestamp::from_second(NOW_S).unwrap())
}

pub async fn open(folder: &Path) -> Lake {
    open_at(folder, &clock()).await
}

pub async fn open_at(folder: &Path, clock: &ManualClock) -> Lake {
    Lake::open(LakeSettings::below(folder), Arc::new(clock.clone()), vec![]).await.unwrap()
}

pub async fn open_on(folder: &Path, store: Store) -> Lake {
    Lake::open_on(store, LakeSettings::below(folder), Arc::new(clock()), vec![]).await.unwrap()
}

/// Waits until no part of a dropped lake is in use any more, and opens it again.
pub async fn reopen(lake: Lake, folder: &Path) -> Lake {
    drop(lake);
    for _ in 0..200 {
        match Lake::open(LakeSettings::below(folder), Arc::new(clock()), vec![]).await {
            Ok(lake) => return lake,
            Err(lake::LakeError::Locked { .. }) => tokio::time::sleep(Duration::from_millis(5)).await,
            Err(error) => panic!("{error:?}"),
        }
    }
    panic!("the lake stays locked");
}

pub fn attribute(key: &str, value: &str) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(text(value)), ..KeyValue::default() }
}

fn text(value: &str) -> AnyValue {
    AnyValue { value: Some(Value::StringValue(value.to_owned())) }
}

fn resource(service: &str) -> Option<Resource> {
    Some(Resource { attributes: vec![attribute("service.name", service)], ..Resource::default() })
}

/// One log record, `after_ms` after the tests' now.
pub fn log(service: &str, after_ms: i64, body: &str) -> ExportLogsServiceRequest {
    let record = LogRecord {
        time_unix_nano: ((NOW_MS + after_ms) * 1_000_000) as u64,
        observed_time_unix_nano: ((NOW_MS + after_ms) * 1_000_000) as u64,
        severity_number: if body.contains("fail") { 17 } else { 9 },
        body: Some(text(body)),
        attributes: vec![attribute("http.route", "/orders/{id}")],
        trace_id: vec![7; 16],
        span_id: vec![9; 8],
        ..LogRecord::default()
    };
    let scope_logs = vec![ScopeLogs { log_records: vec![record], ..ScopeLogs::default() }];
    ExportLogsServiceRequest { resource_logs: vec![ResourceLogs { resource: resource(service), scope_logs, ..ResourceLogs::default() }] }
}

/// One server span of a trace of its own.
pub fn span(service: &str, after_ms: i64, number: u8, ok: bool) -> ExportTraceServiceRequest {
    let start = ((NOW_MS + after_ms) * 1_000_000) as u64;
    let span = Span {
        trace_id: vec![number; 16],
        span_id: vec![number; 8],
        name: "GET /orders/{id}".to_owned(),
        kind: 2,
        start_time_unix_nano: start,
        end_time_unix_nano: start + 1_500_000,
        attributes: vec![attribute("http.route", "/orders/{id}"), attribute("http.request.method", "GET")],
        status: Some(Status { code: if ok { 0 } else { 2 }, message: String::new() }),
        ..Span::default()
    };
    let scope_spans = vec![ScopeSpans { spans: vec![span], ..ScopeSpans::default() }];
    ExportTraceServiceRequest { resource_spans: vec![ResourceSpans { resource: resource(service), scope_spans, ..ResourceSpans::default() }] }
}

/// One gauge with a point for each value, one second apart.
pub fn gauge(service: &str, name: &str, after_ms: i64, values: &[f64]) -> ExportMetricsServiceRequest {
    let point = |(i, value): (i64, &f64)| NumberDataPoint {
        time_unix_nano: ((NOW_MS + after_ms + i * 1_000) * 1_000_000) as u64,
        value: Some(number_data_point::Value::AsDouble(*value)),
        ..NumberDataPoint::default()
    };
    let data_points = (0..).zip(values).map(point).collect();
    let metric = Metric { name: name.to_owned(), description: "For tests.".to_owned(), data: Some(Data::Gauge(Gauge { data_points })), ..Metric::default() };
    let scope_metrics = vec![ScopeMetrics { metrics: vec![metric], ..ScopeMetrics::default() }];
    ExportMetricsServiceRequest { resource_metrics: vec![ResourceMetrics { resource: resource(service), scope_metrics, ..ResourceMetrics::default() }] }
}

pub async fn write_log(lake: &Lake, request: ExportLogsServiceRequest) -> Accepted {
    lake.write(Export::from_request(ExportBody::Logs(request))).await.unwrap()
}

pub async fn write_span(lake: &Lake, request: ExportTraceServiceRequest) -> Accepted {
    lake.write(Export::from_request(ExportBody::Spans(request))).await.unwrap()
}

pub async fn write_metrics(lake: &Lake, request: ExportMetricsServiceRequest) -> Accepted {
    lake.write(Export::from_request(ExportBody::Metrics(request))).await.unwrap()
}

pub async fn sql(lake: &Lake, query: &str) -> Table {
    lake.sql(query, 10_000).await.unwrap_or_else(|error| panic!("{query}: {error:?}"))
}

/// The rows as lines, cells separated by `|`.
pub async fn lines(lake: &Lake, query: &str) -> Vec<String> {
    let table = sql(lake, query).await;
    table.rows.iter().map(|row| row.iter().map(cell).collect::<Vec<_>>().join("|")).collect()
}

fn cell(cell: &Cell) -> String {
    match cell {
        Cell::Null => "null".to_owned(),
        Cell::Text(text) => text.clone(),
        other => serde_json::to_value(other).unwrap().to_string(),
    }
}

/// The background work that merges and deletes files.
pub fn compaction(lake: &Lake) -> Arc<dyn kernel::task::Task> {
    lake.tasks().into_iter().map(|(task, _)| task).find(|task| task.name() == "lake compaction").unwrap()
}

/// The background work that moves heads into files.
pub fn flushes(lake: &Lake) -> Arc<dyn kernel::task::Task> {
    lake.tasks().into_iter().map(|(task, _)| task).find(|task| task.name() == "lake flush").unwrap()
}
