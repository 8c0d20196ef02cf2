//! The resource of metrics: who reports, and the series `target_info` that describes it.

use std::ops::RangeInclusive;

use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::metrics::v1::ResourceMetrics;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;

use super::points::push_attributes;
use super::{MetricVisitor, Scratch};
use crate::label_buffer::LabelBuffer;
use crate::labels::METRIC_NAME;
use crate::otlp::value::{find, push_text};
use crate::ports::Sample;

const IDENTIFYING: [&str; 3] = ["service.namespace", "service.name", "service.instance.id"];

/// Half of the time that PromQL looks back, so that the series is there all along.
const TARGET_INFO_EVERY_MS: i64 = 150_000;
/// A request whose times lie further apart gets the last of them.
const TARGET_INFO_MAX: i64 = 300;

/// What else of the resource becomes a label of each series, as Prometheus's `promote_resource_attributes` would do:
/// two versions of a service are compared, and an alarm says which of them it accuses.
const VERSION: (&str, &str) = ("service.version", "service_version");

/// Empty where the resource does not say.
pub(super) struct Target {
    job: String,
    instance: String,
    version: String,
}

impl Target {
    pub fn of(attributes: &[KeyValue]) -> Self {
        let text_of = |key| {
            let mut text = String::new();
            push_text(&mut text, find(attributes, key));
            text
        };
        let [namespace, name, instance] = IDENTIFYING.map(text_of);
        let named = !name.is_empty();
        let job = if named && !namespace.is_empty() { format!("{namespace}/{name}") } else { name };
        Self { job, instance, version: text_of(VERSION.0) }
    }

    /// Over what attributes say of who reports; a data point's own version stands.
    pub fn push(&self, labels: &mut LabelBuffer) {
        for (name, value) in [("job", &self.job), ("instance", &self.instance)] {
            if !value.is_empty() {
                labels.set(name, value);
            }
        }
        if !self.version.is_empty() && !labels.contains(VERSION.1) {
            labels.set(VERSION.1, &self.version);
        }
    }
}

/// From the earliest to the latest data point, in milliseconds.
pub(super) fn time_span(resource: &ResourceMetrics) -> Option<RangeInclusive<i64>> {
    let metrics = resource.scope_metrics.iter().flat_map(|scope| &scope.metrics);
    let times = metrics.filter_map(|metric| metric.data.as_ref()).flat_map(times_of);
    let (first, last) = times.fold((u64::MAX, 0), |(first, last), time| (first.min(time), last.max(time)));
    (first <= last).then(|| to_ms(first)..=to_ms(last))
}

pub(super) fn push_target_info(
    scratch: &mut Scratch,
    target: &Target,
    attributes: &[KeyValue],
    times_ms: RangeInclusive<i64>,
    visitor: &mut impl MetricVisitor,
) {
    let describing = |attribute: &&KeyValue| !IDENTIFYING.contains(&attribute.key.as_str());
    let identified = !target.job.is_empty() || !target.instance.is_empty();
    if !identified || !attributes.iter().any(|attribute| describing(&attribute)) {
        return;
    }
    scratch.labels.clear();
    push_attributes(scratch, attributes, |key| !IDENTIFYING.contains(&key));
    target.push(&mut scratch.labels);
    scratch.labels.set(METRIC_NAME, "target_info");
    let labels = scratch.labels.view();
    let (first, last) = times_ms.into_inner();
    let first = first.max(last - TARGET_INFO_MAX * TARGET_INFO_EVERY_MS);
    let between = (0..).map(|i| first + i * TARGET_INFO_EVERY_MS).take_while(|time_ms| *time_ms < last);
    for time_ms in between.chain([last]) {
        visitor.sample(labels, Sample { time_ms, value: 1.0 });
    }
}

pub(super) fn to_ms(unix_ns: u64) -> i64 {
    (unix_ns / 1_000_000) as i64
}

fn times_of(data: &Data) -> Vec<u64> {
    match data {
        Data::Gauge(gauge) => gauge.data_points.iter().map(|point| point.time_unix_nano).collect(),
        Data::Sum(sum) => sum.data_points.iter().map(|point| point.time_unix_nano).collect(),
        Data::Histogram(histogram) => histogram.data_points.iter().map(|point| point.time_unix_nano).collect(),
        Data::ExponentialHistogram(histogram) => histogram.data_points.iter().map(|point| point.time_unix_nano).collect(),
        Data::Summary(summary) => summary.data_points.iter().map(|point| point.time_unix_nano).collect(),
    }
}
