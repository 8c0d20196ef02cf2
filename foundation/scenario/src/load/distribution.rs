//! How long things took: a histogram that merges exactly with others.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Values in microseconds with three digits, up to a day; least, most and sum exactly.
#[derive(Debug, Clone)]
pub struct Distribution {
    histogram: Histogram<u64>,
    exact: Exact,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Exact {
    min_us: u64,
    max_us: u64,
    sum_us: u128,
}

const LONGEST_US: u64 = 24 * 3600 * 1_000_000;
const DIGITS: u8 = 3;

/// What a report says of a distribution, in milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    pub count: u64,
    pub min: f64,
    pub mean: f64,
    pub p50: f64,
    pub p75: f64,
    pub p90: f64,
    pub p95: f64,
    pub p99: f64,
    pub p999: f64,
    pub max: f64,
}

impl Default for Distribution {
    fn default() -> Self {
        let histogram = Histogram::new(DIGITS).expect("three digits are within the crate's limits");
        Self { histogram, exact: Exact::NONE }
    }
}

impl Exact {
    const NONE: Self = Self { min_us: u64::MAX, max_us: 0, sum_us: 0 };
}

impl Distribution {
    pub fn record(&mut self, value: Duration) {
        self.record_us(u64::try_from(value.as_micros()).unwrap_or(u64::MAX));
    }

    pub fn record_us(&mut self, value_us: u64) {
        let value_us = value_us.min(LONGEST_US);
        // It grows as far as the longest value, so nothing is refused.
        self.histogram.record(value_us).unwrap_or_default();
        self.exact.min_us = self.exact.min_us.min(value_us);
        self.exact.max_us = self.exact.max_us.max(value_us);
        self.exact.sum_us += u128::from(value_us);
    }

    /// Adds what another has counted, as if it had been counted here.
    pub fn merge(&mut self, other: &Self) {
        if other.is_empty() {
            return;
        }
        // A resizable histogram takes in any other of the same digits.
        self.histogram.add(&other.histogram).unwrap_or_default();
        self.exact.min_us = self.exact.min_us.min(other.exact.min_us);
        self.exact.max_us = self.exact.max_us.max(other.exact.max_us);
        self.exact.sum_us += other.exact.sum_us;
    }

    pub fn clear(&mut self) {
        self.histogram.clear();
        self.exact = Exact::NONE;
    }

    pub fn is_empty(&self) -> bool {
        self.histogram.is_empty()
    }

    pub fn count(&self) -> u64 {
        self.histogram.len()
    }

    /// In milliseconds; `quantile` is from 0 to 1. Zero if nothing was counted.
    pub fn at_ms(&self, quantile: f64) -> f64 {
        if self.is_empty() {
            return 0.0;
        }
        let value = self.histogram.value_at_quantile(quantile);
        ms(value.clamp(self.exact.min_us, self.exact.max_us))
    }

    /// Each value that was counted, in microseconds, and how often.
    pub fn counts(&self) -> Vec<(u64, u64)> {
        let recorded = self.histogram.iter_recorded();
        recorded.map(|step| (step.value_iterated_to(), step.count_at_value())).collect()
    }

    pub fn from_counts(counts: &[(u64, u64)]) -> Self {
        let mut read = Self::default();
        for (value_us, count) in counts {
            let value_us = (*value_us).min(LONGEST_US);
            read.histogram.record_n(value_us, *count).unwrap_or_default();
            read.exact.min_us = read.exact.min_us.min(value_us);
            read.exact.max_us = read.exact.max_us.max(value_us);
            read.exact.sum_us += u128::from(value_us) * u128::from(*count);
        }
        read
    }

    /// How many were at most this long.
    pub fn count_within(&self, limit: Duration) -> u64 {
        let limit_us = u64::try_from(limit.as_micros()).unwrap_or(u64::MAX).min(LONGEST_US);
        let recorded = self.histogram.iter_recorded();
        recorded.filter(|step| step.value_iterated_to() <= limit_us).map(|step| step.count_at_value()).sum()
    }

    pub fn summary(&self) -> Summary {
        if self.is_empty() {
            return Summary::default();
        }
        let count = self.count();
        Summary {
            count,
            min: ms(self.exact.min_us),
            mean: self.exact.sum_us as f64 / count as f64 / 1000.0,
            p50: self.at_ms(0.5),
            p75: self.at_ms(0.75),
            p90: self.at_ms(0.9),
            p95: self.at_ms(0.95),
            p99: self.at_ms(0.99),
            p999: self.at_ms(0.999),
            max: ms(self.exact.max_us),
        }
    }
}

impl Summary {
    /// By its name in Artillery's metrics: `min`, `max`, `mean`, `median`, `p50`, …, `count`.
    pub fn named(&self, name: &str) -> Option<f64> {
        Some(match name {
            "count" => self.count as f64,
            "min" => self.min,
            "max" => self.max,
            "mean" => self.mean,
            "median" | "p50" => self.p50,
            "p75" => self.p75,
            "p90" => self.p90,
            "p95" => self.p95,
            "p99" => self.p99,
            "p999" => self.p999,
            _ => return None,
        })
    }
}

fn ms(value_us: u64) -> f64 {
    value_us as f64 / 1000.0
}

/// As it travels: the exact values, and pairs of a value and how often it was counted.
#[derive(Serialize, Deserialize)]
struct Wire {
    #[serde(skip_serializing_if = "Option::is_none", default)]
    exact: Option<Exact>,
    counts: Vec<(u64, u64)>,
}

impl Serialize for Distribution {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Wire { exact: (!self.is_empty()).then_some(self.exact), counts: self.counts() }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Distribution {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let wire = Wire::deserialize(deserializer)?;
        let mut read = Self::from_counts(&wire.counts);
        read.exact = wire.exact.unwrap_or(read.exact);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(values_us: &[u64]) -> Distribution {
        let mut distribution = Distribution::default();
        values_us.iter().for_each(|value| distribution.record_us(*value));
        distribution
    }

    #[test]
    fn an_empty_one_is_all_zero() {
        assert_eq!(Distribution::default().summary(), Summary::default());
    }

    #[test]
    fn percentiles_are_those_of_the_values() {
        let summary = of(&(1..=1000).map(|ms| ms * 1000).collect::<Vec<_>>()).summary();
        for (got, wanted) in [(summary.p50, 500.0), (summary.p90, 900.0), (summary.p99, 990.0), (summary.mean, 500.5)] {
            assert!((got / wanted - 1.0).abs() < 0.002, "{got} for {wanted}");
        }
        assert_eq!((summary.min, summary.max, summary.count), (1.0, 1000.0, 1000));
    }

    #[test]
    fn what_is_within_a_limit_is_counted() {
        assert_eq!(of(&[1000, 2000, 3000]).count_within(Duration::from_millis(2)), 2);
    }

    proptest! {
        #[test]
        fn parts_merge_to_the_whole_even_after_travelling(
            left in prop::collection::vec(0u64..100_000_000, 0..200),
            right in prop::collection::vec(0u64..100_000_000, 0..200),
        ) {
            let whole = of(&[left.clone(), right.clone()].concat());
            let mut merged = of(&left);
            let travelled = serde_json::to_string(&of(&right)).unwrap();
            merged.merge(&serde_json::from_str(&travelled).unwrap());
            prop_assert_eq!(merged.summary(), whole.summary());
        }
    }
}
