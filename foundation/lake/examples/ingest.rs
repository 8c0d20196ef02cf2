//! Measures ingest through the sink: protobuf in, durable and queryable out. Prints records for each
//! second of processor time, and bytes for each record on disk.
//!
//! `cargo run --release -p mainstay-lake --example ingest`

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use kernel::{Clock, SystemClock};
use mainstay_lake::{Lake, LakeSettings, SignalStatus};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::{Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum, number_data_point};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;
use telemetry::{Export, Signal, SignalSink};

const SERIES: u64 = 10_000;
const SCRAPES: u64 = 240;
const BATCH: u64 = 1_000;
const RECORDS: u64 = 300_000;
const WRITERS: usize = 4;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let lake = Lake::open(LakeSettings::below(folder.path()), Arc::new(SystemClock), vec![]).await?;
    let start_ns = u64::try_from(SystemClock.now().as_nanosecond())? - SCRAPES * 15_000_000_000;

    let metrics = (0..SCRAPES).flat_map(|scrape| (0..SERIES / BATCH).map(move |part| metrics(start_ns + scrape * 15_000_000_000, part, scrape))).collect();
    measure("samples", &lake, Signal::Metrics, metrics, SERIES * SCRAPES, |lake| lake.status().metrics).await?;
    let logs = (0..RECORDS / BATCH).map(|part| logs(start_ns, part)).collect();
    measure("log lines", &lake, Signal::Logs, logs, RECORDS, |lake| lake.status().logs).await?;
    let spans = (0..RECORDS / BATCH).map(|part| spans(start_ns, part)).collect();
    measure("spans", &lake, Signal::Spans, spans, RECORDS, |lake| lake.status().spans).await?;
    Ok(())
}

async fn measure(what: &str, lake: &Lake, signal: Signal, payloads: Vec<Bytes>, records: u64, status: impl Fn(&Lake) -> SignalStatus) -> Result<(), Box<dyn std::error::Error>> {
    let wire_bytes: usize = payloads.iter().map(Bytes::len).sum();
    let (cpu, wall) = (cpu_s()?, Instant::now());
    let payloads = Arc::new(payloads);
    let writers = (0..WRITERS).map(|writer| {
        let (lake, payloads) = (lake.clone(), payloads.clone());
        tokio::spawn(async move {
            for payload in payloads.iter().skip(writer).step_by(WRITERS) {
                write(&lake, signal, payload.clone()).await;
            }
        })
    });
    for writer in futures::future::join_all(writers).await {
        writer?;
    }
    let (ingest_cpu, ingest_wall) = (cpu_s()? - cpu, wall.elapsed().as_secs_f64());
    let (log_bytes, head_bytes) = (status(lake).log_bytes, status(lake).head_bytes);
    lake.flush().await?;
    let total_cpu = cpu_s()? - cpu;
    let n = records as f64;
    println!(
        "{what}: {:.0}k per CPU-second acknowledged, {:.0}k with files written; {:.1} s; bytes each: {:.1} on the wire, {:.1} in the log, {:.1} in memory, {:.2} in files",
        n / ingest_cpu / 1e3,
        n / total_cpu / 1e3,
        ingest_wall,
        wire_bytes as f64 / n,
        log_bytes as f64 / n,
        head_bytes as f64 / n,
        status(lake).file_bytes as f64 / n,
    );
    Ok(())
}

/// Flushes when the lake asks to wait, as its background work would.
async fn write(lake: &Lake, signal: Signal, payload: Bytes) {
    loop {
        let export = Export::from_protobuf(signal, payload.clone()).expect("the payload was just encoded");
        match lake.write(export).await {
            Ok(accepted) => return assert_eq!(accepted.rejected, 0, "{accepted:?}"),
            Err(telemetry::SinkError::Busy { .. }) => drop(lake.flush().await),
            Err(error) => panic!("{error}"),
        }
    }
}

fn metrics(time_unix_nano: u64, part: u64, scrape: u64) -> Bytes {
    let point = |i: u64| NumberDataPoint {
        time_unix_nano,
        attributes: vec![attribute("http.route", &format!("/api/v1/resource{}", i % 50)), attribute("http.request.method", "GET"), attribute("shard", &i.to_string())],
        value: Some(number_data_point::Value::AsInt((scrape * (i % 97) + scrape * scrape % 13) as i64)),
        ..NumberDataPoint::default()
    };
    let sum = |metric: u64| Metric {
        name: format!("http.server.requests.{metric}"),
        data: Some(Data::Sum(Sum { data_points: (0..BATCH / 10).map(point).collect(), aggregation_temporality: 2, is_monotonic: true })),
        ..Metric::default()
    };
    let scope_metrics = vec![ScopeMetrics { metrics: (0..10).map(sum).collect(), ..ScopeMetrics::default() }];
    let request = ExportMetricsServiceRequest { resource_metrics: vec![ResourceMetrics { resource: resource(part), scope_metrics, ..ResourceMetrics::default() }] };
    request.encode_to_vec().into()
}

fn logs(start_ns: u64, part: u64) -> Bytes {
    let record = |i: u64| LogRecord {
        time_unix_nano: start_ns + (part * BATCH + i) * 1_000_000,
        observed_time_unix_nano: start_ns + (part * BATCH + i) * 1_000_000,
        severity_number: if noise(i) % 20 == 0 { 17 } else { 9 },
        body: Some(text(&format!("payment accepted for order {} in {} ms", noise(part * BATCH + i), noise(i) % 900))),
        attributes: vec![attribute("code.function", "handle"), attribute("user.id", &format!("u{}", noise(i) % 20_000)), attribute("thread.id", &(i % 16).to_string())],
        trace_id: [noise(part * BATCH + i).to_be_bytes(), noise(i + 7).to_be_bytes()].concat(),
        span_id: noise(part * BATCH + i + 1).to_be_bytes().to_vec(),
        ..LogRecord::default()
    };
    let scope_logs = vec![ScopeLogs { log_records: (0..BATCH).map(record).collect(), ..ScopeLogs::default() }];
    ExportLogsServiceRequest { resource_logs: vec![ResourceLogs { resource: resource(part % 12), scope_logs, ..ResourceLogs::default() }] }.encode_to_vec().into()
}

fn spans(start_ns: u64, part: u64) -> Bytes {
    let span = |i: u64| {
        let start_time_unix_nano = start_ns + (part * BATCH + i) * 1_000_000;
        Span {
            trace_id: [noise((part * BATCH + i) / 8).to_be_bytes(), noise((part * BATCH + i) / 8 + 1).to_be_bytes()].concat(),
            span_id: noise(part * BATCH + i).to_be_bytes().to_vec(),
            parent_span_id: if i % 8 == 0 { vec![] } else { noise(part * BATCH + i - 1).to_be_bytes().to_vec() },
            name: format!("GET /api/v1/resource{}", i % 40),
            kind: 2,
            start_time_unix_nano,
            end_time_unix_nano: start_time_unix_nano + noise(i) % 50_000_000,
            attributes: vec![
                attribute("http.request.method", "GET"),
                attribute("http.route", &format!("/api/v1/resource{}", i % 40)),
                attribute("url.path", &format!("/api/v1/resource/{}", noise(i) % 1_000_000)),
                attribute("user.id", &format!("u{}", noise(i) % 20_000)),
                attribute("server.port", "8080"),
            ],
            ..Span::default()
        }
    };
    let scope_spans = vec![ScopeSpans { spans: (0..BATCH).map(span).collect(), ..ScopeSpans::default() }];
    ExportTraceServiceRequest { resource_spans: vec![ResourceSpans { resource: resource(part % 12), scope_spans, ..ResourceSpans::default() }] }.encode_to_vec().into()
}

fn resource(number: u64) -> Option<Resource> {
    let attributes = vec![attribute("service.name", &format!("service-{number}")), attribute("service.instance.id", &noise(number).to_string()), attribute("host.name", &format!("ip-10-0-0-{number}"))];
    Some(Resource { attributes, ..Resource::default() })
}

fn attribute(key: &str, value: &str) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(text(value)), ..KeyValue::default() }
}

fn text(value: &str) -> AnyValue {
    AnyValue { value: Some(Value::StringValue(value.to_owned())) }
}

/// Numbers that look random and are the same each time.
fn noise(seed: u64) -> u64 {
    let mixed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb)
}

/// Processor time of this process, in ticks of 10 ms.
fn cpu_s() -> Result<f64, Box<dyn std::error::Error>> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = fields[11].parse::<f64>()? + fields[12].parse::<f64>()?;
    Ok(ticks / 100.0)
}
