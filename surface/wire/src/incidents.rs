//! Declaring and leading incidents.

use std::collections::BTreeMap;

use kernel::{EntityRef, Severity, Timestamp};
use ledger::{Action, AlarmRecord, Event, Incident, IncidentStatus, Postmortem, Role, Run};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

#[derive(Debug, Clone, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeclareIncident {
    pub title: String,
    #[serde(default)]
    pub summary: String,
    /// From the components' business impact if absent.
    pub severity: Option<Severity>,
    #[serde(default)]
    pub components: Vec<EntityRef>,
    /// From the owning team of the first component if absent.
    pub commander: Option<EntityRef>,
}

/// Only what is given changes.
#[derive(Debug, Clone, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeIncident {
    pub title: Option<String>,
    pub summary: Option<String>,
    pub severity: Option<Severity>,
    pub status: Option<IncidentStatus>,
    pub commander: Option<EntityRef>,
    /// A role with null is vacated.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub roles: BTreeMap<Role, Option<EntityRef>>,
    /// Components that it harms, too.
    #[serde(default)]
    pub components: Vec<EntityRef>,
    /// False if what began as practice turns out to be real.
    pub practice: Option<bool>,
}

#[derive(Debug, Clone, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AddNote {
    pub text: String,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct IncidentDetail {
    pub incident: Incident,
    /// Oldest first.
    pub timeline: Vec<TimelineEntry>,
    pub runs: Vec<Run>,
    pub alarms: Vec<AlarmRecord>,
    pub actions: Vec<Action>,
    pub postmortem: Option<Postmortem>,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct TimelineEntry {
    pub time: Timestamp,
    /// One line for people.
    pub text: String,
    pub event: Event,
}
