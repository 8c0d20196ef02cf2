//! Whether two runs differ, or only look as if they did.
//!
//! Each second of a run is one observation of a figure. Neighbouring seconds resemble each other, so there are
//! fewer observations than seconds: the first autocorrelation says how many. The difference of the means has a
//! confidence interval from Welch's t with those numbers; a difference is real if the interval leaves out zero.
//!
//! Source: B. L. Welch, 1947; G. V. Bayley and J. M. Hammersley, 1946, for the effective number of observations.

use serde::Serialize;
use statrs::distribution::{ContinuousCDF, StudentsT};

use super::report::Report;
use super::series::Point;

/// A real difference below this, in percent, is nothing that a person would call one.
const PERCENT_MIN: f64 = 1.0;
/// Several figures are compared, so each is held to a stricter level than 95 %.
const CONFIDENCE: f64 = 0.99;

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    pub changes: Vec<Change>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Change {
    pub what: &'static str,
    /// Means over the seconds of each run.
    pub before: f64,
    pub after: f64,
    /// Of `before`; positive if it grew.
    pub percent: f64,
    pub interval_percent: (f64, f64),
    pub real: bool,
    pub worse: bool,
}

impl Comparison {
    /// Whether anything became worse.
    pub fn is_worse(&self) -> bool {
        self.changes.iter().any(|change| change.real && change.worse)
    }
}

pub fn compare(before: &Report, after: &Report) -> Comparison {
    let figures: [(&'static str, fn(&Point) -> Option<f64>, bool); 4] = [
        ("p50 of latency, ms", |point| answered(point, point.p50_ms), true),
        ("p95 of latency, ms", |point| answered(point, point.p95_ms), true),
        ("failed requests, %", |point| (point.requests > 0).then(|| 100.0 * point.errors as f64 / point.requests as f64), true),
        ("answers a second", |point| Some(point.responses as f64), false),
    ];
    let change = |(what, figure, more_is_worse): (&'static str, fn(&Point) -> Option<f64>, bool)| {
        let of = |report: &Report| whole_seconds(report).iter().filter_map(figure).collect::<Vec<f64>>();
        difference(what, &of(before), &of(after), more_is_worse)
    };
    Comparison { changes: figures.into_iter().filter_map(change).collect() }
}

/// The last second of a run is a part of one.
fn whole_seconds(report: &Report) -> &[Point] {
    report.series.split_last().map_or(&[], |(_, whole)| whole)
}

fn answered(point: &Point, value: f64) -> Option<f64> {
    (point.responses > 0).then_some(value)
}

/// None if a run is too short to know how much its figures vary.
fn difference(what: &'static str, before: &[f64], after: &[f64], more_is_worse: bool) -> Option<Change> {
    let (a, b) = (Sample::of(before)?, Sample::of(after)?);
    let error = (a.variance / a.count + b.variance / b.count).sqrt();
    let freedom = (a.variance / a.count + b.variance / b.count).powi(2)
        / ((a.variance / a.count).powi(2) / (a.count - 1.0) + (b.variance / b.count).powi(2) / (b.count - 1.0));
    let quantile = if error > 0.0 { StudentsT::new(0.0, 1.0, freedom.max(1.0)).ok()?.inverse_cdf(0.5 + CONFIDENCE / 2.0) } else { 0.0 };
    // A figure that was zero has no percentage; its unit is percent already where that happens.
    let percent = |difference: f64| if a.mean.abs() > f64::EPSILON { 100.0 * difference / a.mean } else { difference };
    let difference = b.mean - a.mean;
    let interval = (percent(difference - quantile * error), percent(difference + quantile * error));
    let leaves_out_zero = interval.0 > 0.0 || interval.1 < 0.0;
    let real = leaves_out_zero && percent(difference).abs() >= PERCENT_MIN;
    Some(Change {
        what,
        before: a.mean,
        after: b.mean,
        percent: percent(difference),
        interval_percent: interval,
        real,
        worse: (difference > 0.0) == more_is_worse,
    })
}

struct Sample {
    mean: f64,
    variance: f64,
    /// As many independent observations as these dependent ones are worth; at least two.
    count: f64,
}

impl Sample {
    fn of(values: &[f64]) -> Option<Self> {
        const SECONDS_MIN: usize = 4;
        if values.len() < SECONDS_MIN {
            return None;
        }
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        let neighbours: f64 = values.windows(2).map(|pair| (pair[0] - mean) * (pair[1] - mean)).sum();
        let correlation = if squares > 0.0 { (neighbours / squares).clamp(0.0, 0.99) } else { 0.0 };
        let count = (n * (1.0 - correlation) / (1.0 + correlation)).max(2.0);
        Some(Self { mean, variance: squares / (n - 1.0), count })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Noise of a fixed kind; each value keeps `memory` of the one before.
    fn noise(seed: u64, count: usize, mean: f64, spread: f64, memory: f64) -> Vec<f64> {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut last = 0.0;
        let mut next = || {
            let normal: f64 = (0..12).map(|_| random.f64()).sum::<f64>() - 6.0;
            last = memory * last + (1.0 - memory * memory).sqrt() * normal;
            mean + spread * last
        };
        (0..count).map(|_| next()).collect()
    }

    fn share_called_real(memory: f64, shift: f64) -> f64 {
        let called = (0..500).filter(|seed| {
            let before = noise(seed * 2, 60, 100.0, 10.0, memory);
            let after = noise(seed * 2 + 1, 60, 100.0 + shift, 10.0, memory);
            difference("x", &before, &after, true).unwrap().real
        });
        called.count() as f64 / 500.0
    }

    #[test]
    fn runs_of_the_same_are_seldom_called_different() {
        assert!(share_called_real(0.0, 0.0) <= 0.03, "{}", share_called_real(0.0, 0.0));
        assert!(share_called_real(0.6, 0.0) <= 0.04, "{}", share_called_real(0.6, 0.0));
    }

    #[test]
    fn a_tenth_more_is_found() {
        assert!(share_called_real(0.0, 10.0) >= 0.95, "{}", share_called_real(0.0, 10.0));
        let change = difference("x", &noise(1, 60, 100.0, 5.0, 0.0), &noise(2, 60, 120.0, 5.0, 0.0), true).unwrap();
        assert!(change.real && change.worse && (15.0..25.0).contains(&change.percent), "{change:?}");
    }

    #[test]
    fn a_short_run_tells_nothing_and_a_still_one_no_lie() {
        assert_eq!(difference("x", &[1.0, 2.0], &[1.0, 2.0, 3.0, 4.0], true), None);
        let still = difference("x", &[5.0; 9], &[5.0; 9], true).unwrap();
        assert!(!still.real && still.percent == 0.0);
    }
}
