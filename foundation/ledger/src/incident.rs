//! Incidents: a group of events and runs with a commander, roles, a severity and a timeline.

use std::collections::BTreeMap;

use kernel::{EntityRef, IncidentId, Severity, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum IncidentStatus {
    Open,
    Acknowledged,
    /// The harm has stopped; the cause may remain.
    Mitigated,
    Resolved,
}

impl IncidentStatus {
    pub fn is_active(self) -> bool {
        self != Self::Resolved
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    Deputy,
    Scribe,
    SubjectMatterExpert,
    CustomerLiaison,
    InternalLiaison,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Incident {
    pub id: IncidentId,
    pub title: String,
    pub summary: String,
    pub severity: Severity,
    pub status: IncidentStatus,
    pub commander: Option<EntityRef>,
    pub roles: BTreeMap<Role, EntityRef>,
    pub components: Vec<EntityRef>,
    /// Of a game day: led as a real one, but left out wherever real trouble is counted.
    #[serde(default)]
    pub practice: bool,
    /// What a second report of the same trouble has in common; at most one active incident has it.
    pub fingerprint: Option<String>,
    pub opened_at: Timestamp,
    pub acknowledged_at: Option<Timestamp>,
    pub mitigated_at: Option<Timestamp>,
    pub resolved_at: Option<Timestamp>,
    /// Grows with each change; a write against an older revision is refused. 0 before the first write.
    pub revision: i64,
}

/// Which incidents to read, newest first. Fields that are empty do not restrict.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct IncidentFilter {
    pub statuses: Vec<IncidentStatus>,
    pub component: Option<EntityRef>,
    pub fingerprint: Option<String>,
    /// Only those of game days, or only real ones.
    pub practice: Option<bool>,
    /// At most this many; 200 if absent.
    pub limit: Option<u32>,
}
