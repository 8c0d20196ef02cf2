//! The timeline of an incident: its own events, those of its runs, and those of its alarms, each with
//! a line for people.

use std::collections::{BTreeMap, BTreeSet};

use kernel::{RunId, Timestamp};
use ledger::{Event, EventFilter, Incident, Ledger, LedgerError, Position, types};
use serde_json::Value;

use crate::alarms::attached_alarm;

/// Longer timelines are cut at their beginning's far side: the newest events are left out last.
const EVENTS_MAX: u32 = 5_000;
/// An alarm's events from this long before the incident belong to it: that is when it went pending.
const BEFORE_S: i64 = 6 * 3600;

#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    pub time: Timestamp,
    /// One line for people.
    pub text: String,
    pub event: Event,
}

/// Oldest first.
pub async fn read(ledger: &Ledger, incident: &Incident) -> Result<Vec<Entry>, LedgerError> {
    let own = ledger.events(&EventFilter { incident: Some(incident.id), limit: Some(EVENTS_MAX), ..EventFilter::default() }).await?;
    let runs: BTreeSet<&RunId> = own.iter().filter_map(|event| event.run.as_ref()).collect();
    let alarms: BTreeSet<(String, BTreeMap<String, String>)> = own.iter().filter_map(attached_alarm).collect();
    let mut events: BTreeMap<Position, Event> = BTreeMap::new();
    for run in runs {
        let filter = EventFilter { run: Some(run.clone()), limit: Some(EVENTS_MAX), ..EventFilter::default() };
        events.extend(ledger.events(&filter).await?.into_iter().map(|event| (event.position, event)));
    }
    for (id, labels) in &alarms {
        events.extend(alarm_events(ledger, incident, id, labels).await?.into_iter().map(|event| (event.position, event)));
    }
    events.extend(own.into_iter().map(|event| (event.position, event)));
    Ok(events.into_values().map(|event| Entry { time: event.time, text: line(&event), event }).collect())
}

/// Of this instance, from shortly before the incident until it ended.
async fn alarm_events(
    ledger: &Ledger,
    incident: &Incident,
    id: &str,
    labels: &BTreeMap<String, String>,
) -> Result<Vec<Event>, LedgerError> {
    let filter = EventFilter {
        kinds: vec!["dev.mainstay.alarm.".to_owned()],
        subject: Some(id.to_owned()),
        limit: Some(EVENTS_MAX),
        newest_first: true,
        ..EventFilter::default()
    };
    let from = incident.opened_at.as_second() - BEFORE_S;
    let mut events = ledger.events(&filter).await?;
    events.retain(|event| {
        let time = event.time;
        let of_instance = event.data.get("labels").is_some_and(|found| same_labels(found, labels));
        of_instance && time.as_second() >= from && incident.resolved_at.is_none_or(|resolved| time <= resolved)
    });
    events.reverse();
    // What went before the last quiet time is another story.
    let quiet = |event: &Event| {
        event.time < incident.opened_at && matches!(event.kind.as_str(), types::ALARM_RESOLVED | types::ALARM_INACTIVE)
    };
    let begin = events.iter().rposition(quiet).map_or(0, |at| at + 1);
    Ok(events.split_off(begin))
}

fn same_labels(found: &Value, labels: &BTreeMap<String, String>) -> bool {
    found.as_object().is_some_and(|found| {
        found.len() == labels.len() && labels.iter().all(|(name, value)| found.get(name).and_then(Value::as_str) == Some(value))
    })
}

/// One line for people.
pub fn line(event: &Event) -> String {
    let data = &event.data;
    let text = |key: &str| data.get(key).and_then(Value::as_str).unwrap_or_default();
    let subject = event.subject.as_deref().unwrap_or_default();
    let document = if text("title").is_empty() { text("document") } else { text("title") };
    match event.kind.as_str() {
        types::ALARM_PENDING => format!("Alarm {subject} is pending{}", summary(data)),
        types::ALARM_FIRING => format!("Alarm {subject} is firing{}", summary(data)),
        types::ALARM_RESOLVED => format!("Alarm {subject} resolved"),
        types::ALARM_INACTIVE => format!("Alarm {subject} is quiet again"),
        types::ALARM_NO_DATA => format!("Alarm {subject} has no data"),
        types::ALARM_ERROR => format!("Alarm {subject} cannot be evaluated: {}", text("error")),
        types::INCIDENT_OPENED => {
            let practice = if data.get("practice") == Some(&Value::Bool(true)) { " for practice" } else { "" };
            format!("{} opened{practice} as {}: {}", by(event), text("severity").to_uppercase(), text("title"))
        }
        types::INCIDENT_UPDATED => format!("{} changed {}", by(event), changes(data)),
        types::INCIDENT_NOTE => format!("{}: {}", event.actor, one_line(text("text"))),
        types::INCIDENT_ATTACHED => format!("{} attached {}", by(event), attachment(data)),
        types::INCIDENT_RESOLVED => format!("{} resolved the incident{}", by(event), reason(data)),
        types::INCIDENT_REOPENED => format!("{} reopened the incident{}", by(event), reason(data)),
        types::RUN_REQUESTED => format!("{} requested {document}", by(event)),
        types::RUN_STARTED => format!("{document} started"),
        types::RUN_WAITING => format!("{document} waits{}", step(data)),
        types::RUN_APPROVED => format!("{} approved {document}{}", by(event), step(data)),
        types::RUN_REJECTED => format!("{} rejected {document}{}", by(event), reason(data)),
        types::RUN_INTERRUPTED => format!("{document} was interrupted{}", step(data)),
        types::RUN_RESUMED => format!("{} resumed {document}", by(event)),
        types::RUN_CANCEL_REQUESTED => format!("{} asked to cancel {document}", by(event)),
        types::RUN_SUCCEEDED => format!("{document} succeeded"),
        types::RUN_FAILED => format!("{document} failed{}", error(data)),
        types::RUN_CANCELLED => format!("{document} was cancelled{}", error(data)),
        types::STEP_STARTED => format!("{document}: step {} started", step_name(data)),
        types::STEP_FINISHED => format!("{document}: step {} {}", step_name(data), default(text("status"), "finished")),
        types::NOTIFICATION_REQUESTED => format!("{} asked to notify {}", by(event), default(text("channel"), "somebody")),
        types::NOTIFICATION_DELIVERED => format!("Notified {}", default(text("channel"), "somebody")),
        types::NOTIFICATION_DEAD => format!("{} could not be notified{}", default(text("channel"), "somebody"), error(data)),
        types::POSTMORTEM_DRAFTED => format!("{} drafted the post-mortem {}", by(event), text("path")),
        types::ACTION_ADDED => format!("{} added the action {}", by(event), text("title")),
        types::ACTION_DONE => format!("{} finished the action {}", by(event), text("title")),
        types::GAME_DAY_ANNOUNCED => format!("The game day {document} begins {}", text("when")),
        types::GAME_DAY_BEGAN => format!("{} began the game day {document}: {}", by(event), one_line(text("goal"))),
        types::GAME_DAY_PLAYED => format!("The experiment {} begins", text("experiment")),
        types::GAME_DAY_MEASURED => format!("The experiment {} was measured: {}", text("experiment"), text("summary")),
        types::GAME_DAY_ABORTED => format!("The game day {document} was aborted{}", reason(data)),
        types::GAME_DAY_JOINED => format!("{} takes part in the game day", by(event)),
        types::GAME_DAY_JUDGED => format!("{} says that the hypothesis {:?} is {}", by(event), text("hypothesis"), text("verdict")),
        types::GAME_DAY_ENDED => format!("The game day {document} ended{}", reason(data)),
        types::GAME_DAY_REVISED => format!("The result of the game day {document} was revised"),
        types::TRAINING_PROVED => format!("{subject} has practised the role {}", text("role")),
        other => format!("{other} {subject}").trim_end().to_owned(),
    }
}

/// Who did it, as a sentence begins.
fn by(event: &Event) -> String {
    let actor = event.actor.0.as_str();
    match actor.split_once(':') {
        Some(("rule", rule)) => format!("Rule {rule}"),
        _ if actor == "system" => "Mainstay".to_owned(),
        _ => actor.to_owned(),
    }
}

fn summary(data: &Value) -> String {
    let annotations = data.get("annotations");
    let summary = annotations.and_then(|texts| texts.get("summary").or_else(|| texts.get("description")));
    summary.and_then(Value::as_str).map_or_else(String::new, |text| format!(": {}", one_line(text)))
}

fn changes(data: &Value) -> String {
    let Some(changes) = data.get("changes").and_then(Value::as_object) else { return "the incident".to_owned() };
    let shown = changes.iter().map(|(field, change)| match change.get("to") {
        Some(Value::String(to)) if field != "summary" => format!("{field} to {to}"),
        _ => field.clone(),
    });
    shown.collect::<Vec<_>>().join(", ")
}

fn attachment(data: &Value) -> String {
    let text = |pointer: &str| data.pointer(pointer).and_then(Value::as_str);
    match (text("/alarm/id"), text("/link/title"), text("/component")) {
        (Some(alarm), _, _) => format!("alarm {alarm}"),
        (_, Some(link), _) => link.to_owned(),
        (_, _, Some(component)) => component.to_owned(),
        _ => text("/trigger/type").unwrap_or("an event").to_owned(),
    }
}

fn step(data: &Value) -> String {
    let name = step_name(data);
    if name.is_empty() { String::new() } else { format!(" at {name}") }
}

fn step_name(data: &Value) -> String {
    let step = data.get("step");
    let name = step.and_then(Value::as_str).or_else(|| data.get("name").and_then(Value::as_str));
    name.map(str::to_owned).or_else(|| step.and_then(Value::as_i64).map(|index| index.to_string())).unwrap_or_default()
}

fn reason(data: &Value) -> String {
    data.get("reason").and_then(Value::as_str).map_or_else(String::new, |text| format!(": {}", one_line(text)))
}

fn error(data: &Value) -> String {
    data.get("error").and_then(Value::as_str).map_or_else(String::new, |text| format!(": {}", one_line(text)))
}

fn default<'a>(text: &'a str, otherwise: &'a str) -> &'a str {
    if text.is_empty() { otherwise } else { text }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
