//! What people do with incidents. Every change names its actor and appends its event.

use std::collections::BTreeMap;
use std::sync::Arc;

use documents::{Graph, Loaded};
use kernel::{EntityRef, Impact, IncidentId, Severity, SharedClock};
use ledger::{Actor, Batch, Incident, IncidentFilter, IncidentStatus, Ledger, LedgerError, NewEvent, Role, types};
use serde_json::{Value, json};
use tokio::sync::watch;

use super::error::IncidentError;
use super::state::{self, Change};
use super::timeline::{self, Entry};

pub const SOURCE: &str = "/operate/incidents";

const TITLE_CHARACTERS_MAX: usize = 300;
const TEXT_BYTES_MAX: usize = 64 * 1024;
/// A change that always meets somebody else's is given up after so many attempts.
const ATTEMPTS_MAX: u32 = 10;

/// A new incident.
#[derive(Debug, Clone, Default)]
pub struct Declaration {
    pub title: String,
    pub summary: String,
    /// From the components' business impact if absent.
    pub severity: Option<Severity>,
    pub components: Vec<EntityRef>,
    /// From the owning team of the first component if absent.
    pub commander: Option<EntityRef>,
    pub roles: BTreeMap<Role, EntityRef>,
    /// Of a game day.
    pub practice: bool,
    /// A second declaration with the same one is the same incident, as long as that is active.
    pub fingerprint: Option<String>,
}

/// Something that belongs to an incident, too.
#[derive(Debug, Clone, PartialEq)]
pub enum Attachment {
    Component(EntityRef),
    /// An instance of an alarm: the alarm's id and the instance's labels.
    Alarm { id: String, labels: BTreeMap<String, String> },
    Link { title: String, url: String },
}

/// Declares, changes and reads incidents. Cheap to clone.
#[derive(Clone)]
pub struct Incidents {
    pub(super) ledger: Ledger,
    pub(super) graph: watch::Receiver<Arc<Loaded>>,
    pub(super) clock: SharedClock,
}

type Result<T> = std::result::Result<T, IncidentError>;

impl Incidents {
    pub fn new(ledger: Ledger, graph: watch::Receiver<Arc<Loaded>>, clock: SharedClock) -> Self {
        Self { ledger, graph, clock }
    }

    pub async fn get(&self, id: IncidentId) -> Result<Incident> {
        Ok(self.ledger.incident(id).await?)
    }

    /// Newest first.
    pub async fn list(&self, filter: &IncidentFilter) -> Result<Vec<Incident>> {
        Ok(self.ledger.incidents(filter).await?)
    }

    pub async fn declare(&self, declaration: Declaration, actor: &Actor) -> Result<Incident> {
        let title = checked_title(&declaration.title)?;
        check_text("the summary", &declaration.summary)?;
        if let Some(known) = self.active(declaration.fingerprint.as_deref()).await? {
            return Ok(known);
        }
        let loaded = self.graph.borrow().clone();
        let incident = Incident {
            id: self.ledger.next_incident_id().await?,
            title,
            summary: declaration.summary,
            severity: declaration.severity.unwrap_or_else(|| severity(&loaded.graph, &declaration.components)),
            status: IncidentStatus::Open,
            commander: declaration.commander.or_else(|| commander(&loaded.graph, &declaration.components)),
            roles: declaration.roles,
            components: declaration.components,
            practice: declaration.practice,
            fingerprint: declaration.fingerprint,
            opened_at: self.clock.now(),
            acknowledged_at: None,
            mitigated_at: None,
            resolved_at: None,
            revision: 0,
        };
        let event = event(&incident, types::INCIDENT_OPENED, opened_data(&incident), actor);
        self.ledger.commit(Batch::new().incident(incident.clone()).event(event)).await?;
        self.get(incident.id).await
    }

    async fn active(&self, fingerprint: Option<&str>) -> Result<Option<Incident>> {
        let Some(fingerprint) = fingerprint else { return Ok(None) };
        let statuses = vec![IncidentStatus::Open, IncidentStatus::Acknowledged, IncidentStatus::Mitigated];
        let filter = IncidentFilter { statuses, fingerprint: Some(fingerprint.to_owned()), limit: Some(1), ..IncidentFilter::default() };
        Ok(self.ledger.incidents(&filter).await?.pop())
    }

    pub async fn update(&self, id: IncidentId, change: &Change, actor: &Actor) -> Result<Incident> {
        if let Some(title) = &change.title {
            checked_title(title)?;
        }
        check_text("the summary", change.summary.as_deref().unwrap_or_default())?;
        self.change(id, change, json!({}), actor).await
    }

    /// `summary` says how it ended, if somebody wants to say it.
    pub async fn resolve(&self, id: IncidentId, summary: Option<String>, actor: &Actor) -> Result<Incident> {
        self.update(id, &Change { status: Some(IncidentStatus::Resolved), summary, ..Change::default() }, actor).await
    }

    pub async fn reopen(&self, id: IncidentId, reason: Option<String>, actor: &Actor) -> Result<Incident> {
        check_text("the reason", reason.as_deref().unwrap_or_default())?;
        let was = self.get(id).await?;
        if was.status.is_active() {
            return Err(state::StateError::NotResolved(was.status).into());
        }
        let change = Change { status: Some(IncidentStatus::Open), ..Change::default() };
        self.change(id, &change, json!({ "reason": reason }), actor).await
    }

    pub async fn note(&self, id: IncidentId, text: &str, actor: &Actor) -> Result<()> {
        if text.trim().is_empty() {
            return Err(IncidentError::Invalid("a note needs a text".to_owned()));
        }
        check_text("a note", text)?;
        let incident = self.get(id).await?;
        let event = event(&incident, types::INCIDENT_NOTE, json!({ "text": text.trim() }), actor);
        self.ledger.commit(Batch::new().event(event)).await?;
        Ok(())
    }

    pub async fn attach(&self, id: IncidentId, attachment: Attachment, actor: &Actor) -> Result<Incident> {
        let component = match &attachment {
            Attachment::Component(component) => vec![component.clone()],
            Attachment::Alarm { id, .. } => {
                let alarm = self.ledger.alarm(id).await?;
                alarm.component.into_iter().collect()
            }
            Attachment::Link { .. } => Vec::new(),
        };
        let change = Change { components: component, ..Change::default() };
        let incident = self.get(id).await?;
        let event = event(&incident, types::INCIDENT_ATTACHED, attached_data(&attachment), actor);
        self.ledger.commit(Batch::new().event(event)).await?;
        self.change(id, &change, json!({}), actor).await
    }

    /// Everything that happened, oldest first.
    pub async fn timeline(&self, id: IncidentId) -> Result<Vec<Entry>> {
        let incident = self.get(id).await?;
        Ok(timeline::read(&self.ledger, &incident).await?)
    }

    /// Reads, decides and writes until nobody else wrote in between.
    pub(super) async fn change(&self, id: IncidentId, change: &Change, data: Value, actor: &Actor) -> Result<Incident> {
        let mut attempt = 1;
        loop {
            let was = self.get(id).await?;
            let Some(changed) = state::change(&was, change, self.clock.now())? else { return Ok(was) };
            let mut data = data.clone();
            data["title"] = json!(changed.incident.title);
            data["severity"] = json!(changed.incident.severity);
            data["changes"] = Value::from(changed.changes);
            let event = event(&changed.incident, changed.kind, data, actor);
            match self.ledger.commit(Batch::new().incident(changed.incident).event(event)).await {
                Ok(_) => return self.get(id).await,
                Err(LedgerError::Conflict(_)) if attempt < ATTEMPTS_MAX => attempt += 1,
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// The worst that any of the components would mean; SEV-3 if none says.
pub fn severity(graph: &Graph, components: &[EntityRef]) -> Severity {
    let impact = components.iter().filter_map(|component| graph.entity(component)?.impact).max();
    Severity::for_impact(impact.unwrap_or(Impact::Medium))
}

pub fn commander(graph: &Graph, components: &[EntityRef]) -> Option<EntityRef> {
    components.iter().find_map(|component| graph.commander_for(component))
}

/// What `INCIDENT_OPENED` tells, whoever opened it.
pub fn opened_data(incident: &Incident) -> Value {
    json!({
        "title": incident.title,
        "summary": incident.summary,
        "severity": incident.severity,
        "components": incident.components,
        "component": incident.components.first(),
        "commander": incident.commander,
        "practice": incident.practice,
        "fingerprint": incident.fingerprint,
    })
}

fn attached_data(attachment: &Attachment) -> Value {
    match attachment {
        Attachment::Component(component) => json!({ "component": component }),
        Attachment::Alarm { id, labels } => json!({ "alarm": { "id": id, "labels": labels } }),
        Attachment::Link { title, url } => json!({ "link": { "title": title, "url": url } }),
    }
}

pub fn event(incident: &Incident, kind: &str, data: Value, actor: &Actor) -> NewEvent {
    NewEvent::new(SOURCE, kind, data).subject(incident.id.to_string()).incident(incident.id).actor(actor.clone())
}

fn checked_title(title: &str) -> Result<String> {
    let title = title.trim();
    match title.chars().count() {
        0 => Err(state::StateError::NoTitle.into()),
        1..=TITLE_CHARACTERS_MAX => Ok(title.to_owned()),
        _ => Err(IncidentError::Invalid(format!("a title has at most {TITLE_CHARACTERS_MAX} characters; put the rest into the summary"))),
    }
}

fn check_text(what: &str, text: &str) -> Result<()> {
    if text.len() > TEXT_BYTES_MAX {
        return Err(IncidentError::Invalid(format!("{what} has at most {TEXT_BYTES_MAX} bytes")));
    }
    Ok(())
}
