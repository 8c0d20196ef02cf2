//! Event rules: an EventBridge pattern over CloudEvents, with the targets that an event requests.

pub mod pattern;

use std::collections::BTreeMap;

use kernel::Severity;
use serde::Serialize;

use crate::codes;
use crate::diagnostic::Origin;
use crate::findings::Space;
use crate::kinds::{Document, Reading};
use crate::schema;
use crate::source::{Home, Node};
pub use pattern::Pattern;

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EventRule {
    pub name: String,
    pub description: Option<String>,
    pub pattern: Pattern,
    /// In order; a run that follows an incident is attached to it.
    pub targets: Vec<Target>,
    pub enabled: bool,
    pub origin: Origin,
}

/// Text fields may hold `{{ path }}`: a dotted path into the event's JSON, e.g. `{{ data.labels.component }}`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Target {
    Incident(IncidentTarget),
    Run(RunTarget),
    Notify(NotifyTarget),
}

/// Opens an incident, or attaches the event to the active one of the same fingerprint.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct IncidentTarget {
    pub title: String,
    pub summary: Option<String>,
    /// From the component's business impact if absent.
    pub severity: Option<Severity>,
    /// The component; `{{ data.component }}` if absent.
    pub component: Option<String>,
    /// The component and the rule's name if absent.
    pub fingerprint: Option<String>,
    /// When the event that matches is an alarm: resolve the incident once all its alarms are.
    pub resolve_with_alarm: bool,
}

/// Requests a run of a document.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunTarget {
    pub document: String,
    pub parameters: BTreeMap<String, String>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NotifyTarget {
    pub channel: NotifyChannel,
    /// A URL, or `env:NAME` for the environment variable that holds it.
    pub url: String,
    pub headers: BTreeMap<String, String>,
    /// The message; the event itself (webhook) or a short summary (Slack) if absent.
    pub text: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum NotifyChannel {
    Webhook,
    Slack,
}

pub(crate) fn read(tree: &Node, reading: &mut Reading<'_>) {
    reading.findings.home = Home::default();
    schema::EVENT_RULE.check(tree, &mut reading.findings, reading.promql);
    if let Some(name) = tree.at(&["metadata", "name"]) {
        let text = name.text().unwrap_or_default();
        reading.findings.declare(Space::EventRule, text, text, name.span);
    }
    let pattern = tree.at(&["spec", "pattern"]).and_then(|pattern| compile(pattern, reading));
    let rule = pattern.and_then(|pattern| decode(tree, pattern, reading.findings.origin(tree.span)));
    reading.keep(tree, rule.map(Document::EventRule));
}

/// The pattern's own error says where in the pattern it lies.
fn compile(pattern: &Node, reading: &mut Reading<'_>) -> Option<Pattern> {
    match Pattern::compile(pattern.to_json()) {
        Ok(compiled) => Some(compiled),
        Err(error) => {
            let mut span = pattern.span_of(&error.path);
            if error.path.is_empty() {
                span.length = 1;
            }
            const MANUAL: &str = "see https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html";
            let mend = error.mend.clone().unwrap_or_else(|| MANUAL.to_owned());
            reading.findings.error(codes::PATTERN, span, error.to_string(), mend);
            None
        }
    }
}

fn decode(tree: &Node, pattern: Pattern, origin: Origin) -> Option<EventRule> {
    let metadata = tree.get("metadata")?;
    let spec = tree.get("spec")?;
    let targets: Option<Vec<Target>> = spec.get("targets")?.items().iter().map(target).collect();
    Some(EventRule {
        name: metadata.owned("name")?,
        description: metadata.owned("description"),
        pattern,
        targets: targets?,
        enabled: spec.get("enabled").and_then(Node::flag).unwrap_or(true),
        origin,
    })
}

fn target(node: &Node) -> Option<Target> {
    if let Some(incident) = node.get("incident") {
        return Some(Target::Incident(IncidentTarget {
            title: incident.owned("title")?,
            summary: incident.owned("summary"),
            severity: incident.get("severity").and_then(Node::text).and_then(severity),
            component: incident.owned("component"),
            fingerprint: incident.owned("fingerprint"),
            resolve_with_alarm: incident.get("resolveWithAlarm").and_then(Node::flag).unwrap_or(false),
        }));
    }
    if let Some(run) = node.get("run") {
        return Some(Target::Run(RunTarget { document: run.owned("document")?, parameters: run.text_map("parameters") }));
    }
    let notify = node.get("notify")?;
    let (channel, message) = match (notify.get("slack"), notify.get("webhook")) {
        (Some(slack), _) => (NotifyChannel::Slack, slack),
        (None, webhook) => (NotifyChannel::Webhook, webhook?),
    };
    Some(Target::Notify(NotifyTarget {
        channel,
        url: message.owned("url")?,
        headers: message.text_map("headers"),
        text: message.owned("text"),
    }))
}

fn severity(text: &str) -> Option<Severity> {
    [Severity::Sev1, Severity::Sev2, Severity::Sev3, Severity::Sev4, Severity::Sev5]
        .into_iter()
        .find(|severity| severity.as_str() == text)
}
