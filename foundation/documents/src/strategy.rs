//! How traffic, or a configuration, moves from an old version to a new one: in which steps, and how long each holds.
//!
//! The predefined names mean what they mean in AWS SAM and CodeDeploy (`Canary10Percent5Minutes`,
//! `Linear10PercentEvery1Minute`, `AllAtOnce`) and in AppConfig (`Canary10Percent20Minutes`,
//! `Linear50PercentEvery30Seconds`, `Linear20PercentEvery6Minutes`).

use std::time::Duration;

use serde::Serialize;

use crate::codes;
use crate::kinds::Reading;
use crate::source::Node;
use crate::suggest;

/// A share of the traffic in hundredths of a percent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Weight(u16);

/// In percent.
impl Serialize for Weight {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.as_percent())
    }
}

impl Weight {
    pub const NONE: Self = Self(0);
    pub const ALL: Self = Self(10_000);

    /// None outside 0 to 100.
    pub fn percent(percent: f64) -> Option<Self> {
        (0.0..=100.0).contains(&percent).then(|| Self((percent * 100.0).round() as u16))
    }

    pub fn as_percent(self) -> f64 {
        f64::from(self.0) / 100.0
    }

    pub fn as_share(self) -> f64 {
        f64::from(self.0) / 10_000.0
    }
}

impl std::fmt::Display for Weight {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} %", self.as_percent())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Step {
    pub weight: Weight,
    /// Before the next step; of the last one, the bake time.
    #[serde(serialize_with = "whole_ms")]
    pub hold: Duration,
}

fn whole_ms<S: serde::Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
}

/// At least one step; weights rise, and the last is all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Strategy {
    pub name: String,
    pub steps: Vec<Step>,
}

const MINUTE: Duration = Duration::from_secs(60);

impl Strategy {
    pub fn all_at_once() -> Self {
        Self { name: "AllAtOnce".to_owned(), steps: rising([], MINUTE, Duration::ZERO) }
    }

    /// From the first step to the end of the bake time.
    pub fn duration(&self) -> Duration {
        self.steps.iter().map(|step| step.hold).sum()
    }

    pub fn predefined(name: &str) -> Option<Self> {
        let (_, steps) = predefined().into_iter().find(|(known, _)| known == name)?;
        Some(Self { name: name.to_owned(), steps })
    }
}

/// CodeDeploy's names also stand behind a prefix; who writes it means the same.
const PREFIXES: [&str; 3] = ["CodeDeployDefault.Lambda", "CodeDeployDefault.ECS", "AppConfig."];

fn predefined() -> Vec<(String, Vec<Step>)> {
    let mut known = vec![("AllAtOnce".to_owned(), rising([], MINUTE, Duration::ZERO))];
    for minutes in [5, 10, 15, 20, 30] {
        // Of these, AppConfig's takes 20 minutes and bakes for ten.
        let bake = if minutes == 20 { 10 * MINUTE } else { Duration::ZERO };
        known.push((format!("Canary10Percent{minutes}Minutes"), rising([10.0], minutes * MINUTE, bake)));
    }
    for minutes in [1, 2, 3, 10] {
        let plural = if minutes == 1 { "" } else { "s" };
        known.push((format!("Linear10PercentEvery{minutes}Minute{plural}"), linear(10.0, minutes * MINUTE, Duration::ZERO)));
    }
    known.push(("Linear50PercentEvery30Seconds".to_owned(), linear(50.0, MINUTE / 2, MINUTE)));
    known.push(("Linear20PercentEvery6Minutes".to_owned(), linear(20.0, 6 * MINUTE, 30 * MINUTE)));
    known
}

/// These percentages, each for an interval, and then all.
fn rising(percentages: impl IntoIterator<Item = f64>, interval: Duration, bake: Duration) -> Vec<Step> {
    let before = percentages.into_iter().filter_map(Weight::percent).filter(|weight| *weight < Weight::ALL);
    before.map(|weight| Step { weight, hold: interval }).chain([Step { weight: Weight::ALL, hold: bake }]).collect()
}

fn linear(percent: f64, interval: Duration, bake: Duration) -> Vec<Step> {
    let count = (100.0 / percent).ceil() as u32;
    rising((1..count).map(|step| percent * f64::from(step)), interval, bake)
}

/// AppConfig's growth: the factor times the powers of two.
fn exponential(factor: f64, interval: Duration, bake: Duration) -> Vec<Step> {
    rising(std::iter::successors(Some(factor), |percent| Some(percent * 2.0)).take_while(|percent| *percent < 100.0), interval, bake)
}

/// Reads a predefined name, or a mapping with one of `canary`, `linear`, `exponential`, `steps`, and `bake`. The shape is
/// checked by the schema before.
pub(crate) fn read(node: &Node, reading: &mut Reading<'_>) -> Option<Strategy> {
    if let Some(text) = node.text() {
        let name = PREFIXES.iter().find_map(|prefix| text.strip_prefix(prefix)).unwrap_or(text);
        let found = Strategy::predefined(name);
        if found.is_none() {
            let known = predefined();
            let mend = suggest::mend(name, known.iter().map(|(name, _)| name.as_str()), "the predefined strategies");
            reading.findings.error(codes::WRONG_VALUE, node.span, format!("there is no strategy `{text}`"), mend);
        }
        return found;
    }
    let bake = node.duration("bake").unwrap_or_default();
    let shape = |name: &str| node.get(name);
    let number = |node: &Node, field: &str| node.get(field).and_then(Node::number);
    let (name, steps) = if let Some(canary) = shape("canary") {
        ("canary", rising([number(canary, "percent")?], canary.duration("interval")?, bake))
    } else if let Some(rule) = shape("linear") {
        ("linear", linear(number(rule, "percent")?, rule.duration("interval")?, bake))
    } else if let Some(rule) = shape("exponential") {
        ("exponential", exponential(number(rule, "factor")?, rule.duration("interval")?, bake))
    } else {
        ("steps", listed(shape("steps")?, bake, reading)?)
    };
    Some(Strategy { name: name.to_owned(), steps })
}

fn listed(list: &Node, bake: Duration, reading: &mut Reading<'_>) -> Option<Vec<Step>> {
    let mut steps: Vec<Step> = Vec::new();
    for node in list.items() {
        let weight = Weight::percent(node.get("percent").and_then(Node::number)?)?;
        if steps.last().is_some_and(|last| last.weight >= weight) {
            let message = format!("{weight} does not follow {}: weights rise from step to step", steps.last().map_or(Weight::NONE, |last| last.weight));
            reading.findings.error(codes::WRONG_VALUE, node.span, message, "what goes wrong is rolled back by itself, to nothing".to_owned());
            return None;
        }
        let hold = if weight == Weight::ALL { bake } else { node.duration("hold")? };
        steps.push(Step { weight, hold });
    }
    if steps.last().is_none_or(|last| last.weight < Weight::ALL) {
        steps.push(Step { weight: Weight::ALL, hold: bake });
    }
    Some(steps)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(name: &str) -> Vec<(f64, u64)> {
        Strategy::predefined(name).unwrap().steps.iter().map(|step| (step.weight.as_percent(), step.hold.as_secs())).collect()
    }

    #[test]
    fn predefined_names_mean_what_they_mean_elsewhere() {
        assert_eq!(told("AllAtOnce"), [(100.0, 0)]);
        assert_eq!(told("Canary10Percent5Minutes"), [(10.0, 300), (100.0, 0)]);
        assert_eq!(told("Canary10Percent20Minutes"), [(10.0, 1_200), (100.0, 600)]);
        let linear = told("Linear10PercentEvery1Minute");
        assert_eq!((linear.len(), linear[0], linear[8], linear[9]), (10, (10.0, 60), (90.0, 60), (100.0, 0)));
        assert_eq!(told("Linear50PercentEvery30Seconds"), [(50.0, 30), (100.0, 60)]);
    }

    #[test]
    fn growth_that_does_not_divide_a_hundred_ends_at_a_hundred() {
        let weights = |steps: Vec<Step>| steps.iter().map(|step| step.weight.as_percent()).collect::<Vec<_>>();
        assert_eq!(weights(linear(30.0, MINUTE, MINUTE)), [30.0, 60.0, 90.0, 100.0]);
        assert_eq!(weights(exponential(6.0, MINUTE, MINUTE)), [6.0, 12.0, 24.0, 48.0, 96.0, 100.0]);
        assert_eq!(weights(linear(100.0, MINUTE, MINUTE)), [100.0]);
    }
}
