//! Mainstay observes itself: logs on the terminal, and logs, traces and metrics into its own lake, sent
//! over OTLP exactly as any service would send them.

use std::io::IsTerminal;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use kernel::task::Driver;
use ledger::Ledger;
use opentelemetry::metrics::{Histogram, MeterProvider};
use opentelemetry::{KeyValue, trace::TracerProvider};
use opentelemetry_appender_tracing::layer::OpenTelemetryTracingBridge;
use opentelemetry_otlp::{LogExporter, MetricExporter, SpanExporter, WithExportConfig, WithTonicConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::logs::SdkLoggerProvider;
use opentelemetry_sdk::metrics::{PeriodicReader, SdkMeterProvider};
use opentelemetry_sdk::trace::SdkTracerProvider;
use server::Access;
use tonic::metadata::MetadataMap;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, Registry, fmt};

type BoxedLayer = Box<dyn Layer<Registry> + Send + Sync>;

/// Logs on standard error for commands that serve nobody: only what went wrong.
pub fn terminal_only() {
    install(vec![terminal("error")]);
}

/// Logs on standard error for a process without a lake of its own.
pub fn terminal_at(level: &str) {
    install(vec![terminal(level)]);
}

/// JSON where no person watches. `MAINSTAY_LOG` overrides the level, in tracing's filter syntax.
fn terminal(level: &str) -> BoxedLayer {
    let filter = EnvFilter::try_from_env("MAINSTAY_LOG").unwrap_or_else(|_| EnvFilter::new(level));
    if std::io::stderr().is_terminal() {
        fmt::layer().with_writer(std::io::stderr).with_filter(filter).boxed()
    } else {
        fmt::layer().json().flatten_event(true).with_writer(std::io::stderr).with_filter(filter).boxed()
    }
}

/// The first subscriber of the process stays; tests within one process may start several servers.
fn install(layers: Vec<BoxedLayer>) {
    let _ = tracing_subscriber::registry().with(layers).try_init();
}

/// The exporters of a running server.
pub struct Observing {
    traces: SdkTracerProvider,
    logs: SdkLoggerProvider,
    metrics: SdkMeterProvider,
}

#[derive(Debug, thiserror::Error)]
#[error("the server's own telemetry cannot be set up: {0}")]
pub struct ObserveError(#[from] opentelemetry_otlp::ExporterBuildError);

const SERVICE: &str = "mainstay";
const METRIC_INTERVAL: Duration = Duration::from_secs(15);

impl Observing {
    /// Sends to `endpoint`, an OTLP/gRPC address of this very server, with its own token if it asks for one.
    /// `level` is that of the terminal.
    pub fn start(endpoint: &str, access: &Access, level: &str) -> Result<Self, ObserveError> {
        let resource = Resource::builder()
            .with_service_name(SERVICE)
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .build();
        let traces = SdkTracerProvider::builder()
            .with_batch_exporter(SpanExporter::builder().with_tonic().with_endpoint(endpoint).with_metadata(metadata(access)).build()?)
            .with_resource(resource.clone())
            .build();
        let logs = SdkLoggerProvider::builder()
            .with_batch_exporter(LogExporter::builder().with_tonic().with_endpoint(endpoint).with_metadata(metadata(access)).build()?)
            .with_resource(resource.clone())
            .build();
        let exporter = MetricExporter::builder().with_tonic().with_endpoint(endpoint).with_metadata(metadata(access)).build()?;
        let metrics = SdkMeterProvider::builder()
            .with_reader(PeriodicReader::builder(exporter).with_interval(METRIC_INTERVAL).build())
            .with_resource(resource)
            .build();
        // Only Mainstay's own events: what the exporters themselves do must not be exported again.
        let own = || Targets::new().with_target("mainstay", tracing::Level::INFO);
        let spans: BoxedLayer = tracing_opentelemetry::layer().with_tracer(traces.tracer(SERVICE)).with_filter(own()).boxed();
        let records: BoxedLayer = OpenTelemetryTracingBridge::new(&logs).with_filter(own()).boxed();
        install(vec![terminal(level), spans, records]);
        Ok(Self { traces, logs, metrics })
    }

    /// Begins to report what the server does in the background.
    pub fn measure_tasks(&self, driver: &Arc<Driver>, ledger: &Ledger) {
        register_metrics(&self.metrics, driver, ledger);
    }

    /// Sends what is left; to be called while the receiver still answers.
    pub async fn stop(self) {
        // The SDK's shutdown blocks until its threads are done.
        let done = tokio::task::spawn_blocking(move || {
            let _ = self.traces.shutdown();
            let _ = self.logs.shutdown();
            let _ = self.metrics.shutdown();
        });
        let _ = done.await;
    }
}

fn metadata(access: &Access) -> MetadataMap {
    let mut metadata = MetadataMap::new();
    if let Access::Token(token) = access
        && let Ok(value) = format!("Bearer {token}").parse()
    {
        metadata.insert("authorization", value);
    }
    metadata
}

static REQUEST_DURATION: OnceLock<Histogram<f64>> = OnceLock::new();

fn register_metrics(provider: &SdkMeterProvider, driver: &Arc<Driver>, ledger: &Ledger) {
    let meter = provider.meter(SERVICE);
    let _ = REQUEST_DURATION.set(
        meter
            .f64_histogram("http.server.request.duration")
            .with_unit("s")
            .with_description("Time to answer a request")
            .build(),
    );
    meter
        .u64_observable_gauge("process.memory.usage")
        .with_unit("By")
        .with_description("Resident memory")
        .with_callback(|gauge| gauge.observe(resident_bytes(), &[]))
        .build();
    let (passes, failures) = (driver.clone(), driver.clone());
    meter
        .u64_observable_counter("mainstay.task.passes")
        .with_description("Passes of each background task")
        .with_callback(move |counter| {
            for task in passes.statuses() {
                counter.observe(task.passes, &[KeyValue::new("task", task.name)]);
            }
        })
        .build();
    meter
        .u64_observable_counter("mainstay.task.failures")
        .with_description("Failed passes of each background task")
        .with_callback(move |counter| {
            for task in failures.statuses() {
                counter.observe(task.failures, &[KeyValue::new("task", task.name)]);
            }
        })
        .build();
    let position = ledger.watch();
    meter
        .u64_observable_gauge("mainstay.ledger.position")
        .with_description("Position of the newest event")
        .with_callback(move |gauge| gauge.observe(*position.borrow(), &[]))
        .build();
}

/// Middleware: the duration of each request, by method and status.
pub async fn measure(request: Request, next: Next) -> Response {
    let method = request.method().to_string();
    let begun = std::time::Instant::now();
    let response = next.run(request).await;
    if let Some(histogram) = REQUEST_DURATION.get() {
        let status = i64::from(response.status().as_u16());
        let attributes = [KeyValue::new("http.request.method", method), KeyValue::new("http.response.status_code", status)];
        histogram.record(begun.elapsed().as_secs_f64(), &attributes);
    }
    response
}

/// The `VmRSS` of `/proc/self/status`, which is in kB; 0 where there is none.
fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kilobytes = status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    kilobytes.unwrap_or(0) * 1024
}
