//! The data points of one metric as samples.

use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::metrics::v1::{
    ExponentialHistogramDataPoint, HistogramDataPoint, NumberDataPoint, SummaryDataPoint, number_data_point,
};

use super::exponential::Exponential;
use super::names::push_label_name;
use super::resource::{Target, to_ms};
use super::{MetricVisitor, Scratch, Translator, has_no_value};
use crate::label_buffer::push_float;
use crate::labels::METRIC_NAME;
use crate::otlp::value::push_text;
use crate::ports::{STALE_NAN_BITS, Sample};

pub(super) struct Points<'a, V> {
    pub translator: &'a mut Translator,
    pub visitor: &'a mut V,
    pub target: &'a Target,
    /// Of the family.
    pub name: &'a str,
    pub is_delta: bool,
    /// Delta points left out so far, as they came before.
    pub repeated: u64,
}

/// When, and the flags.
#[derive(Clone, Copy)]
struct At {
    time_unix_ns: u64,
    flags: u32,
}

/// The label that tells the series of one data point apart.
#[derive(Clone, Copy)]
enum Part {
    Whole,
    UpTo(f64),
    Quantile(f64),
}

impl<V: MetricVisitor> Points<'_, V> {
    pub fn number(&mut self, point: &NumberDataPoint) {
        let value = match point.value {
            Some(number_data_point::Value::AsDouble(double)) => double,
            Some(number_data_point::Value::AsInt(int)) => int as f64,
            None => 0.0,
        };
        self.begin(&point.attributes);
        let at = At { time_unix_ns: point.time_unix_nano, flags: point.flags };
        let fresh = self.sample("", Part::Whole, at, value);
        self.count_repeated(fresh);
    }

    pub fn histogram(&mut self, point: &HistogramDataPoint) {
        self.begin(&point.attributes);
        let at = At { time_unix_ns: point.time_unix_nano, flags: point.flags };
        let fresh = self.sample("_count", Part::Whole, at, point.count as f64);
        self.count_repeated(fresh);
        if !fresh {
            return;
        }
        if let Some(sum) = point.sum {
            self.sample("_sum", Part::Whole, at, sum);
        }
        let mut up_to = 0_u64;
        for (bound, count) in point.explicit_bounds.iter().zip(&point.bucket_counts) {
            up_to = up_to.saturating_add(*count);
            if *bound != f64::INFINITY {
                self.sample("_bucket", Part::UpTo(*bound), at, up_to as f64);
            }
        }
        self.sample("_bucket", Part::UpTo(f64::INFINITY), at, point.count as f64);
    }

    pub fn exponential(&mut self, point: &ExponentialHistogramDataPoint) {
        self.begin(&point.attributes);
        let at = At { time_unix_ns: point.time_unix_nano, flags: point.flags };
        let histogram = if self.is_delta && !has_no_value(point.flags) {
            let stream = self.stream();
            self.translator.histograms.add(stream, point.time_unix_nano, |total| total.add(point)).cloned().ok()
        } else {
            Some(Exponential::of(point))
        };
        self.count_repeated(histogram.is_some());
        let Some(histogram) = histogram else { return };
        self.total("_count", Part::Whole, at, histogram.count as f64);
        if let Some(sum) = histogram.sum {
            self.total("_sum", Part::Whole, at, sum);
        }
        for (bound, up_to) in histogram.buckets() {
            self.total("_bucket", Part::UpTo(bound), at, up_to as f64);
        }
        self.total("_bucket", Part::UpTo(f64::INFINITY), at, histogram.count as f64);
    }

    pub fn summary(&mut self, point: &SummaryDataPoint) {
        self.begin(&point.attributes);
        let at = At { time_unix_ns: point.time_unix_nano, flags: point.flags };
        self.total("_count", Part::Whole, at, point.count as f64);
        self.total("_sum", Part::Whole, at, point.sum);
        for value in &point.quantile_values {
            self.total("", Part::Quantile(value.quantile), at, value.value);
        }
    }

    /// Builds the labels that all series of the data point share.
    fn begin(&mut self, attributes: &[KeyValue]) {
        let scratch = &mut self.translator.scratch;
        scratch.labels.clear();
        push_attributes(scratch, attributes, |_| true);
        self.target.push(&mut scratch.labels);
        let Scratch { labels, base, .. } = scratch;
        labels.mark(base);
    }

    /// The identity of the whole data point, as the series `<name>{…}` would have it.
    fn stream(&mut self) -> u64 {
        self.name_series("", Part::Whole);
        self.translator.scratch.labels.view().hash()
    }

    /// Adds a delta to its series' total, or takes a cumulative value as it is. False if the series has
    /// this point already.
    fn sample(&mut self, suffix: &str, part: Part, at: At, value: f64) -> bool {
        self.name_series(suffix, part);
        let Translator { numbers, scratch, .. } = &mut *self.translator;
        let labels = scratch.labels.view();
        let value = if has_no_value(at.flags) {
            f64::from_bits(STALE_NAN_BITS)
        } else if self.is_delta {
            match numbers.add(labels.hash(), at.time_unix_ns, |total| *total += value) {
                Ok(total) => *total,
                Err(_) => return false,
            }
        } else {
            value
        };
        self.visitor.sample(labels, Sample { time_ms: to_ms(at.time_unix_ns), value });
        true
    }

    /// A value that is cumulative already.
    fn total(&mut self, suffix: &str, part: Part, at: At, value: f64) {
        self.name_series(suffix, part);
        let value = if has_no_value(at.flags) { f64::from_bits(STALE_NAN_BITS) } else { value };
        self.visitor.sample(self.translator.scratch.labels.view(), Sample { time_ms: to_ms(at.time_unix_ns), value });
    }

    fn name_series(&mut self, suffix: &str, part: Part) {
        let Scratch { labels, base, .. } = &mut self.translator.scratch;
        labels.reset_to(base);
        match part {
            Part::Whole => {}
            Part::UpTo(bound) => labels.set_with("le", |text| push_float(text, bound)),
            Part::Quantile(quantile) => labels.set_with("quantile", |text| push_float(text, quantile)),
        }
        labels.set_with(METRIC_NAME, |text| {
            text.push_str(self.name);
            text.push_str(suffix);
        });
    }

    fn count_repeated(&mut self, fresh: bool) {
        self.repeated += u64::from(!fresh);
    }
}

/// Sets a label for each attribute. Keys that become the same label join their values with `;`, in
/// order of the keys.
pub(super) fn push_attributes(scratch: &mut Scratch, attributes: &[KeyValue], wanted: impl Fn(&str) -> bool) {
    let Scratch { labels, key, order, .. } = scratch;
    order.clear();
    order.extend(0..attributes.len() as u32);
    if !attributes.is_sorted_by(|a, b| a.key <= b.key) {
        order.sort_by(|a, b| attributes[*a as usize].key.cmp(&attributes[*b as usize].key));
    }
    for at in order.iter() {
        let attribute = &attributes[*at as usize];
        if wanted(&attribute.key) {
            key.clear();
            push_label_name(key, &attribute.key);
            let value = attribute.value.as_ref().and_then(|value| value.value.as_ref());
            labels.join_with(key, |text| push_text(text, value));
        }
    }
}
