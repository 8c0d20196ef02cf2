//! Post-mortems and the actions that come out of them.

use kernel::{ActionId, EntityRef, IncidentId, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A draft in the workload's repository.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Postmortem {
    pub incident: IncidentId,
    pub title: String,
    /// Of the Markdown file, below the repository's root.
    pub path: String,
    pub drafted_at: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ActionStatus {
    Open,
    Done,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Action {
    pub id: ActionId,
    pub incident: IncidentId,
    pub title: String,
    pub owner: Option<EntityRef>,
    pub status: ActionStatus,
    pub created_at: Timestamp,
    pub done_at: Option<Timestamp>,
}
