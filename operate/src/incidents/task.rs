//! Resolves incidents whose alarms have all resolved, where a rule asked for it.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use kernel::task::{Pass, Task, TaskError};
use ledger::{Actor, AlarmRecord, AlarmState, Event, EventFilter, Incident, IncidentFilter, IncidentStatus, types};
use serde_json::{Value, json};

use super::error::IncidentError;
use super::service::Incidents;
use super::state::{Change, StateError};
use crate::alarms::attached_alarm;

const INTERVAL: Duration = Duration::from_secs(30);
const EVENTS_MAX: u32 = 5_000;

/// Compares the active incidents with their alarms.
pub struct IncidentTask {
    incidents: Incidents,
}

impl IncidentTask {
    pub fn new(incidents: Incidents) -> Self {
        Self { incidents }
    }

    async fn settle(&self, incident: &Incident, alarms: &[AlarmRecord]) -> Result<bool, IncidentError> {
        let kinds = [types::INCIDENT_OPENED, types::INCIDENT_ATTACHED, types::INCIDENT_REOPENED];
        let filter = EventFilter {
            incident: Some(incident.id),
            kinds: kinds.map(str::to_owned).into(),
            limit: Some(EVENTS_MAX),
            ..EventFilter::default()
        };
        let events = self.incidents.ledger.events(&filter).await?;
        let Some(attached) = deciding_alarms(&events) else { return Ok(false) };
        if attached.iter().any(|(id, labels)| holds(alarms, id, labels)) {
            return Ok(false);
        }
        let change = Change { status: Some(IncidentStatus::Resolved), ..Change::default() };
        let data = json!({ "reason": "all its alarms have resolved" });
        match self.incidents.change(incident.id, &change, data, &Actor::system()).await {
            Ok(_) => Ok(true),
            // A person was quicker.
            Err(IncidentError::State(StateError::Status { .. })) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

#[async_trait]
impl Task for IncidentTask {
    fn name(&self) -> &'static str {
        "incidents"
    }

    fn interval(&self) -> Duration {
        INTERVAL
    }

    async fn pass(&self) -> Result<Pass, TaskError> {
        let statuses = vec![IncidentStatus::Open, IncidentStatus::Acknowledged, IncidentStatus::Mitigated];
        let active = self.incidents.ledger.incidents(&IncidentFilter { statuses, ..IncidentFilter::default() }).await?;
        if active.is_empty() {
            return Ok(Pass { summary: "no incident is active".to_owned(), next: None });
        }
        let alarms = self.incidents.ledger.alarms().await?;
        let mut resolved = 0;
        for incident in &active {
            resolved += usize::from(self.settle(incident, &alarms).await?);
        }
        Ok(Pass { summary: format!("{} incidents active, {resolved} resolved with their alarms", active.len() - resolved), next: None })
    }
}

type Instance = (String, BTreeMap<String, String>);

/// The alarms whose end is the incident's end; none if people decide. What was attached before somebody
/// reopened the incident no longer counts.
fn deciding_alarms(events: &[Event]) -> Option<Vec<Instance>> {
    let reopened = events.iter().rposition(|event| event.kind == types::INCIDENT_REOPENED);
    let events = &events[reopened.map_or(0, |at| at + 1)..];
    let asked = events.iter().any(|event| event.data.get("resolve_with_alarm") == Some(&Value::Bool(true)));
    let attached: Vec<Instance> = events.iter().filter_map(attached_alarm).collect();
    (asked && !attached.is_empty()).then_some(attached)
}

/// Is the instance still wrong, or can nobody say?
fn holds(alarms: &[AlarmRecord], id: &str, labels: &BTreeMap<String, String>) -> bool {
    let Some(alarm) = alarms.iter().find(|alarm| alarm.id == id) else { return false };
    let unknown = matches!(alarm.state, AlarmState::NoData | AlarmState::Error) || alarm.error.is_some();
    let active = alarm.instances.iter().any(|instance| {
        instance.labels == *labels && matches!(instance.state, AlarmState::Firing | AlarmState::Pending)
    });
    active || unknown
}
