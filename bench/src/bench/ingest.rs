//! Ingest: signals per second of the server's processor time.

use std::time::Instant;

use anyhow::ensure;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, any_value};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, span::SpanKind};
use prost::Message;
use serde_json::{Value, json};

use super::load::{Metrics, attribute};
use super::peer::{Mainstay, Pair, client};
use super::process::folder_mib;
use super::report::Report;

const RECORDS: usize = 400_000;
const REQUEST_RECORDS: usize = 1_000;

pub async fn metrics(servers: &mut Pair, load: &Metrics, report: &mut Report) -> anyhow::Result<()> {
    let (ours_before, theirs_before) = (servers.mainstay.process.cpu_s(), servers.prometheus.process.cpu_s());
    let write = format!("{}/api/v1/write", servers.prometheus.http);
    let (mut ours_wall_s, mut theirs_wall_s) = (0.0, 0.0);
    // In turn, so that both see the same moods of the machine.
    for (time_ms, series) in load.batches() {
        let body = load.otlp(time_ms, series.clone()).encode_to_vec();
        let begun = Instant::now();
        send(&servers.client, &servers.mainstay, "metrics", body).await?;
        ours_wall_s += begun.elapsed().as_secs_f64();
        let body = load.remote_write(time_ms, series).body();
        let begun = Instant::now();
        let request = servers.client.post(&write).header("content-encoding", "snappy").header("content-type", "application/x-protobuf").body(body);
        let response = request.send().await?;
        ensure!(response.status().is_success(), "prometheus: {}", response.text().await?);
        theirs_wall_s += begun.elapsed().as_secs_f64();
    }
    let samples = load.samples() as f64;
    let ours = samples / (servers.mainstay.process.cpu_s() - ours_before);
    let theirs = samples / (servers.prometheus.process.cpu_s() - theirs_before);
    let row = |name: &str, ours: f64, theirs: f64| [name.to_owned(), format!("{ours:.2}"), format!("{theirs:.2}"), format!("{:.2}", ours / theirs)];
    report.table(
        &format!("Metric ingest: {} series, {samples:.0} samples, one sender, durable before each answer here and not there", load.series),
        ["", "Mainstay (OTLP)", "Prometheus (remote write)", "ratio"],
        vec![
            row("thousand samples per CPU-second", ours / 1e3, theirs / 1e3),
            row("thousand samples per second of the sender's waiting", samples / ours_wall_s / 1e3, samples / theirs_wall_s / 1e3),
            row("resident after, MiB", servers.mainstay.process.resident_mib(), servers.prometheus.process.resident_mib()),
            row("on disk with the write-ahead log, MiB", folder_mib(servers.mainstay.data()), folder_mib(servers.prometheus.data())),
        ],
    );
    Ok(())
}

pub async fn logs_and_spans(report: &mut Report) -> anyhow::Result<()> {
    let client = client()?;
    let mut rows = Vec::new();
    for (signal, table, batch) in [("logs", "logs", logs as fn(usize) -> Vec<u8>), ("traces", "spans", spans)] {
        let server = Mainstay::start(&client).await?;
        let before_s = server.process.cpu_s();
        let mut bytes = 0;
        let begun = Instant::now();
        for first in (0..RECORDS).step_by(REQUEST_RECORDS) {
            let body = batch(first);
            bytes += body.len();
            send(&client, &server, signal, body).await?;
        }
        let wall_s = begun.elapsed().as_secs_f64();
        let cpu_s = server.process.cpu_s() - before_s;
        let count = json!({"sql": format!("SELECT count(*) FROM {table} WHERE service = 'bench'")});
        let answer: Value = client.post(format!("{}/api/query", server.http)).json(&count).send().await?.json().await?;
        ensure!(answer["rows"][0][0] == json!(RECORDS), "{RECORDS} {table} sent, {} found", answer["rows"][0][0]);
        rows.push([
            table.to_owned(),
            format!("{:.1}", RECORDS as f64 / cpu_s / 1e3),
            format!("{:.1}", RECORDS as f64 / wall_s / 1e3),
            format!("{:.0}", bytes as f64 / RECORDS as f64),
            format!("{:.0}", folder_mib(server.data())),
            format!("{:.0}", server.process.resident_mib()),
        ]);
    }
    report.table(
        &format!("Log and span ingest: {RECORDS} records over OTLP/HTTP, one sender"),
        ["", "thousand per CPU-second", "thousand per second", "bytes each on the wire", "on disk with the log, MiB", "resident after, MiB"],
        rows,
    );
    Ok(())
}

async fn send(client: &reqwest::Client, server: &Mainstay, signal: &str, body: Vec<u8>) -> anyhow::Result<()> {
    let url = format!("{}/v1/{signal}", server.otlp_http);
    let response = client.post(url).header("content-type", "application/x-protobuf").body(body).send().await?;
    ensure!(response.status().is_success(), "mainstay: {} {}", response.status(), response.text().await?);
    Ok(())
}

fn resource() -> Option<Resource> {
    Some(Resource { attributes: vec![attribute("service.name", "bench".to_owned())], ..Default::default() })
}

/// Records arrive a millisecond apart.
fn time_ns(record: usize) -> u64 {
    const DAY_BEGIN_MS: i64 = 3_600_000;
    let now_ms = jiff::Timestamp::now().as_millisecond() - DAY_BEGIN_MS;
    (now_ms as u64 + record as u64) * 1_000_000
}

fn logs(first: usize) -> Vec<u8> {
    const WORDS: [&str; 8] = ["accepted", "refused", "queued", "charged", "sent", "retried", "expired", "packed"];
    let record = |n: usize| LogRecord {
        time_unix_nano: time_ns(n),
        severity_number: if n % 50 == 0 { 17 } else { 9 },
        body: Some(AnyValue { value: Some(any_value::Value::StringValue(format!("order {n} was {} for customer {}", WORDS[n % 8], n % 9_973))) }),
        attributes: vec![attribute("http.route", format!("/orders/{}", n % 31)), attribute("region", format!("eu-{}", n % 3))],
        trace_id: (n as u128 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835).to_be_bytes().into(),
        ..Default::default()
    };
    let scope = ScopeLogs { log_records: (first..first + REQUEST_RECORDS).map(record).collect(), ..Default::default() };
    ExportLogsServiceRequest { resource_logs: vec![ResourceLogs { resource: resource(), scope_logs: vec![scope], ..Default::default() }] }.encode_to_vec()
}

fn spans(first: usize) -> Vec<u8> {
    let span = |n: usize| {
        let trace = (n / 8) as u128 + 1;
        Span {
            trace_id: trace.wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835).to_be_bytes().into(),
            span_id: (n as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15).to_be_bytes().into(),
            parent_span_id: if n % 8 == 0 { vec![] } else { (n as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15).to_be_bytes().into() },
            name: format!("GET /orders/{}", n % 31),
            kind: if n % 8 == 0 { SpanKind::Server } else { SpanKind::Internal }.into(),
            start_time_unix_nano: time_ns(n),
            end_time_unix_nano: time_ns(n) + 1_000_000 + (n as u64 % 977) * 10_000,
            attributes: vec![
                attribute("http.request.method", "GET".to_owned()),
                attribute("http.route", format!("/orders/{}", n % 31)),
                attribute("server.address", format!("10.0.0.{}", n % 250)),
            ],
            ..Default::default()
        }
    };
    let scope = ScopeSpans { spans: (first..first + REQUEST_RECORDS).map(span).collect(), ..Default::default() };
    ExportTraceServiceRequest { resource_spans: vec![ResourceSpans { resource: resource(), scope_spans: vec![scope], ..Default::default() }] }.encode_to_vec()
}
