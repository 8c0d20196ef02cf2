//! Runs and the documents they execute.

use std::collections::BTreeMap;

use kernel::{EntityRef, IncidentId, Timestamp};
use ledger::{OutputChunk, Run, RunKind, Step};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

#[derive(Debug, Clone, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RequestRun {
    /// The name of a runbook, playbook, scenario or experiment.
    pub document: String,
    #[serde(default)]
    pub parameters: BTreeMap<String, String>,
    pub incident: Option<IncidentId>,
    pub component: Option<EntityRef>,
    /// A second request with the same key returns the first one's run.
    pub key: Option<String>,
}

/// A run that took place elsewhere and is over.
#[derive(Debug, Clone, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordRun {
    /// `scenario` or `experiment`.
    pub kind: RunKind,
    /// The document's name.
    pub document: String,
    /// The document's name if absent.
    pub title: Option<String>,
    /// SHA-256 of the document.
    #[serde(default)]
    pub digest: String,
    #[serde(default)]
    pub parameters: BTreeMap<String, String>,
    pub started_at: Timestamp,
    pub finished_at: Timestamp,
    /// Why it failed; it succeeded if absent.
    pub error: Option<String>,
    #[serde(default)]
    pub outputs: BTreeMap<String, String>,
    /// What it told people.
    #[serde(default)]
    pub lines: Vec<String>,
    /// As a run of this server writes it, with its kind in `report`.
    #[schema(value_type = Object)]
    pub report: serde_json::Value,
    /// Pictures and records, told in the report: at most ten, of together 8 MiB and 4 MiB each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<SentAttachment>,
}

/// A file that a run left behind.
#[derive(Debug, Clone, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SentAttachment {
    /// As the report tells it, from 0 on.
    pub number: i64,
    pub name: String,
    /// e.g. `image/png`
    pub media_type: String,
    /// In Base64.
    pub data: String,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RunDetail {
    pub run: Run,
    pub steps: Vec<Step>,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RunOutput {
    pub chunks: Vec<OutputChunk>,
    /// Ask again with `after` = this.
    pub next: i64,
}

/// How to go on with an interrupted run.
#[derive(Debug, Clone, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResumeRun {
    pub from: ResumeFrom,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ResumeFrom {
    /// Begin the interrupted step again.
    Repeat,
    /// Leave it and go on with the next.
    Skip,
}

#[derive(Debug, Clone, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Approve {
    /// The index of the step that waits.
    pub step: u32,
    /// The digest shown with the request; a changed step is not approved unseen.
    pub digest: String,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RunbookSummary {
    pub name: String,
    pub title: String,
    pub kind: RunKind,
    pub description: Option<String>,
    pub owner: Option<EntityRef>,
    pub component: Option<EntityRef>,
    pub cells: usize,
    pub last_run: Option<Run>,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RunbookDetail {
    pub summary: RunbookSummary,
    pub parameters: Vec<RunbookParameter>,
    /// The document as it is written.
    pub markdown: String,
    pub path: String,
    pub runs: Vec<Run>,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RunbookParameter {
    pub name: String,
    pub description: Option<String>,
    pub default: Option<String>,
    pub required: bool,
    pub allowed: Vec<String>,
}
