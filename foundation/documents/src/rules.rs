//! Prometheus rule groups. Source: Prometheus, "Defining recording rules" and "Alerting rules".

use std::collections::BTreeMap;
use std::time::Duration;

use kernel::EntityRef;
use serde::Serialize;

use crate::Origin;

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
