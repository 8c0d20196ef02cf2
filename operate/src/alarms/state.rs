//! What becomes of an alarm. Decides only: no clock, disk or socket.
//!
//! Source: Prometheus, "Alerting rules". Two states are Mainstay's own: *no data*, where the
//! expression's selectors find no series at all, and *error*, where it cannot be evaluated. Neither
//! touches the instances that an evaluation could not judge.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use documents::rules::AlertingRule;
use jiff::SignedDuration;
use kernel::Timestamp;
use ledger::{AlarmInstance, AlarmState};

/// How long a resolved instance is still shown; as in Prometheus.
pub const RESOLVED_RETENTION: SignedDuration = SignedDuration::from_mins(15);

/// What an evaluation found.
#[derive(Debug, Clone, PartialEq)]
pub enum Finding {
    /// The condition holds for these label sets, and for no others.
    Holds(Vec<Held>),
    /// It holds for none, because there are no series that it could hold for.
    NoData,
    Failed(String),
}

/// One label set for which the condition holds, with labels and annotations expanded.
#[derive(Debug, Clone, PartialEq)]
pub struct Held {
    pub labels: BTreeMap<String, String>,
    pub annotations: BTreeMap<String, String>,
    pub value: f64,
}

/// How an alarm stands before or after an evaluation.
#[derive(Debug, Clone, PartialEq)]
pub struct Standing {
    pub state: AlarmState,
    pub error: Option<String>,
    pub instances: Vec<AlarmInstance>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Transition {
    pub standing: Standing,
    /// What to tell, in this order.
    pub changes: Vec<Change>,
}

/// An instance, or without one the whole alarm, came into this state.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    pub state: AlarmState,
    pub instance: Option<AlarmInstance>,
}

pub fn next(rule: &AlertingRule, was: &Standing, finding: Finding, now: Timestamp) -> Transition {
    let (instances, mut changes, error, no_data) = match finding {
        Finding::Failed(error) => (was.instances.clone(), Vec::new(), Some(error), false),
        Finding::NoData => {
            let (instances, changes) = next_instances(rule, &was.instances, Vec::new(), now);
            (instances, changes, None, true)
        }
        Finding::Holds(held) => {
            let (instances, changes) = next_instances(rule, &was.instances, held, now);
            (instances, changes, None, false)
        }
    };
    let state = overall(&instances, error.is_some(), no_data);
    let whole = |state| Change { state, instance: None };
    if error.is_some() && was.error.is_none() {
        changes.push(whole(AlarmState::Error));
    } else if state == AlarmState::NoData && was.state != AlarmState::NoData {
        changes.push(whole(AlarmState::NoData));
    } else if state == AlarmState::Inactive && was.state != AlarmState::Inactive && changes.is_empty() {
        changes.push(whole(AlarmState::Inactive));
    }
    Transition { standing: Standing { state, error, instances }, changes }
}

/// The worst first. What fires goes on firing while its query fails.
fn overall(instances: &[AlarmInstance], failed: bool, no_data: bool) -> AlarmState {
    let any = |state| instances.iter().any(|instance| instance.state == state);
    match () {
        () if any(AlarmState::Firing) => AlarmState::Firing,
        () if failed => AlarmState::Error,
        () if any(AlarmState::Pending) => AlarmState::Pending,
        () if no_data => AlarmState::NoData,
        () if any(AlarmState::Resolved) => AlarmState::Resolved,
        () => AlarmState::Inactive,
    }
}

fn next_instances(
    rule: &AlertingRule,
    was: &[AlarmInstance],
    held: Vec<Held>,
    now: Timestamp,
) -> (Vec<AlarmInstance>, Vec<Change>) {
    let mut held: HashMap<BTreeMap<String, String>, Held> = held.into_iter().map(|held| (held.labels.clone(), held)).collect();
    let mut next = Vec::new();
    let mut changes = Vec::new();
    for instance in was {
        let (after, state) = match held.remove(&instance.labels) {
            Some(held) => while_held(rule, Some(instance), held, now),
            None => match no_longer_held(rule, instance, now) {
                Some(after) => {
                    let state = after.state;
                    (after, state)
                }
                None if instance.state == AlarmState::Pending => {
                    changes.push(Change { state: AlarmState::Inactive, instance: Some(instance.clone()) });
                    continue;
                }
                None => continue,
            },
        };
        if state != instance.state {
            changes.push(Change { state, instance: Some(after.clone()) });
        }
        next.push(after);
    }
    let mut new: Vec<Held> = held.into_values().collect();
    new.sort_by(|a, b| a.labels.cmp(&b.labels));
    for held in new {
        let (instance, state) = while_held(rule, None, held, now);
        changes.push(Change { state, instance: Some(instance.clone()) });
        next.push(instance);
    }
    next.sort_by(|a, b| a.labels.cmp(&b.labels));
    (next, changes)
}

/// Pending from the first time that the condition held, firing once it held for long enough.
fn while_held(rule: &AlertingRule, was: Option<&AlarmInstance>, held: Held, now: Timestamp) -> (AlarmInstance, AlarmState) {
    let active = was.filter(|was| was.state != AlarmState::Resolved);
    let active_at = active.map_or(now, |was| was.active_at);
    let fired_at = active.and_then(|was| was.fired_at).or_else(|| (elapsed(active_at, now) >= signed(rule.for_)).then_some(now));
    let state = if fired_at.is_some() { AlarmState::Firing } else { AlarmState::Pending };
    let instance = AlarmInstance {
        labels: held.labels,
        annotations: held.annotations,
        state,
        value: held.value,
        active_at,
        fired_at,
        resolved_at: None,
        last_true_at: now,
        incident: active.and_then(|was| was.incident),
    };
    (instance, state)
}

/// None if there is nothing left to show.
fn no_longer_held(rule: &AlertingRule, was: &AlarmInstance, now: Timestamp) -> Option<AlarmInstance> {
    match was.state {
        AlarmState::Firing if elapsed(was.last_true_at, now) < signed(rule.keep_firing_for) => Some(was.clone()),
        AlarmState::Firing => Some(AlarmInstance { state: AlarmState::Resolved, resolved_at: Some(now), ..was.clone() }),
        AlarmState::Resolved => {
            let resolved_at = was.resolved_at.unwrap_or(now);
            (elapsed(resolved_at, now) <= RESOLVED_RETENTION).then(|| was.clone())
        }
        _ => None,
    }
}

fn elapsed(from: Timestamp, to: Timestamp) -> SignedDuration {
    to.duration_since(from)
}

fn signed(duration: Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
}
