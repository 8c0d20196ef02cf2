//! What the targets of a rule ask for, as one batch for the ledger.

use std::collections::HashMap;

use documents::Graph;
use documents::event_rule::{EventRule, IncidentTarget, NotifyChannel, NotifyTarget, RunTarget, Target};
use kernel::{DeliveryId, EntityRef, IncidentId, RunId, Severity, Timestamp};
use ledger::{
    Actor, Batch, Channel, Delivery, DeliveryStatus, Event, Incident, IncidentFilter, IncidentStatus, Ledger, LedgerError, NewEvent, types,
};
use serde_json::{Value, json};

use super::template::fill;
use crate::incidents::service;
use crate::notify::message;

const SOURCE: &str = "/operate/events";
const FINGERPRINT_BYTES_MAX: usize = 512;
const TITLE_CHARACTERS_MAX: usize = 300;

/// Gathers what the rules that match one event ask for.
pub struct Gather<'a> {
    ledger: &'a Ledger,
    graph: &'a Graph,
    now: Timestamp,
    event: &'a Event,
    json: &'a Value,
    batch: Batch,
    /// Opened or changed in this batch, by fingerprint.
    incidents: HashMap<String, Incident>,
}

impl<'a> Gather<'a> {
    pub fn new(ledger: &'a Ledger, graph: &'a Graph, now: Timestamp, event: &'a Event, json: &'a Value) -> Self {
        Self { ledger, graph, now, event, json, batch: Batch::new(), incidents: HashMap::new() }
    }

    /// The targets of one rule, in order. A run and a message belong to the incident before them.
    pub async fn rule(&mut self, rule: &EventRule) -> Result<(), LedgerError> {
        let mut incident = self.event.incident;
        for (index, target) in rule.targets.iter().enumerate() {
            let mut request = Request { rule, key: format!("{}/{}/{index}", rule.name, self.event.id), notes: Vec::new() };
            match target {
                Target::Incident(target) => incident = Some(self.incident(target, &mut request).await?),
                Target::Run(target) => self.run(target, incident, &mut request),
                Target::Notify(target) => self.notify(target, incident, &mut request),
            }
        }
        Ok(())
    }

    pub fn finish(self) -> Batch {
        self.incidents.into_values().fold(self.batch, Batch::incident)
    }

    async fn incident(&mut self, target: &IncidentTarget, request: &mut Request<'_>) -> Result<IncidentId, LedgerError> {
        let component = self.component(target.component.as_deref(), request);
        let fingerprint = match &target.fingerprint {
            Some(text) => fill(text, self.json, &mut request.notes),
            None => format!("{}/{}", component.as_ref().map(EntityRef::to_string).unwrap_or_default(), request.rule.name),
        };
        let fingerprint = cut(&fingerprint, FINGERPRINT_BYTES_MAX).to_owned();
        let components: Vec<EntityRef> = component.into_iter().collect();
        let severity = target.severity.unwrap_or_else(|| service::severity(self.graph, &components));
        let (incident, kind, mut data) = match self.existing(&fingerprint, &components).await? {
            Some(incident) => {
                let incident = joined(incident, severity, components);
                let data = json!({ "title": incident.title, "severity": incident.severity, "component": incident.components.first() });
                (incident, types::INCIDENT_ATTACHED, data)
            }
            None => {
                let incident = self.open(target, &fingerprint, severity, components, request).await?;
                let data = service::opened_data(&incident);
                (incident, types::INCIDENT_OPENED, data)
            }
        };
        // The end of a game day ends its incident.
        data["resolve_with_alarm"] = json!(target.resolve_with_alarm && !incident.practice);
        if let Some(alarm) = alarm_of(self.event) {
            data["alarm"] = alarm;
        }
        let id = incident.id;
        let event = service::event(&incident, kind, data, &Actor::rule(&request.rule.name));
        self.append(event, request);
        let key = incident.fingerprint.clone().unwrap_or(fingerprint);
        self.incidents.insert(key, incident);
        Ok(id)
    }

    /// The active incident of the same trouble. Else, while a game day is on, that of the game day which is
    /// about one of these components, so that practice opens no real incident.
    async fn existing(&mut self, fingerprint: &str, components: &[EntityRef]) -> Result<Option<Incident>, LedgerError> {
        if let Some(incident) = self.incidents.remove(fingerprint) {
            return Ok(Some(incident));
        }
        let same = IncidentFilter { fingerprint: Some(fingerprint.to_owned()), ..IncidentFilter::default() };
        if let Some(incident) = self.active(same).await? {
            return Ok(Some(incident));
        }
        for component in components {
            let practised = |incident: &Incident| incident.practice && incident.components.contains(component);
            let key = self.incidents.iter().find(|(_, incident)| practised(incident)).map(|(key, _)| key.clone());
            if let Some(incident) = key.and_then(|key| self.incidents.remove(&key)) {
                return Ok(Some(incident));
            }
            let practice = IncidentFilter { practice: Some(true), component: Some(component.clone()), ..IncidentFilter::default() };
            if let Some(incident) = self.active(practice).await? {
                return Ok(Some(incident));
            }
        }
        Ok(None)
    }

    async fn active(&self, filter: IncidentFilter) -> Result<Option<Incident>, LedgerError> {
        let statuses = vec![IncidentStatus::Open, IncidentStatus::Acknowledged, IncidentStatus::Mitigated];
        Ok(self.ledger.incidents(&IncidentFilter { statuses, limit: Some(1), ..filter }).await?.pop())
    }

    async fn open(
        &self,
        target: &IncidentTarget,
        fingerprint: &str,
        severity: Severity,
        components: Vec<EntityRef>,
        request: &mut Request<'_>,
    ) -> Result<Incident, LedgerError> {
        let title = fill(&target.title, self.json, &mut request.notes);
        let title: String = title.trim().chars().take(TITLE_CHARACTERS_MAX).collect();
        Ok(Incident {
            id: self.ledger.next_incident_id().await?,
            title: if title.is_empty() { format!("{}: {}", request.rule.name, self.event.kind) } else { title },
            summary: target.summary.as_deref().map(|text| fill(text, self.json, &mut request.notes)).unwrap_or_default(),
            severity,
            status: IncidentStatus::Open,
            commander: service::commander(self.graph, &components),
            roles: Default::default(),
            components,
            practice: false,
            fingerprint: Some(fingerprint.to_owned()),
            opened_at: self.now,
            acknowledged_at: None,
            mitigated_at: None,
            resolved_at: None,
            revision: 0,
        })
    }

    fn run(&mut self, target: &RunTarget, incident: Option<IncidentId>, request: &mut Request<'_>) {
        let parameters: serde_json::Map<String, Value> = target
            .parameters
            .iter()
            .map(|(name, text)| (name.clone(), Value::String(fill(text, self.json, &mut request.notes))))
            .collect();
        let document = fill(&target.document, self.json, &mut request.notes);
        let component = self.component(None, &mut Request { notes: Vec::new(), ..request.clone() });
        let data = json!({ "document": document, "parameters": parameters, "component": component });
        let event = NewEvent::new(SOURCE, types::RUN_REQUESTED, data)
            .subject(document)
            .actor(Actor::rule(&request.rule.name))
            .run(RunId::random())
            .incident(incident);
        self.append(event, request);
    }

    fn notify(&mut self, target: &NotifyTarget, incident: Option<IncidentId>, request: &mut Request<'_>) {
        let text = target.text.as_deref().map(|text| fill(text, self.json, &mut request.notes));
        let channel = match target.channel {
            NotifyChannel::Webhook => Channel::Webhook,
            NotifyChannel::Slack => Channel::Slack,
        };
        let delivery = Delivery {
            id: DeliveryId::random(),
            channel,
            rule: request.rule.name.clone(),
            target: target.url.clone(),
            headers: target.headers.clone(),
            body: message::body(channel, text, self.event, self.json),
            status: DeliveryStatus::Pending,
            attempts: 0,
            next_attempt_at: Some(self.now),
            last_error: None,
            created_at: self.now,
            delivered_at: None,
            cause: self.event.id.clone(),
            incident,
        };
        let data = json!({ "delivery": delivery.id, "channel": channel });
        let event = NewEvent::new(SOURCE, types::NOTIFICATION_REQUESTED, data)
            .subject(delivery.id.to_string())
            .actor(Actor::rule(&request.rule.name))
            .incident(incident);
        self.batch = std::mem::take(&mut self.batch).delivery(delivery);
        self.append(event, request);
    }

    fn append(&mut self, event: NewEvent, request: &Request<'_>) {
        let mut event = event.cause(self.event.id.clone()).key(request.key.clone());
        event.data["rule"] = json!(request.rule.name);
        event.data["trigger"] = json!({ "id": self.event.id, "type": self.event.kind, "subject": self.event.subject });
        if !request.notes.is_empty() {
            event.data["notes"] = json!(request.notes);
        }
        self.batch = std::mem::take(&mut self.batch).event(event);
    }

    /// As the target says, else as the event says.
    fn component(&self, written: Option<&str>, request: &mut Request<'_>) -> Option<EntityRef> {
        let text = match written {
            Some(text) => fill(text, self.json, &mut request.notes),
            None => self.json.pointer("/data/component")?.as_str()?.to_owned(),
        };
        let text = text.trim();
        match EntityRef::parse_with_default_kind(text, "component") {
            Ok(component) => Some(component),
            Err(_) if text.is_empty() => None,
            Err(error) => {
                request.notes.push(error.to_string());
                None
            }
        }
    }
}

/// One target's request.
#[derive(Clone)]
struct Request<'a> {
    rule: &'a EventRule,
    /// The same however often the event is handled.
    key: String,
    /// What could not be filled in.
    notes: Vec<String>,
}

/// A second report may be worse, and may name another component.
fn joined(mut incident: Incident, severity: Severity, components: Vec<EntityRef>) -> Incident {
    incident.severity = incident.severity.min(severity);
    for component in components {
        if !incident.components.contains(&component) {
            incident.components.push(component);
        }
    }
    incident
}

/// The instance that an alarm's event tells of.
fn alarm_of(event: &Event) -> Option<Value> {
    let labels = event.data.get("labels").filter(|labels| labels.is_object())?;
    let id = event.data.get("id").filter(|_| event.kind.starts_with("dev.mainstay.alarm."))?;
    Some(json!({ "id": id, "labels": labels }))
}

fn cut(text: &str, bytes_max: usize) -> &str {
    let mut end = text.len().min(bytes_max);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}
