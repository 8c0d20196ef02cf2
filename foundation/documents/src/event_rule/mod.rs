//! Event rules: an EventBridge pattern over CloudEvents, with the targets that an event requests.

pub mod pattern;

use std::collections::BTreeMap;

use kernel::Severity;
use serde::Serialize;

use crate::Origin;
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
