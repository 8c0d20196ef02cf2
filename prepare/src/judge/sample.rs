//! What is told of one version's points.

use serde::{Deserialize, Serialize};

use super::sequential::autocorrelation;

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// With a value.
    pub points: usize,
    pub missing: usize,
    /// Null without points.
    pub mean: Option<f64>,
    pub median: Option<f64>,
    pub standard_deviation: Option<f64>,
    /// Of neighbouring points: 0 if each is a surprise, 1 if each repeats the last.
    pub autocorrelation: Option<f64>,
}

impl Sample {
    pub(super) fn of(asked: usize, values: &[f64]) -> Self {
        let some = |value: f64| (!values.is_empty() && value.is_finite()).then_some(value);
        let average = mean(values);
        let variance = values.iter().map(|value| (value - average).powi(2)).sum::<f64>() / (values.len() as f64 - 1.0).max(1.0);
        Self {
            points: values.len(),
            missing: asked - values.len(),
            mean: some(average),
            median: some(median(values)),
            standard_deviation: some(variance.sqrt()),
            autocorrelation: (values.len() > 2).then(|| autocorrelation(&[values])),
        }
    }
}

pub(super) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

pub(super) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    match (sorted.len(), sorted.len() / 2) {
        (0, _) => f64::NAN,
        (length, middle) if length % 2 == 1 => sorted[middle],
        (_, middle) => f64::midpoint(sorted[middle - 1], sorted[middle]),
    }
}
