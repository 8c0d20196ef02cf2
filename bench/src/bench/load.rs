//! The metric load: counters and gauges of many instances, two hours at 15 seconds.

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::metrics::v1::{Gauge, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, metric, number_data_point};
use opentelemetry_proto::tonic::resource::v1::Resource;

use super::remote_write::{Label, Sample, TimeSeries, WriteRequest};

pub const STEP_MS: i64 = 15_000;
pub const STEPS: i64 = 480;
/// Samples of one request, as senders batch them.
const REQUEST_SAMPLES: usize = 2_000;
const JOBS: usize = 10;
pub const METRIC: &str = "bench_requests_total";

pub struct Metrics {
    pub series: usize,
    pub start_ms: i64,
}

impl Metrics {
    pub fn new(series: usize) -> Self {
        let end_ms = jiff::Timestamp::now().as_millisecond() / STEP_MS * STEP_MS;
        Self { series, start_ms: end_ms - (STEPS - 1) * STEP_MS }
    }

    pub fn end_ms(&self) -> i64 {
        self.start_ms + (STEPS - 1) * STEP_MS
    }

    pub fn samples(&self) -> usize {
        self.series * STEPS as usize
    }

    /// Requests in order of time: a step, and the series of one batch.
    pub fn batches(&self) -> impl Iterator<Item = (i64, std::ops::Range<usize>)> {
        let series = self.series;
        let starts = move || (0..series).step_by(REQUEST_SAMPLES);
        let start_ms = self.start_ms;
        (0..STEPS).flat_map(move |step| starts().map(move |first| (start_ms + step * STEP_MS, first..(first + REQUEST_SAMPLES).min(series))))
    }

    /// A counter that grows at its own pace, as a request counter does.
    fn value(&self, series: usize, time_ms: i64) -> f64 {
        let step = (time_ms - self.start_ms) / STEP_MS;
        let pace = (series % 97 + 1) as i64;
        let wobble = (series as i64).wrapping_mul(step).wrapping_mul(2_654_435_761) >> 24 & 7;
        (step * pace * 15 + wobble) as f64
    }

    /// Gauges by name, so that neither side adds a suffix.
    pub fn otlp(&self, time_ms: i64, series: std::ops::Range<usize>) -> ExportMetricsServiceRequest {
        let mut by_job: Vec<Vec<usize>> = vec![Vec::new(); JOBS];
        series.for_each(|s| by_job[s % JOBS].push(s));
        let resource = |job: usize| Resource { attributes: vec![attribute("service.name", format!("job-{job}"))], ..Default::default() };
        let point = |s: &usize| NumberDataPoint {
            attributes: vec![attribute("host", format!("host-{s}")), attribute("path", format!("/p{}", s % 7))],
            time_unix_nano: time_ms as u64 * 1_000_000,
            value: Some(number_data_point::Value::AsDouble(self.value(*s, time_ms))),
            ..Default::default()
        };
        let metrics = |all: &Vec<usize>| Metric {
            name: METRIC.to_owned(),
            data: Some(metric::Data::Gauge(Gauge { data_points: all.iter().map(point).collect() })),
            ..Default::default()
        };
        let of_job = |(job, all): (usize, &Vec<usize>)| ResourceMetrics {
            resource: Some(resource(job)),
            scope_metrics: vec![ScopeMetrics { metrics: vec![metrics(all)], ..Default::default() }],
            ..Default::default()
        };
        let filled = by_job.iter().enumerate().filter(|(_, all)| !all.is_empty());
        ExportMetricsServiceRequest { resource_metrics: filled.map(of_job).collect() }
    }

    pub fn remote_write(&self, time_ms: i64, series: std::ops::Range<usize>) -> WriteRequest {
        let label = |name: &str, value: String| Label { name: name.to_owned(), value };
        let one = |s: usize| TimeSeries {
            labels: vec![
                label("__name__", METRIC.to_owned()),
                label("host", format!("host-{s}")),
                label("job", format!("job-{}", s % JOBS)),
                label("path", format!("/p{}", s % 7)),
            ],
            samples: vec![Sample { value: self.value(s, time_ms), timestamp: time_ms }],
        };
        WriteRequest { timeseries: series.map(one).collect() }
    }
}

pub fn attribute(key: &str, value: String) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(any_value::Value::StringValue(value)) }), ..Default::default() }
}
