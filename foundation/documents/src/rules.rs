//! Prometheus rule groups. Source: Prometheus, "Defining recording rules" and "Alerting rules".

use std::collections::BTreeMap;
use std::time::Duration;

use kernel::EntityRef;
use serde::Serialize;

use crate::codes;
use crate::diagnostic::{Level, Origin};
use crate::findings::Space;
use crate::kinds::{Document, Reading};
use crate::schema;
use crate::source::{Home, Node};

/// The label of an alerting rule that names the component it watches.
pub const COMPONENT_LABEL: &str = "component";
/// The label that says how urgent it is, e.g. `page` or `ticket`.
pub const SEVERITY_LABEL: &str = "severity";
/// The annotation that names the runbook.
pub const RUNBOOK_ANNOTATION: &str = "runbook";

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RuleGroup {
    pub name: String,
    /// The workload's `evaluationInterval` if absent.
    pub interval: Option<Duration>,
    /// Evaluated this far in the past.
    pub query_offset: Duration,
    /// More alerts or series than this fail a rule; 0 is no limit.
    pub limit: u64,
    /// Added to every rule's labels unless the rule says otherwise.
    pub labels: BTreeMap<String, String>,
    pub rules: Vec<Rule>,
    pub origin: Origin,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Rule {
    Alerting(AlertingRule),
    Recording(RecordingRule),
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AlertingRule {
    pub alert: String,
    pub expr: String,
    pub for_: Duration,
    pub keep_firing_for: Duration,
    pub labels: BTreeMap<String, String>,
    /// May hold `{{ … }}`.
    pub annotations: BTreeMap<String, String>,
    /// From [`COMPONENT_LABEL`], if it is literal.
    pub component: Option<EntityRef>,
    pub runbook: Option<String>,
    pub origin: Origin,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RecordingRule {
    pub record: String,
    pub expr: String,
    pub labels: BTreeMap<String, String>,
    pub origin: Origin,
}

pub(crate) fn read(tree: &Node, reading: &mut Reading<'_>) {
    reading.findings.home = Home::default();
    schema::RULES.check(tree, &mut reading.findings, reading.promql);
    for group in tree.get("groups").map(Node::items).unwrap_or_default() {
        let Some(name) = group.get("name") else { continue };
        let shown = name.text().unwrap_or_default();
        // Prometheus asks for unique names within a file only.
        let key = format!("{}\n{shown}", reading.findings.path());
        reading.findings.declare(Space::RuleGroup, key, shown, name.span);
        let rules: Vec<Rule> = group
            .get("rules")
            .map(Node::items)
            .unwrap_or_default()
            .iter()
            .filter_map(|rule| read_rule(rule, group, reading))
            .collect();
        if let Some(group) = decode_group(group, rules, reading) {
            reading.documents.push(Document::RuleGroup(group));
        }
    }
}

/// An error in a rule leaves out that rule; an error of the group itself leaves out the group.
fn decode_group(group: &Node, rules: Vec<Rule>, reading: &Reading<'_>) -> Option<RuleGroup> {
    let own_fault = group.entries().iter().any(|(key, value)| {
        key.text() != Some("rules") && (reading.findings.broken(key) || reading.findings.broken(value))
    });
    if own_fault {
        return None;
    }
    Some(RuleGroup {
        name: group.owned("name")?,
        interval: group.duration("interval"),
        query_offset: group.duration("query_offset").unwrap_or_default(),
        limit: group.get("limit").and_then(Node::integer).and_then(|limit| limit.try_into().ok()).unwrap_or(0),
        labels: group.text_map("labels"),
        rules,
        origin: reading.findings.origin(group.span),
    })
}

fn read_rule(rule: &Node, group: &Node, reading: &mut Reading<'_>) -> Option<Rule> {
    let rule_of = match (rule.get("alert"), rule.get("record")) {
        (Some(alert), None) => {
            read_alert(rule, alert, group, reading);
            decode_alert(rule, group, reading).map(Rule::Alerting)
        }
        (None, Some(record)) => {
            for field in ["for", "keep_firing_for", "annotations"] {
                if let Some((key, _)) = rule.entry(field) {
                    reading.findings.error(codes::UNKNOWN_FIELD, key.span, format!("a recording rule has no `{field}`"), None);
                }
            }
            decode_recording(rule, record, reading).map(Rule::Recording)
        }
        (alert, _) => {
            let message = if alert.is_some() { "a rule has `alert` or `record`, not both" } else { "a rule needs `alert` or `record`" };
            let span = rule.entries().first().map_or(rule.span, |(key, _)| key.span);
            reading.findings.error(codes::MISSING_FIELD, span, message, None);
            None
        }
    };
    rule_of.filter(|_| !reading.findings.broken(rule))
}

/// Alerts are told apart by name and labels. Several of one name are fine if their labels differ.
fn read_alert(rule: &Node, alert: &Node, group: &Node, reading: &mut Reading<'_>) {
    let name = alert.text().unwrap_or_default();
    let mut labels = group.text_map("labels");
    labels.extend(rule.text_map("labels"));
    reading.findings.declare(Space::Alert, format!("{name}{labels:?}"), name, alert.span);
    reading.findings.declare(Space::AlertName, name, name, alert.span);
    let component = rule.at(&["labels", COMPONENT_LABEL]).or_else(|| group.at(&["labels", COMPONENT_LABEL]));
    let Some(component) = component else { return };
    let text = component.text().unwrap_or_default();
    if text.contains("{{") {
        return;
    }
    match reading.findings.home.resolve(text, Some("component")) {
        Ok(reference) => reading.findings.refer(Level::Error, Space::Entity, reference.to_string(), component.span),
        Err(error) => reading.findings.error(codes::WRONG_REFERENCE, component.span, error.to_string(), None),
    }
}

fn decode_alert(rule: &Node, group: &Node, reading: &Reading<'_>) -> Option<AlertingRule> {
    let labels = rule.text_map("labels");
    let annotations = rule.text_map("annotations");
    let literal = |text: &&String| !text.contains("{{");
    let shared = group.text_map("labels");
    let component = labels.get(COMPONENT_LABEL).or_else(|| shared.get(COMPONENT_LABEL));
    Some(AlertingRule {
        alert: rule.owned("alert")?,
        expr: rule.owned("expr")?,
        for_: rule.duration("for").unwrap_or_default(),
        keep_firing_for: rule.duration("keep_firing_for").unwrap_or_default(),
        component: component.filter(literal).and_then(|text| Home::default().resolve(text, Some("component")).ok()),
        runbook: annotations.get(RUNBOOK_ANNOTATION).filter(literal).filter(|text| !text.contains("://")).cloned(),
        labels,
        annotations,
        origin: reading.findings.origin(rule.span),
    })
}

fn decode_recording(rule: &Node, record: &Node, reading: &Reading<'_>) -> Option<RecordingRule> {
    Some(RecordingRule {
        record: record.text()?.to_owned(),
        expr: rule.owned("expr")?,
        labels: rule.text_map("labels"),
        origin: reading.findings.origin(rule.span),
    })
}
