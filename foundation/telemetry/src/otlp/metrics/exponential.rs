//! Exponential histograms as classic buckets.
//!
//! Each scale has its own bounds, and a sender changes its scale as values spread. So that a series'
//! `le` labels stay the same, all histograms are brought to one scale or a coarser one: at scale 2 a
//! bound is 19 % above the one before. Source: OpenTelemetry, "Metrics Data Model", ExponentialHistogram.

use std::collections::BTreeMap;

use opentelemetry_proto::tonic::metrics::v1::ExponentialHistogramDataPoint;
use opentelemetry_proto::tonic::metrics::v1::exponential_histogram_data_point::Buckets;

/// No finer than this.
const MAX_SCALE: i32 = 2;
/// No more buckets than this on each side of zero.
const MAX_SIDE: usize = 120;

/// Counts by bucket index at one scale.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Exponential {
    scale: i32,
    pub count: u64,
    pub sum: Option<f64>,
    zero_count: u64,
    zero_threshold: f64,
    positive: BTreeMap<i64, u64>,
    negative: BTreeMap<i64, u64>,
}

impl Default for Exponential {
    fn default() -> Self {
        Self {
            scale: MAX_SCALE,
            count: 0,
            sum: Some(0.0),
            zero_count: 0,
            zero_threshold: 0.0,
            positive: BTreeMap::new(),
            negative: BTreeMap::new(),
        }
    }
}

impl Exponential {
    pub fn of(point: &ExponentialHistogramDataPoint) -> Self {
        let mut histogram = Self::default();
        histogram.add(point);
        histogram
    }

    pub fn add(&mut self, point: &ExponentialHistogramDataPoint) {
        self.coarsen_to(point.scale.clamp(-62, self.scale));
        let shift = point.scale.saturating_sub(self.scale).clamp(0, 62) as u32;
        self.count = self.count.saturating_add(point.count);
        self.sum = self.sum.zip(point.sum).map(|(total, sum)| total + sum);
        self.zero_count = self.zero_count.saturating_add(point.zero_count);
        self.zero_threshold = self.zero_threshold.max(point.zero_threshold);
        add_side(&mut self.positive, point.positive.as_ref(), shift);
        add_side(&mut self.negative, point.negative.as_ref(), shift);
        while self.positive.len().max(self.negative.len()) > MAX_SIDE {
            self.coarsen_to(self.scale - 1);
        }
    }

    /// Each upper bound with the count of all values up to it, in order, without `+Inf`.
    pub fn buckets(&self) -> Vec<(f64, u64)> {
        let negative = self.negative.iter().rev().map(|(index, count)| (-self.lower_bound(*index as f64), *count));
        let zero = (self.zero_count > 0).then_some((self.zero_threshold, self.zero_count));
        let positive = self.positive.iter().map(|(index, count)| (self.lower_bound(*index as f64 + 1.0), *count));
        let mut up_to = 0_u64;
        let cumulative = negative.chain(zero).chain(positive).map(|(bound, count)| {
            up_to = up_to.saturating_add(count);
            (bound, up_to)
        });
        cumulative.filter(|(bound, _)| bound.is_finite()).collect()
    }

    /// `2^(index / 2^scale)`, rounded so that the same bound is the same text at each scale.
    fn lower_bound(&self, index: f64) -> f64 {
        let exponent = index * f64::from(-self.scale).exp2();
        let bound = exponent.exp2();
        format!("{bound:.6e}").parse().unwrap_or(bound)
    }

    fn coarsen_to(&mut self, scale: i32) {
        let shift = self.scale.saturating_sub(scale).clamp(0, 62) as u32;
        if shift > 0 {
            self.scale = scale;
            coarsen(&mut self.positive, shift);
            coarsen(&mut self.negative, shift);
        }
    }
}

/// A bucket of the coarser scale holds `2^shift` of the finer one.
fn coarsen(side: &mut BTreeMap<i64, u64>, shift: u32) {
    for (index, count) in std::mem::take(side) {
        add_count(side, index >> shift, count);
    }
}

fn add_side(side: &mut BTreeMap<i64, u64>, buckets: Option<&Buckets>, shift: u32) {
    let Some(buckets) = buckets else { return };
    for (index, count) in (i64::from(buckets.offset)..).zip(&buckets.bucket_counts) {
        if *count > 0 {
            add_count(side, index >> shift, *count);
        }
    }
}

fn add_count(side: &mut BTreeMap<i64, u64>, index: i64, count: u64) {
    let known = side.entry(index).or_default();
    *known = known.saturating_add(count);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(scale: i32, offset: i32, counts: &[u64]) -> ExponentialHistogramDataPoint {
        ExponentialHistogramDataPoint {
            scale,
            count: counts.iter().sum(),
            sum: Some(1.5),
            positive: Some(Buckets { offset, bucket_counts: counts.to_vec() }),
            ..Default::default()
        }
    }

    #[test]
    fn buckets_are_cumulative_from_the_lowest_bound() {
        let mut at_zero = point(0, 0, &[1, 0, 3]);
        at_zero.negative = Some(Buckets { offset: 1, bucket_counts: vec![2, 5] });
        (at_zero.zero_count, at_zero.zero_threshold) = (4, 0.5);
        let buckets = Exponential::of(&at_zero).buckets();
        assert_eq!(buckets, [(-4.0, 5), (-2.0, 7), (0.5, 11), (2.0, 12), (8.0, 15)]);
    }

    #[test]
    fn a_finer_scale_falls_into_the_same_bounds() {
        let fine = Exponential::of(&point(4, 0, &[1; 16]));
        assert_eq!(fine.buckets(), [(1.189207, 4), (1.414214, 8), (1.681793, 12), (2.0, 16)]);
    }

    #[test]
    fn a_wide_histogram_becomes_coarser() {
        let wide = Exponential::of(&point(2, -500, &[1; 1_000]));
        assert!(wide.buckets().len() <= MAX_SIDE, "{}", wide.buckets().len());
        assert_eq!(wide.buckets().last().map(|(_, count)| *count), Some(1_000));
    }

    #[test]
    fn deltas_of_different_scales_add_up() {
        let mut total = Exponential::of(&point(2, 0, &[1, 1, 1, 1]));
        total.add(&point(0, 0, &[7]));
        assert_eq!(total.buckets(), [(2.0, 11)]);
        assert_eq!((total.count, total.sum), (11, Some(3.0)));
    }
}
