//! The alarms of canaries: a judgement is a query, so each canary is one more alerting rule.

use std::collections::BTreeMap;
use std::time::Duration;

use documents::Graph;
use documents::canary::{Canary, CanaryCheck};
use documents::rules::{AlertingRule, COMPONENT_LABEL, Rule, RuleGroup};
use documents::schedule::Schedule;
use kernel::{Timestamp, format_duration};

pub const GROUP: &str = "canaries";
pub const ALERT: &str = "CanaryFailing";

/// One group for each canary, so that none waits for another.
pub fn rules(graph: &Graph) -> Vec<RuleGroup> {
    graph.canaries.values().filter(|canary| canary.enabled).map(group).collect()
}

fn group(canary: &Canary) -> RuleGroup {
    let rule = AlertingRule {
        alert: ALERT.to_owned(),
        expr: expression(canary),
        for_: Duration::ZERO,
        keep_firing_for: Duration::ZERO,
        labels: labels(canary),
        annotations: BTreeMap::from([("summary".to_owned(), summary(canary))]),
        component: canary.component.clone(),
        runbook: None,
        origin: canary.origin.clone(),
    };
    RuleGroup {
        name: format!("{GROUP}/{}", canary.name),
        interval: None,
        query_offset: Duration::ZERO,
        limit: 0,
        labels: BTreeMap::new(),
        rules: vec![Rule::Alerting(rule)],
        origin: canary.origin.clone(),
    }
}

fn expression(canary: &Canary) -> String {
    let success = format!("probe_success{{canary={:?}}}", canary.name);
    match &canary.check {
        CanaryCheck::Heartbeat { every, grace } => format!("absent_over_time({success}[{}])", format_duration(*every + *grace)),
        _ => {
            let window = format_duration(window(canary));
            format!("count_over_time({success}[{window}]) - sum_over_time({success}[{window}]) >= {}", canary.alarm.failures)
        }
    }
}

/// Long enough for as many runs as the alarm looks at, however late each begins.
fn window(canary: &Canary) -> Duration {
    let period = canary.schedule.as_ref().map(period).unwrap_or_default();
    period * canary.alarm.of + canary.jitter
}

/// Of a cron expression, the shortest among its next times.
fn period(schedule: &Schedule) -> Duration {
    const LOOKED_AT: usize = 8;
    if let Some(period) = schedule.period() {
        return period;
    }
    let times: Vec<Timestamp> = std::iter::successors(schedule.next(Timestamp::UNIX_EPOCH), |last| schedule.next(*last)).take(LOOKED_AT).collect();
    let gaps = times.windows(2).filter_map(|pair| Duration::try_from(pair[1].duration_since(pair[0])).ok());
    gaps.min().unwrap_or(Duration::from_secs(3600))
}

fn labels(canary: &Canary) -> BTreeMap<String, String> {
    let mut labels = BTreeMap::from([("canary".to_owned(), canary.name.clone())]);
    if let Some(component) = &canary.component {
        labels.insert(COMPONENT_LABEL.to_owned(), component.to_string());
    }
    labels
}

fn summary(canary: &Canary) -> String {
    let title = canary.title.as_deref().unwrap_or(&canary.name);
    match &canary.check {
        CanaryCheck::Heartbeat { every, grace } => {
            format!("{title} did not call in for {}", format_duration(*every + *grace))
        }
        _ => format!("{title} failed at least {} of {} times at {{{{ $labels.location }}}}", canary.alarm.failures, canary.alarm.of),
    }
}
