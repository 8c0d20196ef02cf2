//! OpenTelemetry as a service sets it up: logs and spans through `tracing`, metrics through a meter,
//! all over OTLP/gRPC, everything configured by the standard `OTEL_…` variables.

use std::time::{Duration, SystemTime};

use opentelemetry::trace::TracerProvider;
use opentelemetry::{KeyValue, global};
use opentelemetry_appender_tracing::layer::OpenTelemetryTracingBridge;
use opentelemetry_otlp::{LogExporter, MetricExporter, SpanExporter};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::logs::SdkLoggerProvider;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing_subscriber::filter::EnvFilter;
use tracing_subscriber::prelude::*;

use crate::Error;

/// Sends what is left when it is shut down.
pub struct Telemetry {
    spans: SdkTracerProvider,
    logs: SdkLoggerProvider,
    metrics: SdkMeterProvider,
}

/// A backend that is absent costs nothing but lost telemetry.
pub fn start(service: &'static str, version: &str) -> Result<Telemetry, Error> {
    let resource = resource(service, version);
    let spans = SdkTracerProvider::builder()
        .with_resource(resource.clone())
        .with_batch_exporter(SpanExporter::builder().with_tonic().build()?)
        .build();
    let logs = SdkLoggerProvider::builder()
        .with_resource(resource.clone())
        .with_batch_exporter(LogExporter::builder().with_tonic().build()?)
        .build();
    let metrics = SdkMeterProvider::builder()
        .with_resource(resource)
        .with_periodic_exporter(MetricExporter::builder().with_tonic().build()?)
        .build();
    global::set_text_map_propagator(TraceContextPropagator::new());
    global::set_meter_provider(metrics.clone());
    tracing_subscriber::registry()
        .with(filter())
        .with(tracing_subscriber::fmt::layer().with_writer(std::io::stderr).compact())
        .with(tracing_opentelemetry::layer().with_tracer(spans.tracer("shop")).with_threads(false).with_location(false))
        .with(OpenTelemetryTracingBridge::new(&logs))
        .try_init()?;
    Ok(Telemetry { spans, logs, metrics })
}

impl Telemetry {
    /// Gives up on a backend that does not answer.
    pub fn shutdown(&self) {
        let patience = Duration::from_secs(2);
        let results = [
            self.spans.shutdown_with_timeout(patience),
            self.logs.shutdown_with_timeout(patience),
            self.metrics.shutdown_with_timeout(patience),
        ];
        for error in results.into_iter().filter_map(Result::err) {
            eprintln!("shop: some telemetry was not sent: {error}");
        }
    }
}

/// `RUST_LOG` decides what is logged. The exporters' own transport stays out, or each export would
/// cause another.
fn filter() -> EnvFilter {
    let quiet = ["h2", "hyper", "tonic", "tower", "reqwest", "opentelemetry"];
    let base = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    quiet.iter().filter_map(|target| format!("{target}=off").parse().ok()).fold(base, EnvFilter::add_directive)
}

/// `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES` win over what is set here.
fn resource(service: &'static str, version: &str) -> Resource {
    let started = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let instance = format!("{service}-{}-{}", std::process::id(), started.as_secs());
    let own = [
        KeyValue::new("service.name", service),
        KeyValue::new("service.version", version.to_owned()),
        KeyValue::new("service.instance.id", instance),
        KeyValue::new("deployment.environment.name", "example"),
    ];
    let from_environment = Resource::builder().build();
    let said = |key: &KeyValue| {
        let value = from_environment.get(&key.key);
        value.is_some_and(|value| !value.as_str().starts_with("unknown_service"))
    };
    Resource::builder().with_attributes(own.into_iter().filter(|attribute| !said(attribute))).build()
}
