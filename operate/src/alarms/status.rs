//! How the rules stood at their last evaluation: what Prometheus's `rules` and `alerts` routes tell.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use kernel::Timestamp;
use ledger::{AlarmInstance, AlarmState};
use parking_lot::RwLock;

/// A shared view; the alarm task writes it, the surface reads it.
#[derive(Debug, Clone, Default)]
pub struct Rules(Arc<RwLock<Vec<GroupStatus>>>);

impl Rules {
    pub fn snapshot(&self) -> Vec<GroupStatus> {
        self.0.read().clone()
    }

    pub(crate) fn publish(&self, groups: Vec<GroupStatus>) {
        *self.0.write() = groups;
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct GroupStatus {
    pub name: String,
    /// The document that holds it.
    pub file: String,
    pub interval: Duration,
    pub limit: u64,
    pub rules: Vec<RuleStatus>,
    pub evaluation_time_s: f64,
    pub last_evaluation: Option<Timestamp>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct RuleStatus {
    pub name: String,
    pub query: String,
    /// None for a recording rule.
    pub alerting: Option<AlertingStatus>,
    pub labels: BTreeMap<String, String>,
    pub health: Health,
    pub last_error: Option<String>,
    pub evaluation_time_s: f64,
    pub last_evaluation: Option<Timestamp>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct AlertingStatus {
    /// As in [`ledger::AlarmRecord::id`].
    pub id: String,
    pub for_: Duration,
    pub keep_firing_for: Duration,
    pub annotations: BTreeMap<String, String>,
    pub state: AlarmState,
    pub instances: Vec<AlarmInstance>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    Unknown,
    Ok,
    Error,
}
