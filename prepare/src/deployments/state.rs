//! What the shift of an environment does next. Decides only: no clock, disk or socket.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use documents::deployment::{Environment, Hook};
use documents::strategy::{Step, Weight};
use kernel::Timestamp;
use serde::{Deserialize, Serialize};

/// Where a hook stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    BeforeTraffic,
    /// After the step of this number.
    Step(usize),
    AfterTraffic,
}

/// One hook: its place, and its number there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct HookId {
    pub place: Place,
    pub index: usize,
}

/// What is on record of a shift.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Progress {
    pub began_at: Option<Timestamp>,
    /// Alarms that fired before the new version had any traffic. They are the old version's.
    pub fired_before: BTreeSet<String>,
    pub hooks_passed: BTreeSet<HookId>,
    /// The last weight that was intended; the router has it, or the one before.
    pub weight: Weight,
    /// When the router took the weight of each step.
    pub shifted_at: BTreeMap<usize, Timestamp>,
    /// Since when a step is watched without a gap, if not since it began.
    pub watched_anew: BTreeMap<usize, Timestamp>,
    /// Since when both versions can be compared, if not since the first step: the clock jumped.
    pub comparable_since: Option<Timestamp>,
    /// Steps that a person ended early.
    pub promoted: BTreeSet<usize>,
    /// Since when it stands still.
    pub paused_at: Option<Timestamp>,
    /// How long it stood still within each step.
    pub stood_still: BTreeMap<usize, Duration>,
    pub rolling_back: Option<Reason>,
    pub rolled_back: bool,
    pub completed: bool,
}

/// Why a version is rolled back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reason {
    pub kind: ReasonKind,
    /// For people.
    pub text: String,
    /// What anyone can open again.
    #[serde(default)]
    pub evidence: serde_json::Value,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReasonKind {
    Alarm,
    Judge,
    Hook,
    Router,
    /// The run ended: a person aborted it, or its time was over.
    Ended,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Next {
    /// Note which alarms fire already.
    Begin,
    Ask(HookId),
    /// Intend the weight of a step, and have the router take it.
    Shift(usize),
    /// Look at alarms and judge; at the latest decide again then.
    Watch { step: usize, until: Timestamp },
    /// People hold it; alarms are still looked at.
    StandStill { step: Option<usize> },
    /// Have the router send everything to the old version.
    TakeBack,
    Complete,
    Over,
}

/// `held` is whether all deployments are stopped.
pub fn next(environment: &Environment, progress: &Progress, held: bool, now: Timestamp) -> Next {
    if progress.completed || progress.rolled_back {
        return Next::Over;
    }
    if progress.rolling_back.is_some() {
        return Next::TakeBack;
    }
    let current = progress.shifted_at.keys().next_back().copied();
    if held || progress.paused_at.is_some() {
        return Next::StandStill { step: current };
    }
    if progress.began_at.is_none() {
        return Next::Begin;
    }
    let hooks = &environment.hooks;
    let unasked = |place: Place, hooks: &[Hook]| {
        (0..hooks.len()).map(|index| HookId { place, index }).find(|hook| !progress.hooks_passed.contains(hook))
    };
    let Some(index) = current else {
        return unasked(Place::BeforeTraffic, &hooks.before_allow_traffic).map_or(Next::Shift(0), Next::Ask);
    };
    let steps = &environment.strategy.steps;
    let last = index + 1 >= steps.len();
    // The bake time begins once the last hook has passed, as elsewhere.
    if last && let Some(hook) = unasked(Place::AfterTraffic, &hooks.after_allow_traffic) {
        return Next::Ask(hook);
    }
    let ends = end_of(index, steps, progress);
    if ends > now && !progress.promoted.contains(&index) {
        return Next::Watch { step: index, until: ends };
    }
    if last {
        return Next::Complete;
    }
    unasked(Place::Step(index), &hooks.each_step).map_or(Next::Shift(index + 1), Next::Ask)
}

/// The step whose time runs, so that a gap in watching it matters.
pub fn watched(progress: &Progress, held: bool) -> Option<usize> {
    let over = progress.completed || progress.rolled_back || progress.rolling_back.is_some();
    let stands_still = held || progress.paused_at.is_some();
    progress.shifted_at.keys().next_back().copied().filter(|_| !over && !stands_still)
}

fn end_of(index: usize, steps: &[Step], progress: &Progress) -> Timestamp {
    let hold = steps.get(index).map(|step| step.hold).unwrap_or_default() + progress.stood_still.get(&index).copied().unwrap_or_default();
    let since = progress.watched_anew.get(&index).or(progress.shifted_at.get(&index)).copied().unwrap_or(Timestamp::MIN);
    since.checked_add(hold).unwrap_or(Timestamp::MAX)
}

/// An alarm as it stands now.
#[derive(Debug, Clone, PartialEq)]
pub struct Firing {
    pub alarm: String,
    /// The label of the instance that names a version, if it has one.
    pub version: Option<String>,
    pub since: Timestamp,
}

/// What firing alarms mean for the new version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Blame {
    New(String),
    /// It does not hold the deployment up, and people are told why.
    Old(String),
}

/// An instance that names a version accuses that version. One that names none accuses the new version, unless it fired
/// before that had any traffic.
pub fn blame(firing: &Firing, progress: &Progress, version: &str) -> Blame {
    let fired_before = progress.fired_before.contains(&firing.alarm) || progress.began_at.is_some_and(|began| firing.since < began);
    match &firing.version {
        Some(named) if named == version => Blame::New(format!("the alarm {} fires on version {version}", firing.alarm)),
        Some(named) => Blame::Old(format!("the alarm {} fires on version {named}, which is not the new one", firing.alarm)),
        None if fired_before => Blame::Old(format!("the alarm {} fired before the new version had traffic", firing.alarm)),
        None => Blame::New(format!("the alarm {} fires", firing.alarm)),
    }
}

#[cfg(test)]
#[path = "tests/state.rs"]
mod tests;
