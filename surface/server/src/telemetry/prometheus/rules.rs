//! `rules` and `alerts`: how the alarms stood at their last evaluation.

use std::collections::BTreeMap;

use ::telemetry::promql::format_exponent;
use axum::extract::State;
use kernel::Timestamp;
use ledger::{AlarmInstance, AlarmState};
use operate::alarms::{GroupStatus, Health, RuleStatus};
use serde::Serialize;

use super::Api;
use super::answer::{Failure, Success};
use super::params::{Params, invalid};

#[derive(Serialize)]
pub struct Groups {
    groups: Vec<Group>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Group {
    name: String,
    file: String,
    rules: Vec<Rule>,
    /// Seconds.
    interval: f64,
    limit: u64,
    evaluation_time: f64,
    last_evaluation: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    #[serde(flatten)]
    alerting: Option<Alerting>,
    name: String,
    query: String,
    labels: BTreeMap<String, String>,
    health: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_error: Option<String>,
    evaluation_time: f64,
    last_evaluation: String,
    #[serde(rename = "type")]
    kind: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Alerting {
    state: &'static str,
    /// Seconds.
    duration: f64,
    keep_firing_for: f64,
    annotations: BTreeMap<String, String>,
    alerts: Vec<Alert>,
}

#[derive(Serialize)]
pub struct Alerts {
    alerts: Vec<Alert>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Alert {
    labels: BTreeMap<String, String>,
    annotations: BTreeMap<String, String>,
    state: &'static str,
    active_at: String,
    value: String,
}

pub async fn rules(State(api): State<Api>, params: Params) -> Result<Success<Groups>, Failure> {
    let filter = Filter::of(&params)?;
    let groups = api.rules.snapshot().into_iter().filter(|group| filter.takes_group(group)).map(|group| filter.group(group));
    // A group of which the filter leaves nothing says nothing.
    Ok(Success::of(Groups { groups: groups.filter(|group| !group.rules.is_empty() || filter.is_open()).collect() }))
}

pub async fn alerts(State(api): State<Api>) -> Success<Alerts> {
    let rules = api.rules.snapshot().into_iter().flat_map(|group| group.rules);
    let instances = rules.filter_map(|rule| rule.alerting).flat_map(|alerting| alerting.instances);
    Success::of(Alerts { alerts: instances.filter_map(alert).collect() })
}

struct Filter {
    alerting: Option<bool>,
    names: Vec<String>,
    groups: Vec<String>,
    files: Vec<String>,
    without_alerts: bool,
}

impl Filter {
    fn of(params: &Params) -> Result<Self, Failure> {
        let all = |name: &str| params.all(name).map(str::to_owned).collect();
        let alerting = match params.get("type") {
            None => None,
            Some("alert") => Some(true),
            Some("record") => Some(false),
            Some(other) => return Err(invalid("type", &format!("not supported value {other:?}"))),
        };
        let without_alerts = match params.get("exclude_alerts") {
            None => false,
            Some(text) => text.parse().map_err(|_| invalid("exclude_alerts", "it is neither true nor false"))?,
        };
        Ok(Self { alerting, names: all("rule_name[]"), groups: all("rule_group[]"), files: all("file[]"), without_alerts })
    }

    fn is_open(&self) -> bool {
        self.alerting.is_none() && self.names.is_empty()
    }

    fn takes_group(&self, group: &GroupStatus) -> bool {
        let takes = |wanted: &[String], is: &String| wanted.is_empty() || wanted.contains(is);
        takes(&self.groups, &group.name) && takes(&self.files, &group.file)
    }

    fn takes_rule(&self, rule: &RuleStatus) -> bool {
        self.alerting.is_none_or(|alerting| alerting == rule.alerting.is_some()) && (self.names.is_empty() || self.names.contains(&rule.name))
    }

    fn group(&self, group: GroupStatus) -> Group {
        Group {
            rules: group.rules.into_iter().filter(|rule| self.takes_rule(rule)).map(|rule| self.rule(rule)).collect(),
            name: group.name,
            file: group.file,
            interval: group.interval.as_secs_f64(),
            limit: group.limit,
            evaluation_time: group.evaluation_time_s,
            last_evaluation: time(group.last_evaluation),
        }
    }

    fn rule(&self, rule: RuleStatus) -> Rule {
        let alerting = rule.alerting.map(|alerting| Alerting {
            state: state(alerting.state),
            duration: alerting.for_.as_secs_f64(),
            keep_firing_for: alerting.keep_firing_for.as_secs_f64(),
            annotations: alerting.annotations,
            alerts: alerting.instances.into_iter().filter(|_| !self.without_alerts).filter_map(alert).collect(),
        });
        Rule {
            kind: if alerting.is_some() { "alerting" } else { "recording" },
            alerting,
            name: rule.name,
            query: rule.query,
            labels: rule.labels,
            health: match rule.health {
                Health::Unknown => "unknown",
                Health::Ok => "ok",
                Health::Error => "err",
            },
            last_error: rule.last_error,
            evaluation_time: rule.evaluation_time_s,
            last_evaluation: time(rule.last_evaluation),
        }
    }
}

/// Those that are pending or firing.
fn alert(instance: AlarmInstance) -> Option<Alert> {
    matches!(instance.state, AlarmState::Pending | AlarmState::Firing).then(|| Alert {
        labels: instance.labels,
        annotations: instance.annotations,
        state: state(instance.state),
        active_at: instance.active_at.to_string(),
        value: format_exponent(instance.value),
    })
}

/// Prometheus knows three states; what went wrong is in the rule's health.
fn state(state: AlarmState) -> &'static str {
    match state {
        AlarmState::Firing => "firing",
        AlarmState::Pending => "pending",
        AlarmState::Inactive | AlarmState::Resolved | AlarmState::NoData | AlarmState::Error => "inactive",
    }
}

/// Never is the first instant of the calendar, as Go writes it.
fn time(at: Option<Timestamp>) -> String {
    at.map_or_else(|| "0001-01-01T00:00:00Z".to_owned(), |at| at.to_string())
}
