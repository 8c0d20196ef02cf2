//! Scenario scripts.

use ledger::Run;
use serde::Serialize;
use utoipa::ToSchema;

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ScenarioSummary {
    pub name: String,
    pub path: String,
    pub target: Option<String>,
    pub environments: Vec<String>,
    /// The names of its journeys.
    pub scenarios: Vec<String>,
    /// Of its load.
    pub phases: usize,
    pub last_run: Option<Run>,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ScenarioDetail {
    #[serde(flatten)]
    pub summary: ScenarioSummary,
    /// Newest first.
    pub runs: Vec<Run>,
}
