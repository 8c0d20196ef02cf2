//! Which records of an export cannot be kept.

use std::collections::BTreeMap;
use std::fmt;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::metrics::v1::exponential_histogram_data_point::Buckets;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, ExponentialHistogramDataPoint, HistogramDataPoint, Metric, NumberDataPoint,
};
use opentelemetry_proto::tonic::trace::v1::Span;

use super::metrics::{self, has_no_value, names};
use crate::ExportBody;
use crate::ports::Accepted;

pub(super) struct Outcome {
    pub accepted: Accepted,
    /// The body is not what it was.
    pub changed: bool,
}

pub(super) fn screen(body: &mut ExportBody, received_unix_ns: u64) -> Outcome {
    let mut rejections = Rejections::default();
    let filled = match body {
        ExportBody::Logs(request) => screen_logs(request, received_unix_ns, &mut rejections),
        ExportBody::Spans(request) => {
            screen_spans(request, &mut rejections);
            false
        }
        ExportBody::Metrics(request) => {
            screen_metrics(request, &mut rejections);
            false
        }
    };
    let accepted = rejections.accepted();
    Outcome { changed: filled || accepted.rejected > 0, accepted }
}

/// In the order in which they are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Reason {
    TraceId,
    SpanId,
    NoTime,
    FarTime,
    NoValue,
    Temporality,
    MetricName,
    AttributeKey,
    Bounds,
    Buckets,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TraceId => "the trace id must have 16 bytes that are not all zero",
            Self::SpanId => "the span id must have 8 bytes that are not all zero",
            Self::NoTime => "the time is missing",
            Self::FarTime => "the time is after the year 2262; times are in nanoseconds",
            Self::NoValue => "the data point has no value",
            Self::Temporality => "the aggregation temporality must be delta or cumulative",
            Self::MetricName => "the metric's name must have a letter or a digit",
            Self::AttributeKey => "an attribute's key must have a letter or a digit",
            Self::Bounds => "a histogram's bounds must rise, one fewer than its bucket counts",
            Self::Buckets => "an exponential histogram needs a scale from -10 to 20 and at most 1000 buckets",
        })
    }
}

#[derive(Default)]
struct Rejections(BTreeMap<Reason, u64>);

impl Rejections {
    /// True if there is no fault; counts it otherwise.
    fn passes(&mut self, checked: Result<(), Reason>) -> bool {
        if let Err(reason) = checked {
            *self.0.entry(reason).or_default() += 1;
        }
        checked.is_ok()
    }

    fn accepted(self) -> Accepted {
        let told = |(reason, count): (&Reason, &u64)| format!("{count} rejected: {reason}");
        let reasons: Vec<_> = self.0.iter().map(told).collect();
        Accepted { rejected: self.0.values().sum(), reason: (!reasons.is_empty()).then(|| reasons.join("; ")) }
    }
}

/// True if a time of observation was filled in.
fn screen_logs(request: &mut ExportLogsServiceRequest, received_unix_ns: u64, rejections: &mut Rejections) -> bool {
    let mut filled = false;
    for scope in request.resource_logs.iter_mut().flat_map(|resource| &mut resource.scope_logs) {
        scope.log_records.retain_mut(|record| {
            if record.time_unix_nano == 0 && record.observed_time_unix_nano == 0 {
                record.observed_time_unix_nano = received_unix_ns;
                filled = true;
            }
            rejections.passes(check_time(record.time_unix_nano.max(record.observed_time_unix_nano)))
        });
    }
    filled
}

fn screen_spans(request: &mut ExportTraceServiceRequest, rejections: &mut Rejections) {
    for scope in request.resource_spans.iter_mut().flat_map(|resource| &mut resource.scope_spans) {
        scope.spans.retain(|span| rejections.passes(check_span(span)));
    }
}

fn check_span(span: &Span) -> Result<(), Reason> {
    check(is_id::<16>(&span.trace_id), Reason::TraceId)?;
    check(is_id::<8>(&span.span_id), Reason::SpanId)?;
    check_time(span.start_time_unix_nano)?;
    check(span.end_time_unix_nano <= MAX_TIME, Reason::FarTime)
}

fn screen_metrics(request: &mut ExportMetricsServiceRequest, rejections: &mut Rejections) {
    for scope in request.resource_metrics.iter_mut().flat_map(|resource| &mut resource.scope_metrics) {
        scope.metrics.iter_mut().for_each(|metric| screen_metric(metric, rejections));
    }
}

fn screen_metric(metric: &mut Metric, rejections: &mut Rejections) {
    let named = check(names::has_alphanumeric(&metric.name), Reason::MetricName);
    match &mut metric.data {
        None => {}
        Some(Data::Gauge(gauge)) => gauge.data_points.retain(|point| rejections.passes(named.and_then(|()| check_number(point)))),
        Some(Data::Sum(sum)) => {
            let whole = named.and_then(|()| check_temporality(sum.aggregation_temporality));
            sum.data_points.retain(|point| rejections.passes(whole.and_then(|()| check_number(point))));
        }
        Some(Data::Histogram(histogram)) => {
            let whole = named.and_then(|()| check_temporality(histogram.aggregation_temporality));
            histogram.data_points.retain(|point| rejections.passes(whole.and_then(|()| check_histogram(point))));
        }
        Some(Data::ExponentialHistogram(histogram)) => {
            let whole = named.and_then(|()| check_temporality(histogram.aggregation_temporality));
            histogram.data_points.retain(|point| rejections.passes(whole.and_then(|()| check_exponential(point))));
        }
        Some(Data::Summary(summary)) => {
            let whole = |time, attributes: &[KeyValue]| named.and_then(|()| check_point(time, attributes));
            summary.data_points.retain(|point| rejections.passes(whole(point.time_unix_nano, &point.attributes)));
        }
    }
}

fn check_number(point: &NumberDataPoint) -> Result<(), Reason> {
    check(point.value.is_some() || has_no_value(point.flags), Reason::NoValue)?;
    check_point(point.time_unix_nano, &point.attributes)
}

fn check_histogram(point: &HistogramDataPoint) -> Result<(), Reason> {
    let (bounds, counts) = (&point.explicit_bounds, &point.bucket_counts);
    let rising = bounds.is_sorted_by(|a, b| a < b) && !bounds.iter().any(|bound| bound.is_nan());
    let fitting = counts.is_empty() || counts.len() == bounds.len() + 1;
    check(rising && fitting && adds_up(counts), Reason::Bounds)?;
    check_point(point.time_unix_nano, &point.attributes)
}

fn check_exponential(point: &ExponentialHistogramDataPoint) -> Result<(), Reason> {
    let sides = [&point.positive, &point.negative].into_iter().flatten();
    let in_reach = |side: &Buckets| {
        side.bucket_counts.len() <= metrics::MAX_EXPONENTIAL_BUCKETS
            && side.offset.checked_add(side.bucket_counts.len() as i32).is_some()
            && adds_up(&side.bucket_counts)
    };
    let fits = (-10..=20).contains(&point.scale) && sides.into_iter().all(in_reach);
    check(fits && point.zero_threshold >= 0.0, Reason::Buckets)?;
    check_point(point.time_unix_nano, &point.attributes)
}

fn check_point(time_unix_ns: u64, attributes: &[KeyValue]) -> Result<(), Reason> {
    check_time(time_unix_ns)?;
    check(attributes.iter().all(|attribute| names::has_alphanumeric(&attribute.key)), Reason::AttributeKey)
}

fn check_temporality(temporality: i32) -> Result<(), Reason> {
    let known = [AggregationTemporality::Delta as i32, AggregationTemporality::Cumulative as i32];
    check(known.contains(&temporality), Reason::Temporality)
}

const MAX_TIME: u64 = i64::MAX as u64;

fn check_time(unix_ns: u64) -> Result<(), Reason> {
    check(unix_ns != 0, Reason::NoTime)?;
    check(unix_ns <= MAX_TIME, Reason::FarTime)
}

fn check(holds: bool, otherwise: Reason) -> Result<(), Reason> {
    if holds { Ok(()) } else { Err(otherwise) }
}

fn is_id<const LEN: usize>(bytes: &[u8]) -> bool {
    bytes.len() == LEN && bytes.iter().any(|byte| *byte != 0)
}

fn adds_up(counts: &[u64]) -> bool {
    counts.iter().try_fold(0_u64, |sum, count| sum.checked_add(*count)).is_some()
}
