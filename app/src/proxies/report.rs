//! The counters of a proxy as OpenTelemetry metrics: each version is a resource with its own `service.version`.
//!
//! Source: OpenTelemetry, "Semantic Conventions for HTTP Metrics"; OTLP 1.x over HTTP.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, Gauge, Histogram, HistogramDataPoint, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, number_data_point,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use prost::Message;
use proxy::config::Telemetry;
use proxy::{BOUNDS_S, Proxy, Series, Status};
use tokio_util::sync::CancellationToken;

/// Who takes OTLP over HTTP.
pub struct Collector {
    pub endpoint: String,
    pub token: Option<String>,
}

const PATIENCE: Duration = Duration::from_secs(5);

/// Sends until it is told to stop, and then once more. What cannot be sent is in the next report, as all totals are
/// counted from the start.
pub async fn report(proxy: Arc<Proxy>, telemetry: Telemetry, collector: Collector, stop: CancellationToken) {
    let http = reqwest::Client::new();
    let origin = Origin { service: telemetry.service, instance: proxy.address().to_string(), started_ns: now_ns() };
    let mut ticks = tokio::time::interval(telemetry.every);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut reached = true;
    loop {
        let last = tokio::select! {
            _ = ticks.tick() => false,
            () = stop.cancelled() => true,
        };
        let request = origin.request(&proxy.series(), &proxy.status(), now_ns());
        match send(&http, &collector, &request).await {
            Ok(()) => reached = true,
            Err(error) if reached => {
                tracing::warn!(endpoint = collector.endpoint, %error, "what went through the proxy cannot be told; trying on");
                reached = false;
            }
            Err(_) => {}
        }
        if last {
            return;
        }
    }
}

async fn send(http: &reqwest::Client, collector: &Collector, request: &ExportMetricsServiceRequest) -> reqwest::Result<()> {
    let url = format!("{}/v1/metrics", collector.endpoint.trim_end_matches('/'));
    let mut post = http.post(url).timeout(PATIENCE).header("content-type", "application/x-protobuf").body(request.encode_to_vec());
    if let Some(token) = &collector.token {
        post = post.bearer_auth(token);
    }
    post.send().await?.error_for_status().map(drop)
}

struct Origin {
    service: String,
    instance: String,
    started_ns: u64,
}

impl Origin {
    fn request(&self, series: &[Series], status: &Status, time_ns: u64) -> ExportMetricsServiceRequest {
        let mut versions: BTreeMap<Option<&str>, Vec<&Series>> = status.versions.keys().map(|version| (Some(version.as_str()), Vec::new())).collect();
        for series in series {
            versions.entry(series.version.as_deref()).or_default().push(series);
        }
        let resource_metrics = versions.into_iter().map(|(version, series)| self.of_version(version, &series, status, time_ns)).collect();
        ExportMetricsServiceRequest { resource_metrics }
    }

    fn of_version(&self, version: Option<&str>, series: &[&Series], status: &Status, time_ns: u64) -> ResourceMetrics {
        let mut attributes = vec![text("service.name", &self.service), text("service.instance.id", &self.instance)];
        attributes.extend(version.map(|version| text("service.version", version)));
        let durations = series.iter().map(|series| self.durations(series, time_ns)).collect();
        let histogram = Histogram { data_points: durations, aggregation_temporality: AggregationTemporality::Cumulative as i32 };
        let mut metrics = vec![metric("http.server.request.duration", "s", "Time until the last byte of an answer", Data::Histogram(histogram))];
        if let Some(standing) = version.and_then(|version| status.versions.get(version)) {
            let gauge = |value: number_data_point::Value| {
                Data::Gauge(Gauge { data_points: vec![NumberDataPoint { time_unix_nano: time_ns, value: Some(value), ..NumberDataPoint::default() }] })
            };
            metrics.push(metric("mainstay.proxy.weight", "%", "Share of the traffic", gauge(number_data_point::Value::AsDouble(standing.weight))));
            let open = i64::try_from(standing.open).unwrap_or(i64::MAX);
            metrics.push(metric("mainstay.proxy.open_requests", "", "Requests under way", gauge(number_data_point::Value::AsInt(open))));
        }
        let scope = InstrumentationScope { name: "mainstay.proxy".to_owned(), ..InstrumentationScope::default() };
        ResourceMetrics {
            resource: Some(Resource { attributes, ..Resource::default() }),
            scope_metrics: vec![ScopeMetrics { scope: Some(scope), metrics, ..ScopeMetrics::default() }],
            ..ResourceMetrics::default()
        }
    }

    fn durations(&self, series: &Series, time_ns: u64) -> HistogramDataPoint {
        HistogramDataPoint {
            attributes: vec![text("http.request.method", series.method), number("http.response.status_code", i64::from(series.status))],
            start_time_unix_nano: self.started_ns,
            time_unix_nano: time_ns,
            count: series.count,
            sum: Some(series.duration_sum_s),
            bucket_counts: series.duration_buckets.to_vec(),
            explicit_bounds: BOUNDS_S.to_vec(),
            ..HistogramDataPoint::default()
        }
    }
}

fn metric(name: &str, unit: &str, description: &str, data: Data) -> Metric {
    Metric { name: name.to_owned(), unit: unit.to_owned(), description: description.to_owned(), data: Some(data), ..Metric::default() }
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

fn now_ns() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
}
