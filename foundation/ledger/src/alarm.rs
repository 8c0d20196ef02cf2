//! Alarms as last judged, with the evidence.

use std::collections::BTreeMap;

use kernel::{EntityRef, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum AlarmState {
    Inactive,
    /// The condition holds, but not yet for the rule's `for`.
    Pending,
    Firing,
    /// Was firing; the condition no longer holds.
    Resolved,
    /// The query names series that do not exist.
    NoData,
    /// The query could not be evaluated.
    Error,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum QueryLanguage {
    Promql,
    Sql,
}

/// The query behind a verdict, its window and its result: anyone can open it again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Evidence {
    pub language: QueryLanguage,
    pub query: String,
    pub start: Timestamp,
    pub end: Timestamp,
    /// What the query answered then, at most a few kilobytes.
    pub result: serde_json::Value,
}

/// The answer of a judgement at an instant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Verdict {
    pub state: AlarmState,
    pub at: Timestamp,
    pub evidence: Evidence,
}

/// One rule and its instances, one per label set that the expression returned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AlarmRecord {
    /// `group/alert`, unique; the n-th rule of the same name in a group is `group/alert~n`.
    pub id: String,
    pub group: String,
    pub name: String,
    pub expression: String,
    pub component: Option<EntityRef>,
    /// The `severity` label of the rule.
    pub severity: Option<String>,
    /// The runbook that the rule names.
    pub runbook: Option<String>,
    /// The worst of the instances, or of the evaluation itself.
    pub state: AlarmState,
    /// Since when it is in this state.
    pub since: Timestamp,
    pub error: Option<String>,
    pub instances: Vec<AlarmInstance>,
    pub verdict: Option<Verdict>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AlarmInstance {
    pub labels: BTreeMap<String, String>,
    pub annotations: BTreeMap<String, String>,
    pub state: AlarmState,
    /// The value that the expression returned last. JSON has no name for what is not finite: there it
    /// is the string `NaN`, `+Inf` or `-Inf`, as Prometheus writes it.
    #[serde(with = "sample_value")]
    pub value: f64,
    pub active_at: Timestamp,
    pub fired_at: Option<Timestamp>,
    pub resolved_at: Option<Timestamp>,
    /// The last instant at which the condition held; `keep_firing_for` counts from here.
    pub last_true_at: Timestamp,
    /// The active incident it belongs to, once a rule opened or attached one.
    pub incident: Option<kernel::IncidentId>,
}

mod sample_value {
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
        match *value {
            value if value.is_finite() => serializer.serialize_f64(value),
            value if value.is_nan() => serializer.serialize_str("NaN"),
            value if value > 0.0 => serializer.serialize_str("+Inf"),
            _ => serializer.serialize_str("-Inf"),
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Number(f64),
            Text(String),
        }
        match Written::deserialize(deserializer)? {
            Written::Number(value) => Ok(value),
            Written::Text(text) => text.parse().map_err(serde::de::Error::custom),
        }
    }
}
