//! Game days: what is planned, what came of it, what was never tried.

use kernel::{EntityRef, RunId, Severity, Timestamp};
use ledger::{GameDayOutcome, GameDayResult, HypothesisVerdict, Run, Trial};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct GameDaySummary {
    pub name: String,
    pub title: String,
    pub goal: String,
    pub path: String,
    pub components: Vec<EntityRef>,
    /// Names, in the order in which they are played.
    pub experiments: Vec<String>,
    pub severity: Severity,
    pub schedule: Option<GameDayAppointment>,
    /// Under way or over.
    pub last_run: Option<Run>,
    /// Of the latest that has ended.
    pub last_outcome: Option<GameDayOutcome>,
    /// Every time that has ended, newest first.
    pub past: Vec<GameDayPast>,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct GameDayPast {
    pub run: RunId,
    pub began_at: Timestamp,
    pub result: GameDayResult,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct GameDayAppointment {
    pub start: Timestamp,
    pub duration_s: f64,
    /// Whether it starts by itself then.
    pub automatic: bool,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct GameDayDetail {
    #[serde(flatten)]
    pub summary: GameDaySummary,
    pub description: Option<String>,
    pub hypotheses: Vec<GameDayHypothesis>,
    pub participants: Vec<GameDayParticipant>,
    /// Names of alerts that end it at once.
    pub abort_when: Vec<String>,
    pub played: Vec<GameDayExperiment>,
    /// Newest first.
    pub outcomes: Vec<GameDayOutcome>,
    /// Newest first.
    pub runs: Vec<Run>,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct GameDayHypothesis {
    pub text: String,
    pub source: Option<String>,
    /// The experiment that decides it; all of them if absent.
    pub experiment: Option<String>,
    pub detect_within_s: Option<f64>,
    pub acknowledge_within_s: Option<f64>,
    pub mitigate_within_s: Option<f64>,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct GameDayParticipant {
    pub user: EntityRef,
    pub role: String,
}

/// An experiment of a game day, as it is written now.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct GameDayExperiment {
    pub name: String,
    pub title: String,
    /// Failure modes, e.g. `latency`.
    pub modes: Vec<String>,
    /// Whether somebody must approve it.
    pub production: bool,
}

/// Which failures of which components were tried.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Coverage {
    pub modes: Vec<CoverageMode>,
    pub components: Vec<CoverageComponent>,
    /// One for each component and each mode, by component, then by mode.
    pub cells: Vec<CoverageCell>,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CoverageMode {
    /// As a tag of an experiment names it.
    pub name: String,
    pub title: String,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CoverageComponent {
    pub reference: EntityRef,
    pub title: String,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CoverageCell {
    pub component: EntityRef,
    pub mode: String,
    /// Experiments that try it; empty if nobody has written one.
    pub experiments: Vec<String>,
    /// The latest try; null if it was never tried.
    pub last: Option<CoverageTry>,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CoverageTry {
    pub at: Timestamp,
    pub experiment: String,
    pub run: RunId,
    pub trial: Trial,
}

/// What a person says of a hypothesis.
#[derive(Debug, Clone, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct JudgeHypothesis {
    /// Among the document's hypotheses, from 0.
    pub hypothesis: usize,
    pub verdict: HypothesisVerdict,
    #[serde(default)]
    pub because: String,
}
