//! The search for the rate at which something breaks: up in steps, then down to it by halving.
//!
//! A trial plays the scenario for a while at one rate. Rates are multiplied until one breaks, and the
//! gap between the highest that held and the lowest that broke is then halved, on a logarithmic scale,
//! until it is small. One trial that does not hold may be chance: it counts only if a second one at the same
//! rate does not hold either.

use serde::Serialize;

use super::usl::Point;

#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Bounds {
    /// Arrivals a second of the first trial.
    pub start: f64,
    /// No trial is played beyond it.
    pub max: f64,
    /// By which the rate is multiplied while everything holds; over 1.
    pub factor: f64,
    /// How far apart the two rates may be in the end, relative to the lower.
    pub precision: f64,
    /// However it goes, no more trials than these.
    pub trials_max: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { start: 10.0, max: 100_000.0, factor: 2.0, precision: 0.02, trials_max: 40 }
    }
}

/// What one trial came to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Trial {
    /// Arrivals a second that were asked for.
    pub rate: f64,
    pub point: Point,
    pub outcome: Outcome,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "is", content = "reason")]
pub enum Outcome {
    Held,
    /// Which SLO, alarm or threshold broke, and with what figure.
    Broke(String),
    /// The generator could not keep the rate, so nothing is known of the target.
    GeneratorLimited(String),
}

/// What to do next.
#[derive(Debug, Clone, PartialEq)]
pub enum Next {
    Play { rate: f64 },
    Finished(Finding),
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "found")]
pub enum Finding {
    /// The scale point lies between the two rates; `reason` is what broke at the upper.
    ScalePoint { held: f64, broke: f64, reason: String },
    /// Everything held up to here, and the search was not allowed further, or could not go there.
    NoLimitWithinReach { held: f64, reason: String },
    /// Even the first rate broke, and all below it down to this.
    BreaksAtOnce { broke: f64, reason: String },
}

/// Below this share of the first rate it is not the rate that breaks it.
const FLOOR: f64 = 1.0 / 64.0;

/// Decides from the trials so far. The order of trials matters only where two are at the same rate.
pub fn next(bounds: &Bounds, trials: &[Trial]) -> Next {
    let held = trials.iter().filter(|trial| trial.outcome == Outcome::Held).map(|trial| trial.rate).fold(0.0, f64::max);
    let Some(last) = trials.last() else { return Next::Play { rate: bounds.start.min(bounds.max) } };
    if let Some(rate) = doubted(trials, held) {
        return Next::Play { rate };
    }
    let broke = trials.iter().filter_map(|trial| broken(trial, held)).min_by(|a, b| a.0.total_cmp(&b.0));
    let limited = trials.iter().filter_map(|trial| match &trial.outcome {
        Outcome::GeneratorLimited(reason) => Some((trial.rate, reason.clone())),
        _ => None,
    });
    let limited = limited.min_by(|a, b| a.0.total_cmp(&b.0)).filter(|(rate, _)| *rate > held);
    let exhausted = trials.len() >= bounds.trials_max;
    match (broke, limited) {
        (Some((rate, reason)), _) if held == 0.0 && (exhausted || rate <= bounds.start * FLOOR) => Next::Finished(Finding::BreaksAtOnce { broke: rate, reason }),
        (Some((rate, _)), _) if held == 0.0 => Next::Play { rate: rate / 2.0 },
        (Some((rate, reason)), _) if exhausted || rate / held - 1.0 <= bounds.precision => {
            Next::Finished(Finding::ScalePoint { held, broke: rate, reason })
        }
        (Some((rate, _)), _) => Next::Play { rate: between(held, rate) },
        (None, Some((_, reason))) => Next::Finished(Finding::NoLimitWithinReach { held, reason }),
        (None, None) if exhausted => {
            Next::Finished(Finding::NoLimitWithinReach { held, reason: format!("{} trials were played", trials.len()) })
        }
        (None, None) if held >= bounds.max => {
            Next::Finished(Finding::NoLimitWithinReach { held, reason: format!("the search goes up to {} a second", bounds.max) })
        }
        (None, None) => Next::Play { rate: (last.rate * bounds.factor).min(bounds.max) },
    }
}

/// A rate above all that held at which a trial did not hold, and only one was played.
fn doubted(trials: &[Trial], held: f64) -> Option<f64> {
    let above = trials.iter().filter(|trial| trial.outcome != Outcome::Held && trial.rate > held);
    let once = above.filter(|trial| trials.iter().filter(|other| other.rate == trial.rate).count() == 1);
    once.map(|trial| trial.rate).min_by(f64::total_cmp)
}

/// Rates that broke below one that held were chance.
fn broken(trial: &Trial, held: f64) -> Option<(f64, String)> {
    let Outcome::Broke(reason) = &trial.outcome else { return None };
    (trial.rate > held).then(|| (trial.rate, reason.clone()))
}

/// Halves a wide gap on the logarithmic scale; a round number reads better where the gap is still wide.
fn between(held: f64, broke: f64) -> f64 {
    let middle = (held * broke).sqrt();
    let round = middle.round();
    if round > held * 1.005 && round < broke * 0.995 { round } else { middle }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Searches a target that breaks above `limit`; answers with the finding and the rates tried.
    fn search(bounds: &Bounds, mut target: impl FnMut(f64, usize) -> Outcome) -> (Finding, Vec<Trial>) {
        let mut trials = Vec::new();
        loop {
            match next(bounds, &trials) {
                Next::Finished(finding) => return (finding, trials),
                Next::Play { rate } => {
                    assert!(rate.is_finite() && rate > 0.0 && rate <= bounds.max, "{rate}");
                    assert!(trials.len() <= bounds.trials_max + 1, "the search ends");
                    let outcome = target(rate, trials.len());
                    trials.push(Trial { rate, point: Point { concurrency: rate, throughput: rate }, outcome });
                }
            }
        }
    }

    fn limit(at: f64) -> impl FnMut(f64, usize) -> Outcome {
        move |rate, _| if rate > at { Outcome::Broke("errors".to_owned()) } else { Outcome::Held }
    }

    #[test]
    fn a_limit_is_found_within_the_precision() {
        let (finding, trials) = search(&Bounds::default(), limit(500.0));
        let Finding::ScalePoint { held, broke, .. } = finding else { panic!("{finding:?}") };
        assert!(held <= 500.0 && broke > 500.0 && broke / held <= 1.02, "{held} to {broke}");
        assert!(trials.len() <= 20, "{}", trials.len());
    }

    #[test]
    fn no_limit_within_reach_is_said() {
        let bounds = Bounds { max: 1000.0, ..Bounds::default() };
        let (finding, trials) = search(&bounds, limit(1e9));
        assert!(matches!(finding, Finding::NoLimitWithinReach { held, .. } if held == 1000.0), "{finding:?}");
        assert_eq!(trials.last().unwrap().rate, 1000.0);
        let (finding, _) = search(&Bounds::default(), |rate, _| {
            if rate > 4000.0 { Outcome::GeneratorLimited("two cores".to_owned()) } else { Outcome::Held }
        });
        assert!(matches!(finding, Finding::NoLimitWithinReach { reason, .. } if reason == "two cores"));
    }

    #[test]
    fn a_dead_target_breaks_at_once() {
        let (finding, trials) = search(&Bounds::default(), limit(0.0));
        assert!(matches!(finding, Finding::BreaksAtOnce { .. }), "{finding:?}");
        assert!(trials.len() <= 16);
    }

    #[test]
    fn one_unlucky_trial_is_no_limit() {
        let (finding, _) = search(&Bounds::default(), |rate, trial| if trial == 2 { Outcome::Broke("chance".to_owned()) } else { limit(500.0)(rate, trial) });
        assert!(matches!(finding, Finding::ScalePoint { held, .. } if held > 480.0), "{finding:?}");
    }

    #[test]
    fn one_trial_in_which_the_generator_was_late_is_no_limit() {
        let late = |rate, trial| if trial == 3 { Outcome::GeneratorLimited("busy".to_owned()) } else { limit(500.0)(rate, trial) };
        let (finding, _) = search(&Bounds::default(), late);
        assert!(matches!(finding, Finding::ScalePoint { held, .. } if held > 480.0), "{finding:?}");
    }

    proptest! {
        #[test]
        fn any_limit_is_bracketed(at in 0.5..90_000.0_f64, start in 1.0..500.0_f64) {
            let (finding, _) = search(&Bounds { start, ..Bounds::default() }, limit(at));
            match finding {
                Finding::ScalePoint { held, broke, .. } => prop_assert!(held <= at && broke > at && broke / held <= 1.03),
                Finding::BreaksAtOnce { broke, .. } => prop_assert!(broke > at && broke <= start / 32.0),
                Finding::NoLimitWithinReach { .. } => prop_assert!(false, "there is one"),
            }
        }

        #[test]
        fn any_outcomes_come_to_an_end(outcomes in proptest::collection::vec(0..3_u8, 64)) {
            search(&Bounds::default(), |_, trial| match outcomes[trial % 64] {
                0 => Outcome::Held,
                1 => Outcome::Broke("b".to_owned()),
                _ => Outcome::GeneratorLimited("g".to_owned()),
            });
        }
    }
}
