//! OTLP metrics as Prometheus series, the way Prometheus's own OTLP receiver translates them by default.
//!
//! `job` is `service.namespace/service.name`, `instance` is `service.instance.id`; the resource's other
//! attributes go into a series `target_info`, and `service.version` into a label as well. Attributes become labels; scopes do not. An explicit
//! histogram becomes `_bucket`, `_sum` and `_count`, and so does an exponential one here (Prometheus
//! stores those as native histograms). Delta points are added up to cumulative ones. Exemplars are not kept.
//!
//! Source: OpenTelemetry, "Prometheus and OpenMetrics Compatibility".

mod accumulate;
mod exponential;
pub mod names;
mod points;
mod resource;

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::{AggregationTemporality, DataPointFlags, Metric, ResourceMetrics};

use crate::label_buffer::{LabelBuffer, LabelsView, Mark};
use crate::ports::{Accepted, Metadata, Sample, Series};
use accumulate::Accumulator;
use exponential::Exponential;
use resource::Target;

/// Per side of zero; senders keep to 160.
pub(super) const MAX_EXPONENTIAL_BUCKETS: usize = 1_000;

/// What a translation yields, in the order of the request.
pub trait MetricVisitor {
    /// A family of series, before its samples.
    fn metadata(&mut self, metadata: Metadata);

    /// One sample. The view is only good for the call; its hash finds a series that is already known.
    fn sample(&mut self, labels: LabelsView<'_>, sample: Sample);
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricKind {
    Counter,
    /// A sum that can fall: a gauge to Prometheus, but never a ratio.
    UpDownCounter,
    Gauge,
    Histogram,
    Summary,
}

impl MetricKind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::UpDownCounter | Self::Gauge => "gauge",
            Self::Histogram => "histogram",
            Self::Summary => "summary",
        }
    }
}

/// Translates requests. Keeps the totals of delta streams between them, so one store has one, and gives
/// it the same requests in the same order when it replays. Totals that are lost or forgotten look like a
/// restart of the sender, which `rate` and `increase` allow for.
#[derive(Debug)]
pub struct Translator {
    numbers: Accumulator<f64>,
    histograms: Accumulator<Exponential>,
    scratch: Scratch,
}

/// Memory that is used again for each data point.
#[derive(Debug, Default)]
struct Scratch {
    labels: LabelBuffer,
    /// The labels of a data point, without name, `le` or `quantile`.
    base: Mark,
    key: String,
    order: Vec<u32>,
}

impl Default for Translator {
    fn default() -> Self {
        Self::new(100_000)
    }
}

impl Translator {
    /// Remembers at most this many delta series; each takes about 50 bytes.
    pub fn new(max_delta_series: usize) -> Self {
        Self {
            numbers: Accumulator::new(max_delta_series),
            histograms: Accumulator::new(max_delta_series / 16),
            scratch: Scratch::default(),
        }
    }

    /// Expects a screened request. Rejects delta points that are not after the last one of their stream.
    pub fn translate(&mut self, request: &ExportMetricsServiceRequest, visitor: &mut impl MetricVisitor) -> Accepted {
        let mut repeated = 0;
        for resource in &request.resource_metrics {
            repeated += self.translate_resource(resource, visitor);
        }
        let reason = || format!("{repeated} rejected: delta points that are not after the last one of their stream");
        Accepted { rejected: repeated, reason: (repeated > 0).then(reason) }
    }

    fn translate_resource(&mut self, resource: &ResourceMetrics, visitor: &mut impl MetricVisitor) -> u64 {
        let attributes = resource.resource.as_ref().map(|resource| resource.attributes.as_slice()).unwrap_or_default();
        let target = Target::of(attributes);
        let mut repeated = 0;
        for metric in resource.scope_metrics.iter().flat_map(|scope| &scope.metrics) {
            repeated += self.translate_metric(&target, metric, visitor);
        }
        if let Some(times) = resource::time_span(resource) {
            resource::push_target_info(&mut self.scratch, &target, attributes, times, visitor);
        }
        repeated
    }

    fn translate_metric(&mut self, target: &Target, metric: &Metric, visitor: &mut impl MetricVisitor) -> u64 {
        let Some((kind, is_delta)) = kind_of(metric) else { return 0 };
        let name = names::metric_name(&metric.name, &metric.unit, kind);
        visitor.metadata(Metadata {
            name: name.clone(),
            kind: kind.name().to_owned(),
            help: metric.description.clone(),
            unit: names::unit_name(&metric.unit),
        });
        let mut points = points::Points { translator: self, visitor, target, name: &name, is_delta, repeated: 0 };
        match &metric.data {
            Some(Data::Gauge(gauge)) => gauge.data_points.iter().for_each(|point| points.number(point)),
            Some(Data::Sum(sum)) => sum.data_points.iter().for_each(|point| points.number(point)),
            Some(Data::Histogram(histogram)) => histogram.data_points.iter().for_each(|point| points.histogram(point)),
            Some(Data::ExponentialHistogram(histogram)) => histogram.data_points.iter().for_each(|point| points.exponential(point)),
            Some(Data::Summary(summary)) => summary.data_points.iter().for_each(|point| points.summary(point)),
            None => {}
        }
        points.repeated
    }
}

/// All series of one request, each with its samples in the order in which they came.
pub fn to_series(request: &ExportMetricsServiceRequest) -> Vec<Series> {
    #[derive(Default)]
    struct Collected {
        by_hash: ahash::AHashMap<u64, Vec<usize>>,
        series: Vec<Series>,
    }
    impl MetricVisitor for Collected {
        fn metadata(&mut self, _: Metadata) {}

        fn sample(&mut self, labels: LabelsView<'_>, sample: Sample) {
            let same_hash = self.by_hash.entry(labels.hash()).or_default();
            match same_hash.iter().find(|at| labels.same_as(&self.series[**at].labels)) {
                Some(at) => self.series[*at].samples.push(sample),
                None => {
                    same_hash.push(self.series.len());
                    self.series.push(Series { labels: labels.to_labels(), samples: vec![sample] });
                }
            }
        }
    }
    let mut collected = Collected::default();
    Translator::default().translate(request, &mut collected);
    collected.series
}

/// The sender says that the series has no value now, e.g. as its source went away.
pub(super) fn has_no_value(flags: u32) -> bool {
    flags & DataPointFlags::NoRecordedValueMask as u32 != 0
}

/// The kind, and whether its points are deltas.
fn kind_of(metric: &Metric) -> Option<(MetricKind, bool)> {
    let is_delta = |temporality| temporality == AggregationTemporality::Delta as i32;
    Some(match metric.data.as_ref()? {
        Data::Gauge(_) => (MetricKind::Gauge, false),
        Data::Sum(sum) if sum.is_monotonic => (MetricKind::Counter, is_delta(sum.aggregation_temporality)),
        Data::Sum(sum) => (MetricKind::UpDownCounter, is_delta(sum.aggregation_temporality)),
        Data::Histogram(histogram) => (MetricKind::Histogram, is_delta(histogram.aggregation_temporality)),
        Data::ExponentialHistogram(histogram) => (MetricKind::Histogram, is_delta(histogram.aggregation_temporality)),
        Data::Summary(_) => (MetricKind::Summary, false),
    })
}

#[cfg(test)]
mod tests;
