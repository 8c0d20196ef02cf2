//! The catalogue: what there is, who owns it, and how it fares.

use std::collections::BTreeMap;

use kernel::{EntityRef, Impact, Timestamp};
use ledger::{AlarmRecord, AlarmState, Incident, Run};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct EntitySummary {
    pub reference: EntityRef,
    /// `Component`, `System`, `API`, `Resource`, `Group`, `User`, `Domain`, …
    pub kind: String,
    pub name: String,
    pub title: Option<String>,
    pub description: Option<String>,
    #[serde(rename = "type")]
    pub type_: Option<String>,
    pub lifecycle: Option<String>,
    pub owner: Option<EntityRef>,
    pub system: Option<EntityRef>,
    pub impact: Option<Impact>,
    /// From 1 (most important) to 4.
    pub tier: Option<u8>,
    pub tags: Vec<String>,
    /// The `service.name` of a component's telemetry.
    pub service: Option<String>,
    /// Of a component: the worst state of its alarms.
    pub alarm_state: Option<AlarmState>,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct EntityDetail {
    pub summary: EntitySummary,
    pub labels: BTreeMap<String, String>,
    pub annotations: BTreeMap<String, String>,
    pub links: Vec<EntityLink>,
    /// Both directions, by the names of Backstage's well-known relations.
    pub relations: Vec<Relation>,
    /// Who would lead an incident of it.
    pub commander: Option<EntityRef>,
    /// File, line and column of its document.
    pub origin: DocumentOrigin,
    pub alarms: Vec<AlarmRecord>,
    pub incidents: Vec<Incident>,
    pub runs: Vec<Run>,
    /// Names of the runbooks and playbooks that say they are for it.
    pub runbooks: Vec<String>,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct EntityLink {
    pub url: String,
    pub title: Option<String>,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Relation {
    /// `ownedBy`, `ownerOf`, `dependsOn`, `dependencyOf`, `partOf`, `hasPart`, …
    #[serde(rename = "type")]
    pub type_: String,
    pub target: EntityRef,
    /// Whether the catalogue has the target.
    pub known: bool,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct DocumentOrigin {
    pub path: String,
    pub line: u32,
    pub column: u32,
}

/// A window of time; the last hour if left out.
#[derive(Debug, Clone, Default, Deserialize, IntoParams, ToSchema)]
#[into_params(parameter_in = Query)]
pub struct Window {
    /// RFC 3339.
    #[param(value_type = Option<String>)]
    pub start: Option<Timestamp>,
    /// RFC 3339.
    #[param(value_type = Option<String>)]
    pub end: Option<Timestamp>,
}

/// Rate, errors and duration of a service, from its server and consumer spans, in equal steps.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct GoldenSignals {
    pub service: String,
    /// Length of a step.
    pub step_s: f64,
    /// Start of each step, in seconds since the epoch.
    pub time_s: Vec<f64>,
    /// Requests per second.
    pub rate: Vec<f64>,
    /// Failed requests per second.
    pub errors: Vec<f64>,
    /// Null where there were no requests.
    pub p50_ms: Vec<Option<f64>>,
    pub p95_ms: Vec<Option<f64>>,
    pub p99_ms: Vec<Option<f64>>,
}

/// Who calls whom, from the spans of a window.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ServiceMap {
    pub nodes: Vec<ServiceNode>,
    pub edges: Vec<ServiceEdge>,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ServiceNode {
    pub service: String,
    pub component: Option<EntityRef>,
    pub impact: Option<Impact>,
    pub alarm_state: Option<AlarmState>,
    /// Requests per second that it served.
    pub rate: f64,
    /// Between 0 and 1.
    pub error_ratio: f64,
    pub p95_ms: f64,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ServiceEdge {
    pub from: String,
    pub to: String,
    pub rate: f64,
    pub error_ratio: f64,
    pub p95_ms: f64,
    /// Through a queue rather than by a call.
    pub asynchronous: bool,
}
