//! Events in CloudEvents 1.0 form.

use kernel::{EventId, IncidentId, RunId, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Actor;

/// The version of CloudEvents that all events follow.
pub(crate) const SPECVERSION: &str = "1.0";

/// The place of an event in the ledger; grows by one with each event, without gaps in what a reader sees.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct Position(pub i64);

/// One entry. Serialises as a CloudEvents 1.0 JSON object; `position`, `actor`, `incident`, `run` and
/// `cause` are extension attributes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Event {
    pub specversion: String,
    pub id: EventId,
    /// The room that appended it, e.g. `/operate/alarms`.
    pub source: String,
    #[serde(rename = "type")]
    pub kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    pub time: Timestamp,
    pub position: Position,
    pub actor: Actor,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub incident: Option<IncidentId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<RunId>,
    /// The event that led to this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<EventId>,
    pub data: serde_json::Value,
}

/// An event about to be appended; the ledger gives it its position and, where absent, id and time.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEvent {
    pub id: EventId,
    pub source: String,
    pub kind: String,
    pub subject: Option<String>,
    pub time: Option<Timestamp>,
    pub actor: Actor,
    pub incident: Option<IncidentId>,
    pub run: Option<RunId>,
    pub cause: Option<EventId>,
    /// Appending a second event with the same key changes nothing, nor does anything else in its batch.
    pub key: Option<String>,
    pub data: serde_json::Value,
}

impl NewEvent {
    pub fn new(source: &str, kind: &str, data: serde_json::Value) -> Self {
        Self {
            id: EventId::random(),
            source: source.to_owned(),
            kind: kind.to_owned(),
            subject: None,
            time: None,
            actor: Actor::system(),
            incident: None,
            run: None,
            cause: None,
            key: None,
            data,
        }
    }

    pub fn subject(mut self, subject: impl Into<String>) -> Self {
        self.subject = Some(subject.into());
        self
    }

    pub fn actor(mut self, actor: Actor) -> Self {
        self.actor = actor;
        self
    }

    pub fn incident(mut self, incident: impl Into<Option<IncidentId>>) -> Self {
        self.incident = incident.into();
        self
    }

    pub fn run(mut self, run: impl Into<Option<RunId>>) -> Self {
        self.run = run.into();
        self
    }

    pub fn cause(mut self, cause: impl Into<Option<EventId>>) -> Self {
        self.cause = cause.into();
        self
    }

    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// The event as appended.
    pub(crate) fn at(self, position: Position, time: Timestamp) -> Event {
        Event {
            specversion: SPECVERSION.to_owned(),
            id: self.id,
            source: self.source,
            kind: self.kind,
            subject: self.subject,
            time,
            position,
            actor: self.actor,
            incident: self.incident,
            run: self.run,
            cause: self.cause,
            data: self.data,
        }
    }
}

/// Which events to read. Fields that are empty do not restrict.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct EventFilter {
    pub after: Option<Position>,
    pub before: Option<Position>,
    /// Exact types, or prefixes that end in `.`: `dev.mainstay.alarm.`.
    pub kinds: Vec<String>,
    pub subject: Option<String>,
    pub incident: Option<IncidentId>,
    pub run: Option<RunId>,
    /// At most this many; 1,000 if absent.
    pub limit: Option<u32>,
    /// Newest first; oldest first otherwise.
    pub newest_first: bool,
}
