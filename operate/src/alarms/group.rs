//! One group at one instant: its rules in order, so that a later rule sees what an earlier one recorded.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use jiff::SignedDuration;
use kernel::{IncidentId, Timestamp};
use ledger::{AlarmInstance, AlarmRecord, AlarmState, LedgerError};

use super::evaluate::{self, AlertMemory, Context, Queries};
use super::plan::{AlertPlan, GroupPlan, RulePlan};
use super::record;
use super::series::Written;
use super::status::{AlertingStatus, GroupStatus, Health, RuleStatus};

const TIMEOUT_MIN: Duration = Duration::from_secs(10);
const TIMEOUT_MAX: Duration = Duration::from_secs(120);

/// What a group remembers between evaluations.
#[derive(Debug, Default)]
pub struct Memory {
    /// By the alarm's id.
    pub alerts: HashMap<String, AlertMemory>,
    /// By the rule's place, name and labels.
    recorded: HashMap<String, Written>,
    outcomes: HashMap<usize, Outcome>,
    evaluated: Option<(Timestamp, f64)>,
}

/// How a rule's last evaluation went.
#[derive(Debug)]
struct Outcome {
    error: Option<String>,
    at: Timestamp,
    took_s: f64,
}

/// Evaluates every rule of the group as of `now`.
pub async fn evaluate(context: &Context, plan: &GroupPlan, memory: &mut Memory, now: Timestamp) -> Result<(), LedgerError> {
    let offset = SignedDuration::try_from(plan.query_offset).unwrap_or(SignedDuration::ZERO);
    let at_ms = now.saturating_sub(offset).unwrap_or(now).as_millisecond();
    let queries = Queries { context, at_ms, timeout: plan.interval.clamp(TIMEOUT_MIN, TIMEOUT_MAX) };
    let group_timer = std::time::Instant::now();
    for (index, rule) in plan.rules.iter().enumerate() {
        let timer = std::time::Instant::now();
        let outcome = match rule {
            RulePlan::Recording(rule) => {
                let written = memory.recorded.entry(recording_key(index, rule)).or_default();
                evaluate::recording(rule, plan.limit, written, &queries).await
            }
            RulePlan::Alerting(alert) => {
                let alert_memory = memory.alerts.entry(alert.id.clone()).or_default();
                evaluate::alerting(alert, plan.limit, alert_memory, &queries, now).await?
            }
        };
        if let Err(error) = &outcome {
            tracing::warn!(group = plan.name, rule = name(rule), error, "a rule could not be evaluated");
        }
        memory.outcomes.insert(index, Outcome { error: outcome.err(), at: now, took_s: timer.elapsed().as_secs_f64() });
    }
    end_what_is_gone(context, plan, memory, at_ms).await;
    memory.evaluated = Some((now, group_timer.elapsed().as_secs_f64()));
    Ok(())
}

/// Ends the series of rules that the group no longer has, and forgets these rules.
async fn end_what_is_gone(context: &Context, plan: &GroupPlan, memory: &mut Memory, at_ms: i64) {
    let keys: HashSet<String> = plan.rules.iter().enumerate().map(|(index, rule)| match rule {
        RulePlan::Recording(rule) => recording_key(index, rule),
        RulePlan::Alerting(alert) => alert.id.clone(),
    }).collect();
    let recorded = memory.recorded.extract_if(|key, _| !keys.contains(key)).map(|(_, written)| written);
    let alerts = memory.alerts.extract_if(|id, _| !keys.contains(id)).map(|(_, alert)| alert.written);
    let gone = recorded.chain(alerts).collect();
    memory.outcomes.retain(|index, _| *index < plan.rules.len());
    end(context, gone, at_ms).await;
}

/// Ends all series that the group wrote.
pub async fn end_all(context: &Context, memory: Memory, at_ms: i64) {
    let written = memory.recorded.into_values().chain(memory.alerts.into_values().map(|alert| alert.written));
    end(context, written.collect(), at_ms).await;
}

/// Markers are a courtesy: without them the series end after PromQL's lookback.
async fn end(context: &Context, written: Vec<Written>, at_ms: i64) {
    let markers: Vec<_> = written.into_iter().flat_map(|mut written| written.replace(Vec::new(), at_ms)).collect();
    if !markers.is_empty()
        && let Err(error) = context.metrics.append(markers).await
    {
        tracing::warn!(%error, "the series of a removed rule could not be ended");
    }
}

/// Notes in an alarm's instance which incident it belongs to.
pub async fn attach(
    context: &Context,
    memory: &mut AlertMemory,
    labels: &BTreeMap<String, String>,
    incident: IncidentId,
) -> Result<(), LedgerError> {
    let mut record = match &memory.record {
        Some(record) => record.clone(),
        None => return Ok(()),
    };
    let Some(instance) = record.instances.iter_mut().find(|instance| instance.labels == *labels) else { return Ok(()) };
    if instance.incident == Some(incident) {
        return Ok(());
    }
    instance.incident = Some(incident);
    evaluate::commit(context, record::batch(&record, &[], context.clock.now())).await?;
    memory.stored = Some(record.clone());
    memory.record = Some(record);
    Ok(())
}

pub fn status(plan: &GroupPlan, memory: Option<&Memory>) -> GroupStatus {
    let rules = plan.rules.iter().enumerate().map(|(index, rule)| {
        let outcome = memory.and_then(|memory| memory.outcomes.get(&index));
        let (query, labels, alerting) = match rule {
            RulePlan::Recording(rule) => (rule.expr.clone(), rule.labels.clone(), None),
            RulePlan::Alerting(alert) => {
                let record = memory.and_then(|memory| memory.alerts.get(&alert.id)?.record.as_ref());
                (alert.rule.expr.clone(), alert.rule.labels.clone(), Some(alerting_status(alert, record)))
            }
        };
        RuleStatus {
            name: name(rule).to_owned(),
            query,
            alerting,
            labels,
            health: match outcome {
                None => Health::Unknown,
                Some(Outcome { error: None, .. }) => Health::Ok,
                Some(_) => Health::Error,
            },
            last_error: outcome.and_then(|outcome| outcome.error.clone()),
            evaluation_time_s: outcome.map_or(0.0, |outcome| outcome.took_s),
            last_evaluation: outcome.map(|outcome| outcome.at),
        }
    });
    let evaluated = memory.and_then(|memory| memory.evaluated);
    GroupStatus {
        name: plan.name.clone(),
        file: plan.file.clone(),
        interval: plan.interval,
        limit: plan.limit as u64,
        rules: rules.collect(),
        evaluation_time_s: evaluated.map_or(0.0, |(_, took_s)| took_s),
        last_evaluation: evaluated.map(|(at, _)| at),
    }
}

/// As the ledger has it, while another server evaluates.
pub fn alerting_status(alert: &AlertPlan, record: Option<&AlarmRecord>) -> AlertingStatus {
    let instances: Vec<AlarmInstance> = record.map(|record| record.instances.clone()).unwrap_or_default();
    AlertingStatus {
        id: alert.id.clone(),
        for_: alert.rule.for_,
        keep_firing_for: alert.rule.keep_firing_for,
        annotations: alert.rule.annotations.clone(),
        state: record.map_or(AlarmState::Inactive, |record| record.state),
        instances,
    }
}

fn name(rule: &RulePlan) -> &str {
    match rule {
        RulePlan::Recording(rule) => &rule.record,
        RulePlan::Alerting(alert) => &alert.rule.alert,
    }
}

fn recording_key(index: usize, rule: &documents::rules::RecordingRule) -> String {
    format!("{index};{};{:?}", rule.record, rule.labels)
}
