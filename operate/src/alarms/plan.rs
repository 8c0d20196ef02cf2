//! The rules of the documents, made ready to be evaluated: ids given, labels merged, templates parsed.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use documents::rules::{AlertingRule, COMPONENT_LABEL, RecordingRule, Rule, RuleGroup, SEVERITY_LABEL};
use documents::Graph;
use kernel::EntityRef;

use super::selectors::{self, Selector};
use crate::template::{Template, TemplateError};

#[derive(Debug)]
pub struct GroupPlan {
    /// The file and the name, which are unique together.
    pub key: String,
    pub name: String,
    pub file: String,
    pub interval: Duration,
    pub query_offset: Duration,
    pub limit: usize,
    pub rules: Vec<RulePlan>,
}

#[derive(Debug)]
pub enum RulePlan {
    Recording(RecordingRule),
    Alerting(Arc<AlertPlan>),
}

#[derive(Debug)]
pub struct AlertPlan {
    /// As in [`ledger::AlarmRecord::id`].
    pub id: String,
    pub group: String,
    /// With the group's labels.
    pub rule: AlertingRule,
    pub labels: Vec<(String, Result<Template, TemplateError>)>,
    pub annotations: Vec<(String, Result<Template, TemplateError>)>,
    pub component: Option<EntityRef>,
    pub severity: Option<String>,
    pub selectors: Vec<Selector>,
    /// How far back a look at the expression should reach.
    pub window: Duration,
}

pub fn plans(graph: &Graph) -> Vec<GroupPlan> {
    let mut seen = HashMap::new();
    let canaries = crate::canaries::rules(graph);
    graph.rule_groups.iter().chain(&canaries).map(|group| plan(group, graph.workload.evaluation_interval, &mut seen)).collect()
}

fn plan(group: &RuleGroup, default_interval: Duration, seen: &mut HashMap<String, usize>) -> GroupPlan {
    let file = group.origin.path.clone();
    let rules = group.rules.iter().map(|rule| match rule {
        Rule::Recording(rule) => {
            RulePlan::Recording(RecordingRule { labels: merged(&group.labels, &rule.labels), ..rule.clone() })
        }
        Rule::Alerting(rule) => {
            let id = numbered(format!("{}/{}", group.name, rule.alert), seen);
            let rule = AlertingRule { labels: merged(&group.labels, &rule.labels), ..rule.clone() };
            RulePlan::Alerting(Arc::new(alert_plan(id, &group.name, rule)))
        }
    });
    GroupPlan {
        rules: rules.collect(),
        key: numbered(format!("{file};{}", group.name), seen),
        name: group.name.clone(),
        file,
        interval: group.interval.unwrap_or(default_interval).max(Duration::from_millis(1)),
        query_offset: group.query_offset,
        limit: usize::try_from(group.limit).unwrap_or(usize::MAX),
    }
}

fn alert_plan(id: String, group: &str, rule: AlertingRule) -> AlertPlan {
    let templates = |texts: &BTreeMap<String, String>| texts.iter().map(|(name, text)| (name.clone(), Template::parse(text))).collect();
    let literal = |label: &str| rule.labels.get(label).filter(|text| !text.contains("{{"));
    let selectors = selectors::selectors(&rule.expr);
    let reach = selectors.iter().map(Selector::reach).max().unwrap_or_default();
    AlertPlan {
        labels: templates(&rule.labels),
        annotations: templates(&rule.annotations),
        component: rule.component.clone().or_else(|| component(literal(COMPONENT_LABEL)?)),
        severity: literal(SEVERITY_LABEL).cloned(),
        window: reach.max(selectors::LOOKBACK) + rule.for_,
        selectors,
        group: group.to_owned(),
        id,
        rule,
    }
}

pub fn component(text: &str) -> Option<EntityRef> {
    EntityRef::parse_with_default_kind(text, "component").ok()
}

fn merged(group: &BTreeMap<String, String>, rule: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    group.iter().chain(rule).map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// The n-th of a name is `name~n`.
fn numbered(name: String, seen: &mut HashMap<String, usize>) -> String {
    let count = seen.entry(name.clone()).or_default();
    *count += 1;
    if *count == 1 { name } else { format!("{name}~{count}") }
}
