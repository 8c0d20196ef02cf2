//! Chaos experiments.

use ledger::Run;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ExperimentSummary {
    pub name: String,
    pub title: String,
    pub description: String,
    pub tags: Vec<String>,
    pub path: String,
    pub last_run: Option<Run>,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ExperimentDetail {
    #[serde(flatten)]
    pub summary: ExperimentSummary,
    /// As written.
    pub document: Value,
    /// Newest first.
    pub runs: Vec<Run>,
}
