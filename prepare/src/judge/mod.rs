//! The judge: is the new version as good as the old one, by one metric of both?
//!
//! It compares two series of points, one a minute, say: the control (the old version) and the canary (the new one) over
//! the same time. Its answer stays valid however often it looks on the way to the planned number of points, and it says
//! when it does not know:
//!
//! - **fail**: the canary differs, and not by chance;
//! - **pass**: a difference that matters can be excluded;
//! - **not enough data**: neither, yet.
//!
//! Three tests see different harm: *location* sees the whole series move, *spread* sees it scatter more, *extremes* sees
//! a few points out of all proportion. Neighbouring points of a metric resemble each other, so that sixty of them may
//! tell no more than ten would; the judge estimates how much and widens its interval accordingly.
//!
//! [`kayenta`] judges as Netflix's judge does, for those who know its answers.

mod extremes;
pub mod kayenta;
mod picture;
mod sample;
mod scale;
mod sequential;
pub mod simulation;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use sample::Sample;
pub use scale::Measure;
use scale::Scale;
use sequential::{Boundary, Comparison};

/// Which way is worse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// As for latencies and errors.
    Increase,
    /// As for success ratios and throughput.
    Decrease,
    #[default]
    Either,
}

impl Direction {
    pub(crate) fn is_worse(self, change: f64) -> bool {
        match self {
            Self::Increase => change > 0.0,
            Self::Decrease => change < 0.0,
            Self::Either => change != 0.0,
        }
    }
}

/// What was decided before the first look.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    pub direction: Direction,
    /// How many points the canary is meant to give. Chances of a false alarm are spent up to here; who looks on after
    /// it meets a stricter boundary.
    pub points: usize,
    /// Passes once a worse change than this is excluded: 0.25 is a quarter of the control's level.
    pub tolerance: f64,
    /// Never fails for a smaller change than this.
    pub floor: f64,
    /// How many metrics are judged beside each other; they share the chance of a false alarm.
    pub metrics: usize,
}

impl Default for Plan {
    fn default() -> Self {
        Self { direction: Direction::Either, points: 60, tolerance: 0.25, floor: 0.05, metrics: 1 }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Pass,
    Fail,
    NotEnoughData,
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::NotEnoughData => "not enough data",
        })
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Judgement {
    pub verdict: Verdict,
    /// For people.
    pub reason: String,
    /// Absent with too few points.
    pub effect: Option<Effect>,
    pub control: Sample,
    pub canary: Sample,
    pub tests: Vec<Test>,
    /// How many more points of each version would probably decide, if they go on like this.
    pub needed_points: Option<usize>,
}

/// How the canary differs from the control.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Effect {
    pub measure: Measure,
    pub estimate: f64,
    /// The interval stays valid however often it is looked at. Null when it reaches to infinity.
    pub lower: Option<f64>,
    pub upper: Option<f64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TestKind {
    Location,
    Spread,
    Extremes,
}

/// One test: it fails the canary when its statistic is beyond the boundary.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Test {
    pub test: TestKind,
    /// In standard errors; of the extremes, the points that are out of proportion. Null if it is infinite.
    pub statistic: Option<f64>,
    pub boundary: f64,
    pub failed: bool,
}

/// Fewer points than this of either version tell nothing.
pub const MIN_POINTS: usize = 8;
/// Nor do series in which each point repeats its neighbours so much that they tell less than this many would.
const MIN_EFFECTIVE_POINTS: f64 = 3.0;

/// Judges the points of both versions in the order of time; what is not finite is missing.
pub fn judge(control: &[f64], canary: &[f64], plan: &Plan) -> Judgement {
    let present = |values: &[f64]| values.iter().copied().filter(|value| value.is_finite()).collect::<Vec<f64>>();
    let (old, new) = (present(control), present(canary));
    let (control, canary) = (Sample::of(control.len(), &old), Sample::of(canary.len(), &new));
    let fewest = old.len().min(new.len());
    if fewest < MIN_POINTS {
        let reason = too_few(&control, &canary);
        return Judgement { verdict: Verdict::NotEnoughData, reason, effect: None, control, canary, tests: Vec::new(), needed_points: Some(MIN_POINTS - fewest) };
    }

    let scale = Scale::for_values(&old, &new);
    let (old, new) = (scale.of(&old), scale.of(&new));
    let boundary = Boundary { planned: plan.points.max(MIN_POINTS), metrics: plan.metrics.max(1) };
    let location = Comparison::of_means(&old, &new);
    let effect = Effect {
        measure: scale.measure(),
        estimate: scale.effect(location.difference),
        lower: finite(scale.effect(location.difference - location.half_width(boundary.location(location.points)))),
        upper: finite(scale.effect(location.difference + location.half_width(boundary.location(location.points)))),
    };
    let tests = vec![location_test(&location, &scale, plan, &boundary), spread_test(&old, &new, &scale, plan, &boundary), extremes::test(&old, &new, &scale, plan)];
    let (verdict, needed_points) = decide(&location, &scale, plan, &boundary, &tests);
    let reason = told(verdict, &effect, &tests, needed_points);
    Judgement { verdict, reason, effect: Some(effect), control, canary, tests, needed_points }
}

fn decide(location: &Comparison, scale: &Scale, plan: &Plan, boundary: &Boundary, tests: &[Test]) -> (Verdict, Option<usize>) {
    if tests.iter().any(|test| test.failed) {
        return (Verdict::Fail, None);
    }
    let half_width = location.half_width(boundary.location(location.points));
    let (worst_up, worst_down) = (location.difference + half_width, location.difference - half_width);
    let excluded_up = worst_up <= scale.change(plan.tolerance);
    let excluded_down = worst_down >= scale.change(-plan.tolerance / (1.0 + plan.tolerance));
    let passed = match plan.direction {
        Direction::Increase => excluded_up,
        Direction::Decrease => excluded_down,
        Direction::Either => excluded_up && excluded_down,
    };
    if passed { (Verdict::Pass, None) } else { (Verdict::NotEnoughData, needed_points(location, scale, plan, half_width)) }
}

/// An interval narrows with the root of the points; it decides once it leaves out either no change or the tolerance.
fn needed_points(location: &Comparison, scale: &Scale, plan: &Plan, half_width: f64) -> Option<usize> {
    let change = if plan.direction.is_worse(location.difference) { location.difference.abs() } else { 0.0 };
    let decides = (scale.change(plan.tolerance) - change).max(change);
    let factor = (half_width / decides).powi(2);
    (factor.is_finite() && factor < MANY).then(|| ((factor - 1.0) * location.points).ceil().max(1.0) as usize)
}

/// Beyond so many times the points, a number would be a guess.
const MANY: f64 = 1_000.0;

fn location_test(location: &Comparison, scale: &Scale, plan: &Plan, boundary: &Boundary) -> Test {
    let limit = boundary.location(location.points);
    let statistic = location.statistic();
    let large = location.difference.abs() >= scale.change(plan.floor) && plan.direction.is_worse(location.difference);
    Test {
        test: TestKind::Location,
        statistic: finite(statistic),
        boundary: limit,
        failed: large && statistic.abs() > limit && location.effective >= MIN_EFFECTIVE_POINTS,
    }
}

/// Compares how far the points are from their own middle. Only more scatter is harm.
fn spread_test(old: &[f64], new: &[f64], scale: &Scale, plan: &Plan, boundary: &Boundary) -> Test {
    let distances = |values: &[f64]| {
        let middle = sample::median(values);
        values.iter().map(|value| (value - middle).abs()).collect::<Vec<f64>>()
    };
    let spread = Comparison::of_means(&distances(old), &distances(new));
    let (limit, statistic) = (boundary.spread(spread.points), spread.statistic());
    Test {
        test: TestKind::Spread,
        statistic: finite(statistic),
        boundary: limit,
        failed: statistic > limit && spread.difference >= scale.change(plan.floor) && spread.effective >= MIN_EFFECTIVE_POINTS,
    }
}

fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}

fn too_few(control: &Sample, canary: &Sample) -> String {
    let (name, sample) = if canary.points <= control.points { ("canary", canary) } else { ("control", control) };
    match (sample.points, sample.missing) {
        (0, _) => format!("the {name} has no data"),
        (points, 0) => format!("the {name} has only {points} of at least {MIN_POINTS} points"),
        (points, missing) => format!("the {name} has only {points} of at least {MIN_POINTS} points; {missing} are missing"),
    }
}

fn told(verdict: Verdict, effect: &Effect, tests: &[Test], needed: Option<usize>) -> String {
    let found = tests.iter().filter(|test| test.failed).map(|test| match test.test {
        TestKind::Location => format!("the canary is {effect}"),
        TestKind::Spread => "the canary scatters more".to_owned(),
        TestKind::Extremes => format!("{} points of the canary are out of all proportion", test.statistic.unwrap_or_default()),
    });
    match verdict {
        Verdict::Fail => found.collect::<Vec<_>>().join("; "),
        Verdict::Pass => format!("no change that matters: the canary is {effect}"),
        Verdict::NotEnoughData => match needed {
            Some(points) => format!("the canary is {effect}; about {points} more points would decide"),
            None => format!("the canary is {effect}, which decides nothing"),
        },
    }
}

impl std::fmt::Display for Effect {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = |value: Option<f64>| value.map_or("unbounded".to_owned(), |value| self.measure.text(value));
        write!(f, "{} ({} to {})", self.measure.told(self.estimate), text(self.lower), text(self.upper))
    }
}
