//! On which scale values are compared.
//!
//! Latencies and rates are positive and vary in proportion, so they are compared by their logarithms, and a change is a
//! ratio. Where a zero or a negative value occurs, values are compared as they are.

use serde::{Deserialize, Serialize};

use super::sample::mean;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// Of the canary to the control: 1.2 is a fifth more.
    Ratio,
    /// Canary less control, in the metric's unit.
    Difference,
}

impl Measure {
    pub(super) fn text(self, value: f64) -> String {
        match self {
            Self::Ratio => format!("{:+.0} %", (value - 1.0) * 100.0),
            Self::Difference => format!("{value:+.3}"),
        }
    }

    pub(super) fn told(self, value: f64) -> String {
        let (more, amount) = match self {
            Self::Ratio => (value >= 1.0, format!("{:.0} %", ((value - 1.0) * 100.0).abs())),
            Self::Difference => (value >= 0.0, format!("{:.3}", value.abs())),
        };
        format!("{amount} {}", if more { "higher" } else { "lower" })
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Scale {
    Logarithmic,
    /// With the level that relative changes refer to.
    Linear { level: f64 },
}

impl Scale {
    pub fn for_values(control: &[f64], canary: &[f64]) -> Self {
        if control.iter().chain(canary).all(|value| *value > 0.0) {
            return Self::Logarithmic;
        }
        let level = mean(control).abs();
        let all: Vec<f64> = control.iter().chain(canary).copied().collect();
        let middle = mean(&all);
        let deviation = mean(&all.iter().map(|value| (value - middle).powi(2)).collect::<Vec<_>>()).sqrt();
        Self::Linear { level: if level > 0.0 { level } else { deviation } }
    }

    pub fn of(&self, values: &[f64]) -> Vec<f64> {
        match self {
            Self::Logarithmic => values.iter().map(|value| value.ln()).collect(),
            Self::Linear { .. } => values.to_vec(),
        }
    }

    pub fn measure(&self) -> Measure {
        match self {
            Self::Logarithmic => Measure::Ratio,
            Self::Linear { .. } => Measure::Difference,
        }
    }

    /// A difference on this scale, as the measure tells it.
    pub fn effect(&self, difference: f64) -> f64 {
        match self {
            Self::Logarithmic => difference.exp(),
            Self::Linear { .. } => difference,
        }
    }

    /// A relative change, on this scale: 0.25 is a quarter more.
    pub fn change(&self, relative: f64) -> f64 {
        match self {
            Self::Logarithmic => relative.ln_1p(),
            Self::Linear { level } => relative * level,
        }
    }
}
