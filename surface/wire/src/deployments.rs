//! Deployments: what goes where, and what people say of it.

use kernel::{EntityRef, RunId, Timestamp};
use ledger::{Actor, Run};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DeploymentSummary {
    pub name: String,
    pub title: String,
    pub component: EntityRef,
    /// The document, below the folder.
    pub path: String,
    /// In the order in which a version passes through them.
    pub environments: Vec<DeploymentEnvironment>,
    pub freezes: Vec<DeploymentFreeze>,
    /// Users and groups who may promote, pause, resume, cancel and retry; empty if anybody may.
    pub operators: Vec<EntityRef>,
    /// The newest.
    pub last_run: Option<Run>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DeploymentEnvironment {
    pub name: String,
    /// Of its strategy; `AllAtOnce` and the like, or the kind of the document's own.
    pub strategy: String,
    /// How long the shift takes with its bake time.
    pub takes_s: f64,
    pub gates: Vec<String>,
    pub alarms: Vec<String>,
    /// The version that has all traffic; null if none has arrived yet.
    pub version: Option<String>,
    pub arrived_at: Option<Timestamp>,
    pub arrived_by: Option<RunId>,
}

/// A time in which nothing begins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DeploymentFreeze {
    pub start: Timestamp,
    pub end: Timestamp,
    pub reason: String,
}

/// Whether anything may be deployed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DeploymentSwitch {
    pub stopped: bool,
    /// Why it was stopped.
    pub reason: Option<String>,
    /// Who stopped it.
    pub by: Option<Actor>,
    pub since: Option<Timestamp>,
}

/// What a person does with the switch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SwitchDeployments {
    pub stopped: bool,
    /// Why it is switched.
    pub reason: Option<String>,
}

/// What a person does with a shift under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ShiftAction {
    /// Stay at the weight; alarms are still watched.
    Pause,
    Resume,
    /// End the wait of the step.
    Promote,
}
