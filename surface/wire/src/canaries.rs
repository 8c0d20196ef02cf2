//! Canaries and what they saw.

use kernel::{EntityRef, RunId, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CanarySummary {
    pub name: String,
    pub title: Option<String>,
    pub component: Option<EntityRef>,
    /// What is checked, in a few words: `GET https://…`, `the scenario checkout`.
    pub check: String,
    /// When, in a few words: `every 60s`, `*/5 * * * * Europe/Berlin`.
    pub schedule: Option<String>,
    pub locations: Vec<String>,
    pub enabled: bool,
    /// The file that it is written in.
    pub path: String,
    /// The alarm fires after this many failures …
    pub failures: u32,
    /// … of this many runs.
    pub of: u32,
    /// Newest first; at most 30.
    pub looks: Vec<CanaryLook>,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CanaryLook {
    pub time: Timestamp,
    pub location: Option<String>,
    pub passed: bool,
    /// Why it failed.
    pub error: Option<String>,
    /// Seconds.
    pub duration_s: Option<f64>,
    /// Of a scenario.
    pub run: Option<RunId>,
}

/// What a job says that calls in.
#[derive(Debug, Clone, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Heartbeat {
    /// Why the job failed, if it did.
    pub error: Option<String>,
}

/// What a runner saw from its location.
#[derive(Debug, Clone, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TellLook {
    pub location: String,
    /// Why it failed; it passed if absent.
    pub error: Option<String>,
    /// Seconds.
    pub duration_s: f64,
    /// Further figures, named as Prometheus's blackbox exporter names them.
    #[serde(default)]
    pub readings: Vec<LookReading>,
    /// Of a scenario.
    pub played: Option<PlayedScenario>,
}

#[derive(Debug, Clone, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LookReading {
    /// It begins with `probe_`.
    pub name: String,
    #[serde(default)]
    pub labels: std::collections::BTreeMap<String, String>,
    pub value: f64,
}

/// A test that a canary has played.
#[derive(Debug, Clone, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlayedScenario {
    /// SHA-256 of the script.
    pub digest: String,
    pub lines: Vec<String>,
    /// As a run of this server writes it.
    #[schema(value_type = Object)]
    pub report: serde_json::Value,
    /// What tells of a failure: at most ten, of together 8 MiB and 4 MiB each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<crate::runs::SentAttachment>,
}
