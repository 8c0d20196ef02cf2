//! Runs: durable executions of something a document describes.

use std::collections::BTreeMap;
use std::fmt;

use kernel::{EntityRef, IncidentId, RunId, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Who did it: a person (`user:default/jo`), a rule (`rule:open-incident`), or Mainstay itself (`system`).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct Actor(pub String);

impl Actor {
    pub fn system() -> Self {
        Self("system".to_owned())
    }

    pub fn rule(name: &str) -> Self {
        Self(format!("rule:{name}"))
    }

    pub fn user(reference: &EntityRef) -> Self {
        Self(reference.to_string())
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum RunKind {
    Runbook,
    Playbook,
    /// A scenario, once as a test or at a rate.
    Scenario,
    /// A chaos experiment.
    Experiment,
    /// A game day: a practice incident and its experiments, each a run of its own.
    GameDay,
    /// A new version on its way through the environments of a component.
    Deployment,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum RunStatus {
    /// Asked for; no executor has taken it yet.
    Requested,
    Running,
    /// At a step that waits for approval or for a person's decision.
    Waiting,
    /// Its executor died within a step that may not be repeated unasked.
    Interrupted,
    Succeeded,
    Failed,
    Cancelled,
}

impl RunStatus {
    pub fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled)
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Run {
    pub id: RunId,
    pub kind: RunKind,
    /// The document's name.
    pub document: String,
    pub title: String,
    /// Hash of the document's text when the run was requested; a run keeps to what was approved.
    pub document_digest: String,
    pub status: RunStatus,
    pub initiator: Actor,
    pub incident: Option<IncidentId>,
    pub component: Option<EntityRef>,
    pub parameters: BTreeMap<String, String>,
    /// What the steps handed out, by name.
    pub outputs: BTreeMap<String, String>,
    pub requested_at: Timestamp,
    pub started_at: Option<Timestamp>,
    pub finished_at: Option<Timestamp>,
    /// The run is cancelled when this passes.
    pub deadline: Option<Timestamp>,
    /// Why it failed, was cancelled or was interrupted.
    pub error: Option<String>,
    pub cancel_requested: bool,
    /// Grows with each change; a write against an older revision is refused.
    pub revision: i64,
}

impl Run {
    /// Whether a canary asked for it: there are many of those, each like the last.
    pub fn is_routine(&self) -> bool {
        self.initiator.0.starts_with(CANARY)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum StepStatus {
    Pending,
    Running,
    Waiting,
    Interrupted,
    Succeeded,
    Failed,
    Skipped,
    Cancelled,
}

/// One step of a run; all steps exist from the moment of the request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Step {
    pub run: RunId,
    /// From 0, in the order of execution.
    pub index: u32,
    pub name: String,
    /// The language of a runbook's cell: `bash`, `python`, `sql`, `promql`, …; or `scenario`, `experiment`, `game-day`.
    pub language: String,
    pub source: String,
    pub status: StepStatus,
    /// How often it was begun.
    pub attempt: u32,
    pub started_at: Option<Timestamp>,
    pub finished_at: Option<Timestamp>,
    pub exit_code: Option<i32>,
    pub error: Option<String>,
    pub approval: Option<Approval>,
}

/// A gate before a step. Bound to the digest of what is approved; never given by the one who asked.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Approval {
    /// Who may approve: entity references of users and groups; empty means anyone but the initiator.
    pub approvers: Vec<EntityRef>,
    /// How many must.
    pub needed: u32,
    pub reason: Option<String>,
    pub expires_at: Option<Timestamp>,
    pub approved_by: Vec<Actor>,
    pub rejected_by: Option<Actor>,
    /// Hash of the step's source and the run's parameters when the approval was asked for.
    pub digest: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum OutputKind {
    Stdout,
    Stderr,
    /// `data` is a JSON `Table`.
    Table,
    /// `data` is the JSON result of a PromQL query, with its expression and window.
    Chart,
    /// A line of Mainstay's own.
    Note,
    /// `data` is a JSON report of a scenario or an experiment; a later one of the same step takes its place.
    Report,
}

/// A piece of a step's output, in the order in which it came.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct OutputChunk {
    pub run: RunId,
    pub step: u32,
    /// Grows by one within the run; given by the writer.
    pub sequence: i64,
    pub kind: OutputKind,
    pub time: Timestamp,
    pub data: String,
}

/// How the actor of a canary begins; its name follows.
pub const CANARY: &str = "canary:";

/// Which runs to read, newest first. Fields that are empty do not restrict.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RunFilter {
    pub statuses: Vec<RunStatus>,
    pub document: Option<String>,
    pub incident: Option<IncidentId>,
    pub component: Option<EntityRef>,
    /// Only those that canaries asked for, or only the others.
    pub routine: Option<bool>,
    /// Only those that were requested before this.
    pub before: Option<Timestamp>,
    /// At most this many; 200 if absent.
    pub limit: Option<u32>,
}
