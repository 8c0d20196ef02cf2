//! What a game day asks of the rest of Mainstay, behind one port.

use std::collections::BTreeMap;

use async_trait::async_trait;
use kernel::{EntityRef, IncidentId, RunId, Severity};
use ledger::{Actor, Role};

/// Opens practice incidents and plays experiments.
#[async_trait]
pub trait Host: Send + Sync {
    /// Opens an incident. A second one with the same fingerprint is the first, as long as that is active.
    async fn open(&self, practice: Practice, actor: &Actor) -> Result<IncidentId, HostError>;

    /// Ends the incident, whatever its status; one that has ended stays so.
    async fn resolve(&self, incident: IncidentId, summary: String) -> Result<(), HostError>;

    /// Asks for a run of an experiment, which undoes its faults whenever it ends. The same key is the same run.
    async fn request(&self, experiment: &str, incident: IncidentId, key: String, actor: &Actor) -> Result<RunId, HostError>;

    /// Asks that a run be ended; one that has ended stays so.
    async fn cancel(&self, run: &RunId, actor: &Actor) -> Result<(), HostError>;
}

/// The incident of a game day.
#[derive(Debug, Clone)]
pub struct Practice {
    pub title: String,
    pub summary: String,
    pub severity: Severity,
    pub components: Vec<EntityRef>,
    pub commander: Option<EntityRef>,
    pub roles: BTreeMap<Role, EntityRef>,
    pub fingerprint: String,
}

#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct HostError(String);

impl HostError {
    pub fn new(error: impl std::fmt::Display) -> Self {
        Self(error.to_string())
    }
}

/// Where a game day tells how it goes.
#[async_trait]
pub trait Teller: Send + Sync {
    /// A line for people.
    async fn line(&self, text: String);

    /// The whole result so far.
    async fn report(&self, report: serde_json::Value);
}
