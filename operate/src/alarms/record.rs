//! What an evaluation leaves in the ledger: the alarm's record, and an event for each change.

use std::time::Duration;

use documents::rules::{COMPONENT_LABEL, SEVERITY_LABEL};
use jiff::SignedDuration;
use kernel::Timestamp;
use ledger::{AlarmRecord, AlarmState, Batch, Evidence, NewEvent, QueryLanguage, Verdict, types};
use serde_json::{Value, json};
use telemetry::Labels;

use super::plan::{self, AlertPlan};
use super::state::{Change, Standing, Transition};

pub const SOURCE: &str = "/operate/alarms";

/// Evidence holds this many elements of the answer; the rest is counted.
const EVIDENCE_ELEMENTS_MAX: usize = 20;

/// The record of an alarm that was never judged.
pub fn unjudged(plan: &AlertPlan, now: Timestamp) -> AlarmRecord {
    describe(plan, AlarmRecord {
        id: plan.id.clone(),
        group: String::new(),
        name: String::new(),
        expression: String::new(),
        component: None,
        severity: None,
        runbook: None,
        state: AlarmState::Inactive,
        since: now,
        error: None,
        instances: Vec::new(),
        verdict: None,
    })
}

/// With what the documents say today.
pub fn describe(plan: &AlertPlan, record: AlarmRecord) -> AlarmRecord {
    AlarmRecord {
        group: plan.group.clone(),
        name: plan.rule.alert.clone(),
        expression: plan.rule.expr.clone(),
        component: plan.component.clone(),
        severity: plan.severity.clone(),
        runbook: plan.rule.runbook.clone(),
        ..record
    }
}

pub fn standing(record: &AlarmRecord) -> Standing {
    Standing { state: record.state, error: record.error.clone(), instances: record.instances.clone() }
}

/// The record after a transition.
pub fn after(record: AlarmRecord, transition: &Transition, evidence: Evidence, now: Timestamp) -> AlarmRecord {
    let standing = transition.standing.clone();
    AlarmRecord {
        since: if standing.state == record.state { record.since } else { now },
        verdict: Some(Verdict { state: standing.state, at: now, evidence }),
        state: standing.state,
        error: standing.error,
        instances: standing.instances,
        ..record
    }
}

/// Is the record worth writing? Values and times alone are not, as long as a restart would go on from
/// nearly the same point.
pub fn differs(stored: Option<&AlarmRecord>, record: &AlarmRecord, keep_firing_for: Duration) -> bool {
    let Some(stored) = stored else { return true };
    let fixed = |record: &AlarmRecord| {
        let instances = record.instances.iter().map(|i| (i.labels.clone(), i.state, i.active_at, i.incident)).collect::<Vec<_>>();
        (instances, record.state, record.error.clone(), record.expression.clone(), record.component.clone(), record.severity.clone(), record.runbook.clone())
    };
    fixed(stored) != fixed(record) || held_much_longer(stored, record, keep_firing_for)
}

/// After a restart `keep_firing_for` counts from the stored time, which may lag by half of it.
fn held_much_longer(stored: &AlarmRecord, record: &AlarmRecord, keep_firing_for: Duration) -> bool {
    let lag_max = SignedDuration::try_from(keep_firing_for / 2).unwrap_or(SignedDuration::MAX);
    !keep_firing_for.is_zero()
        && stored.instances.iter().zip(&record.instances).any(|(stored, now)| {
            now.state == AlarmState::Firing && now.last_true_at.duration_since(stored.last_true_at) > lag_max
        })
}

/// The record with its events.
pub fn batch(record: &AlarmRecord, changes: &[Change], now: Timestamp) -> Batch {
    changes.iter().fold(Batch::new().alarm(record.clone()), |batch, change| batch.event(event(record, change, now)))
}

/// An alarm whose rule is gone: what fired has ended.
pub fn removal(record: &AlarmRecord, now: Timestamp) -> Batch {
    let ended = record.instances.iter().filter(|instance| instance.state == AlarmState::Firing).map(|instance| Change {
        state: AlarmState::Resolved,
        instance: Some(ledger::AlarmInstance { state: AlarmState::Resolved, resolved_at: Some(now), ..instance.clone() }),
    });
    let changes: Vec<Change> = ended.chain([Change { state: AlarmState::Inactive, instance: None }]).collect();
    let batch = changes.iter().fold(Batch::new(), |batch, change| {
        let mut event = event(record, change, now);
        event.data["reason"] = json!("the rule was removed from the documents");
        batch.event(event)
    });
    batch.remove_alarm(record.id.clone())
}

fn event(record: &AlarmRecord, change: &Change, now: Timestamp) -> NewEvent {
    let instance = change.instance.as_ref();
    let label = |name: &str| instance.and_then(|instance| instance.labels.get(name)).cloned();
    let component = label(COMPONENT_LABEL).and_then(|text| plan::component(&text)).or_else(|| record.component.clone());
    let data = json!({
        "id": record.id,
        "group": record.group,
        "alert": record.name,
        "state": change.state,
        "labels": instance.map(|instance| &instance.labels),
        "annotations": instance.map(|instance| &instance.annotations),
        "value": instance.map(|instance| instance.value),
        "active_at": instance.map(|instance| instance.active_at),
        "component": component,
        "severity": label(SEVERITY_LABEL).or_else(|| record.severity.clone()),
        "runbook": record.runbook,
        "error": record.error,
        "evidence": record.verdict.as_ref().map(|verdict| &verdict.evidence),
    });
    let mut event = NewEvent::new(SOURCE, kind(change.state), data)
        .subject(record.id.clone())
        .incident(instance.and_then(|instance| instance.incident));
    event.time = Some(now);
    event
}

fn kind(state: AlarmState) -> &'static str {
    match state {
        AlarmState::Inactive => types::ALARM_INACTIVE,
        AlarmState::Pending => types::ALARM_PENDING,
        AlarmState::Firing => types::ALARM_FIRING,
        AlarmState::Resolved => types::ALARM_RESOLVED,
        AlarmState::NoData => types::ALARM_NO_DATA,
        AlarmState::Error => types::ALARM_ERROR,
    }
}

pub fn evidence(plan: &AlertPlan, answer: &Result<Vec<(Labels, f64)>, String>, at: Timestamp) -> Evidence {
    let window = SignedDuration::try_from(plan.window).unwrap_or(SignedDuration::ZERO);
    Evidence {
        language: QueryLanguage::Promql,
        query: plan.rule.expr.clone(),
        start: at.saturating_sub(window).unwrap_or(at),
        end: at,
        result: match answer {
            Ok(samples) => result(samples, at),
            Err(error) => json!({ "error": error }),
        },
    }
}

/// As Prometheus's query API writes a vector: values are texts.
fn result(samples: &[(Labels, f64)], at: Timestamp) -> Value {
    let time = at.as_millisecond() as f64 / 1e3;
    let shown: Vec<Value> = samples
        .iter()
        .take(EVIDENCE_ELEMENTS_MAX)
        .map(|(labels, value)| json!({ "metric": labels, "value": [time, value.to_string()] }))
        .collect();
    json!({ "resultType": "vector", "result": shown, "omitted": samples.len().saturating_sub(EVIDENCE_ELEMENTS_MAX) })
}
