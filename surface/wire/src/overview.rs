//! One look: is everything all right, and if not, who is on it?

use kernel::{EntityRef, Impact, Timestamp};
use ledger::{Action, AlarmRecord, AlarmState, Delivery, Event, Incident, Run};
use serde::Serialize;
use utoipa::ToSchema;

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Overview {
    pub workload: String,
    pub at: Timestamp,
    pub health: Health,
    /// Active ones, worst first; those of game days last.
    pub incidents: Vec<Incident>,
    /// Pending, firing, without data or in error; worst first.
    pub alarms: Vec<AlarmRecord>,
    /// Under way or waiting for somebody.
    pub runs: Vec<Run>,
    pub components: Vec<ComponentHealth>,
    pub open_actions: Vec<Action>,
    pub dead_deliveries: Vec<Delivery>,
    /// Newest first.
    pub recent_events: Vec<Event>,
    pub documents: DocumentsHealth,
    /// Whether any signal has ever arrived.
    pub has_signals: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Health {
    /// No incident, no alarm.
    Good,
    /// Something needs a look: an alarm is pending, blind or in error, or documents have problems.
    Attention,
    /// An alarm fires or an incident is active that is no practice.
    Bad,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ComponentHealth {
    pub reference: EntityRef,
    pub title: String,
    pub owner: Option<EntityRef>,
    pub impact: Option<Impact>,
    pub tier: Option<u8>,
    pub alarm_state: Option<AlarmState>,
    /// Over the last minute; null without spans.
    pub rate: Option<f64>,
    pub error_ratio: Option<f64>,
    pub p95_ms: Option<f64>,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct DocumentsHealth {
    pub documents: usize,
    pub errors: usize,
    pub warnings: usize,
}
