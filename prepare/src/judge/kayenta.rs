//! Kayenta's judge `NetflixACAJudge-v1.0`, for one metric: a Mann-Whitney test with the interval of the Hodges-Lehmann
//! shift, as R's `wilcox.test` has it without the exact distribution.
//!
//! Its limits are known: neighbouring points count as independent, every look adds its own chance of a false alarm, and
//! ranks hide a few extreme points. [`super::judge`] exists for these.
//! One thing differs: two constant arrays are compared as they are, where Kayenta adds random noise.

use statrs::distribution::{ContinuousCDF, Normal};

use super::Direction;
use super::sample::mean;

/// How large a change is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EffectMeasure {
    /// The mean of the experiment over that of the control.
    #[default]
    MeanRatio,
    /// How often a point of the experiment is higher than one of the control ('common language effect size').
    CommonLanguage,
}

/// Changes within these pass, whatever the test says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Allowed {
    pub decrease: f64,
    pub increase: f64,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Classifier {
    /// The share of the shift that the interval must leave out.
    pub tolerance: f64,
    pub confidence: f64,
    pub measure: EffectMeasure,
    pub allowed: Allowed,
    /// Beyond these a critical metric fails the whole canary.
    pub critical: Option<Allowed>,
    pub direction: Direction,
    /// Whether a metric without data passes, as if it were zero.
    pub replace_missing: bool,
}

const ANY_CHANGE: Allowed = Allowed { decrease: 1.0, increase: 1.0 };

impl Default for Classifier {
    fn default() -> Self {
        Self {
            tolerance: 0.25,
            confidence: 0.98,
            measure: EffectMeasure::MeanRatio,
            allowed: ANY_CHANGE,
            critical: None,
            direction: Direction::Either,
            replace_missing: false,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "PascalCase")]
pub enum Class {
    Pass,
    High,
    Low,
    Nodata,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Classification {
    pub class: Class,
    pub critical: bool,
    /// The ratio of the means; not a number if only one of them is zero.
    pub deviation: f64,
    /// The shift with its interval; absent where no test was needed.
    pub shift: Option<Shift>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shift {
    pub estimate: f64,
    pub lower: f64,
    pub upper: f64,
}

impl Classifier {
    pub fn classify(&self, control: &[f64], experiment: &[f64]) -> Classification {
        if control.is_empty() || experiment.is_empty() {
            let class = if self.replace_missing { Class::Pass } else { Class::Nodata };
            return Classification { class, critical: class == Class::Nodata && self.critical.is_some(), deviation: 1.0, shift: None };
        }
        let deviation = mean_ratio(control, experiment);
        if control == experiment {
            return Classification { class: Class::Pass, critical: false, deviation: 1.0, shift: None };
        }
        let shift = shift(control, experiment, self.confidence);
        let effect = match self.measure {
            EffectMeasure::MeanRatio => deviation,
            EffectMeasure::CommonLanguage => common_language(control, experiment),
        };
        let beyond = |allowed: &Allowed| self.class(&shift, effect, allowed);
        let critical = self.critical.as_ref().map(beyond).filter(|class| *class != Class::Pass);
        let class = critical.unwrap_or_else(|| beyond(&self.allowed));
        Classification { class, critical: critical.is_some(), deviation, shift: Some(shift) }
    }

    /// An effect that is not a number holds nothing back.
    fn class(&self, shift: &Shift, effect: f64, allowed: &Allowed) -> Class {
        let margin = self.tolerance * shift.estimate.abs();
        if self.direction != Direction::Decrease && shift.lower > margin && !(effect < allowed.increase) {
            Class::High
        } else if self.direction != Direction::Increase && shift.upper < -margin && !(effect > allowed.decrease) {
            Class::Low
        } else {
            Class::Pass
        }
    }
}

fn mean_ratio(control: &[f64], experiment: &[f64]) -> f64 {
    match (mean(control), mean(experiment)) {
        (old, new) if old == new => 1.0,
        (0.0, _) | (_, 0.0) => f64::NAN,
        (old, new) => new / old,
    }
}

fn common_language(control: &[f64], experiment: &[f64]) -> f64 {
    let pairs = (control.len() * experiment.len()) as f64;
    (rank_sum(experiment, control, 0.0).excess + pairs / 2.0) / pairs
}

fn shift(control: &[f64], experiment: &[f64], confidence: f64) -> Shift {
    let least = |values: &[f64]| values.iter().copied().fold(f64::INFINITY, f64::min);
    let most = |values: &[f64]| values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let (lowest, highest) = (least(experiment) - most(control), most(experiment) - least(control));
    let quantile = Normal::standard().inverse_cdf(f64::midpoint(1.0, confidence));
    let at = |correction: f64, quantile: f64| {
        root(lowest, highest, |shift| rank_sum(experiment, control, shift).standardized(correction) - quantile)
    };
    Shift { estimate: at(CONTINUITY, 0.0), lower: at(CONTINUITY, quantile), upper: at(CONTINUITY, -quantile) }
}

const CONTINUITY: f64 = 0.5;

struct RankSum {
    /// Of the experiment's ranks over what is expected.
    excess: f64,
    deviation: f64,
}

impl RankSum {
    fn standardized(&self, correction: f64) -> f64 {
        let sign = if self.excess == 0.0 { 0.0 } else { self.excess.signum() };
        if self.deviation == 0.0 { 0.0 } else { (self.excess - sign * correction) / self.deviation }
    }
}

/// The ranks of the experiment, moved down by `shift`, among all; ties share their middle rank.
fn rank_sum(experiment: &[f64], control: &[f64], shift: f64) -> RankSum {
    let (new, old) = (experiment.len() as f64, control.len() as f64);
    let mut all: Vec<(f64, bool)> = experiment.iter().map(|value| (value - shift, true)).chain(control.iter().map(|value| (*value, false))).collect();
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut ranks, mut ties, mut first) = (0.0, 0.0, 0);
    for group in all.chunk_by(|a, b| a.0 == b.0) {
        let length = group.len() as f64;
        let rank = first as f64 + (length + 1.0) / 2.0;
        ranks += rank * group.iter().filter(|(_, is_new)| *is_new).count() as f64;
        ties += length.powi(3) - length;
        first += group.len();
    }
    let total = new + old;
    RankSum {
        excess: ranks - new * (new + 1.0) / 2.0 - new * old / 2.0,
        deviation: (new * old / 12.0 * (total + 1.0 - ties / (total * (total - 1.0)))).max(0.0).sqrt(),
    }
}

/// Where a function that falls from `lowest` to `highest` crosses zero. It falls in steps; at a step across zero the
/// answer is the side that is nearer to zero, as that of the solvers of R and Kayenta is.
fn root(lowest: f64, highest: f64, function: impl Fn(f64) -> f64) -> f64 {
    if function(lowest) <= 0.0 {
        return lowest;
    }
    if function(highest) >= 0.0 {
        return highest;
    }
    let (mut low, mut high) = (lowest, highest);
    while high - low > TOLERANCE {
        let middle = f64::midpoint(low, high);
        if middle <= low || middle >= high {
            break;
        }
        if function(middle) > 0.0 { low = middle } else { high = middle }
    }
    if function(low).abs() < function(high).abs() { low } else { high }
}

const TOLERANCE: f64 = 1e-6;
