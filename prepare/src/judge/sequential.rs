//! The comparison of two means of dependent points, and the boundary that stays valid over many looks.
//!
//! Points follow each other like an autoregressive process of the first order: with autocorrelation ρ, the variance of a
//! mean of n points is about (1 + ρ) / (1 − ρ) times that of independent ones. ρ itself is estimated from few points, so
//! it is corrected for its bias (Kendall 1954, Marriott and Pope 1954), moved a little to the safe side, and its
//! uncertainty costs degrees of freedom.
//!
//! The boundary of the statistic falls with the root of the share of planned points as those of group sequential
//! designs do (Wang and Tsiatis 1987): early looks need strong evidence, so that many looks together raise no more
//! false alarms than promised. Its constants are calibrated by simulation; `cargo xtask bench judge` shows what they give.

use statrs::distribution::{ContinuousCDF, Normal, StudentsT};

use super::sample::mean;

/// Two means, of the control and of the canary.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Comparison {
    /// Canary less control.
    pub difference: f64,
    pub standard_error: f64,
    pub degrees_of_freedom: f64,
    /// Of each series; their harmonic mean.
    pub points: f64,
    /// How many independent points would tell as much.
    pub effective: f64,
}

impl Comparison {
    /// At least three points of each.
    pub fn of_means(control: &[f64], canary: &[f64]) -> Self {
        let (old, new) = (control.len() as f64, canary.len() as f64);
        let total = old + new;
        let estimated = autocorrelation(&[control, canary]);
        let uncertainty = ((1.0 - estimated * estimated) / total).sqrt();
        let correlation = (estimated + CAUTION * uncertainty * (estimated / CLEARLY_DEPENDENT).min(1.0)).min(MAX_CORRELATION);
        let inflation = |points: f64| variance_inflation(correlation, points);
        // The mean follows dependent points, which hides a part of their variance.
        let hidden = inflation(old).min(0.8 * old) + inflation(new).min(0.8 * new);
        let variance = (squares(control) + squares(canary)) / (total - hidden);
        Self {
            difference: mean(canary) - mean(control),
            standard_error: (variance * (inflation(old) / old + inflation(new) / new)).sqrt(),
            degrees_of_freedom: total / (1.0 + 2.0 * (1.0 + correlation) / (1.0 - correlation)),
            points: 2.0 / (1.0 / old + 1.0 / new),
            effective: (old / inflation(old)).min(new / inflation(new)),
        }
    }

    /// The difference in standard errors, as if the error were known: a quantile of Student's distribution is told as
    /// the normal quantile that is as rare.
    pub fn statistic(&self) -> f64 {
        if self.difference == 0.0 {
            return 0.0;
        }
        let rarity = self.student().sf((self.difference / self.standard_error).abs());
        let normal = if rarity > 0.0 { Normal::standard().inverse_cdf(1.0 - rarity).min(FAR) } else { FAR };
        let far = if self.standard_error > 0.0 { normal } else { f64::INFINITY };
        far.copysign(self.difference)
    }

    /// Of the interval around the difference that the boundary allows.
    pub fn half_width(&self, boundary: f64) -> f64 {
        let rarity = Normal::standard().sf(boundary);
        self.student().inverse_cdf(1.0 - rarity) * self.standard_error
    }

    fn student(&self) -> StudentsT {
        StudentsT::new(0.0, 1.0, self.degrees_of_freedom.max(1.0)).expect("the degrees of freedom are positive")
    }
}

/// Beyond it, the tail of a distribution cannot be told from zero.
const FAR: f64 = 8.0;
const CAUTION: f64 = 0.4;
const CLEARLY_DEPENDENT: f64 = 0.3;
const MAX_CORRELATION: f64 = 0.97;

/// Where a canary has failed. In standard errors.
#[derive(Debug, Clone, Copy)]
pub(super) struct Boundary {
    pub planned: usize,
    pub metrics: usize,
}

impl Boundary {
    pub fn location(&self, points: f64) -> f64 {
        self.at(LOCATION, points)
    }

    pub fn spread(&self, points: f64) -> f64 {
        self.at(SPREAD, points)
    }

    fn at(&self, at_the_end: f64, points: f64) -> f64 {
        let normal = Normal::standard();
        // Several metrics share the chance of a false alarm.
        let shared = |limit: f64| normal.inverse_cdf(1.0 - normal.sf(limit) / self.metrics as f64);
        let share = points / self.planned as f64;
        if share <= 1.0 {
            shared(at_the_end) * share.powf(-STEEPNESS)
        } else {
            (shared(at_the_end + BEYOND_THE_PLAN).powi(2) + 2.0 * share.ln()).sqrt()
        }
    }
}

const LOCATION: f64 = 2.6;
const SPREAD: f64 = 3.0;
const STEEPNESS: f64 = 0.35;
const BEYOND_THE_PLAN: f64 = 0.6;

/// Of neighbours, over several series with a mean of their own each: between 0 and [`MAX_CORRELATION`].
pub(super) fn autocorrelation(series: &[&[f64]]) -> f64 {
    let (mut products, mut total_squares, mut points) = (0.0, 0.0, 0.0);
    for values in series {
        let middle = mean(values);
        products += values.windows(2).map(|pair| (pair[0] - middle) * (pair[1] - middle)).sum::<f64>();
        total_squares += squares(values);
        points += values.len() as f64 / series.len() as f64;
    }
    if total_squares == 0.0 || points <= 3.0 {
        return 0.0;
    }
    let raw = products / total_squares * points / (points - 1.0);
    ((raw + 1.0 / points) / (1.0 - 3.0 / points)).clamp(0.0, MAX_CORRELATION)
}

fn squares(values: &[f64]) -> f64 {
    let middle = mean(values);
    let sum: f64 = values.iter().map(|value| (value - middle).powi(2)).sum();
    // What rounding leaves of a constant is no variance.
    let rounding = values.len() as f64 * (middle * 1e-12).powi(2);
    if sum > rounding { sum } else { 0.0 }
}

/// How much the variance of a mean of so many points grows by their correlation.
fn variance_inflation(correlation: f64, points: f64) -> f64 {
    let (r, rest) = (correlation, 1.0 - correlation);
    (1.0 + r) / rest - 2.0 * r * (1.0 - r.powf(points)) / (points * rest * rest)
}
