//! How long it took to detect, acknowledge and mitigate one fault, from the events around it. Decides only.

use documents::game_day::GameDay;
use jiff::SignedDuration;
use kernel::{EntityRef, RunId, Timestamp, parse_duration};
use ledger::{Actor, Event, Mark, Measures, Split, types};
use serde_json::Value;

/// When a fault was there, by the experiment's journal, and when its measuring ends.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Fault {
    pub began_at: Option<Timestamp>,
    /// By the experiment itself: its rollbacks, or the fault's own duration.
    pub lifted_at: Option<Timestamp>,
    /// Looks at the steady state since then, oldest first: when each ended, and whether it was met.
    pub looks: Vec<(Timestamp, bool)>,
}

/// Who did something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Party {
    People,
    Automation,
}

impl Fault {
    /// From the journal in the toolkit's format. `run_ended` is when nothing of it was left.
    pub fn of(journal: &Value, run_ended: Option<Timestamp>) -> Self {
        let action = rows(&journal["run"]).find(|row| row["activity"]["type"] == "action");
        let began_at = action.and_then(|row| time(&row["start"]));
        let rollback = rows(&journal["rollbacks"]).next().and_then(|row| time(&row["start"]));
        let expiry = action.zip(began_at).and_then(|(row, began)| began.checked_add(parse_duration(row["output"]["duration"].as_str()?).ok()?).ok());
        let lifted_at = [rollback, expiry, run_ended].into_iter().flatten().min();
        let mut looks: Vec<(Timestamp, bool)> = rows(&journal["steady_states"]["during"]).chain([&journal["steady_states"]["after"]]).filter_map(look).collect();
        looks.retain(|(at, _)| began_at.is_some_and(|began| *at >= began));
        looks.sort();
        Self { began_at, lifted_at, looks }
    }

    /// When the steady state was seen to be met for good, after this sign of harm or one of its own.
    fn steady_again_at(&self, harm_at: Option<Timestamp>) -> Option<Timestamp> {
        let last_unmet = self.looks.iter().filter(|(_, met)| !met).map(|(at, _)| *at).max();
        let harm_at = last_unmet.max(harm_at)?;
        self.looks.iter().find(|(at, met)| *met && *at > harm_at).map(|(at, _)| *at)
    }
}

/// `events` are those of the incident, and those of alarms, in the order of the ledger; `own_runs` are the
/// game day's own, which nobody did in response.
pub fn measure(day: &GameDay, fault: &Fault, end: Timestamp, events: &[Event], own_runs: &[RunId]) -> Measures {
    let Some(began) = fault.began_at else { return Measures::default() };
    let within: Vec<&Event> = events.iter().filter(|event| event.time >= began && event.time < end).collect();
    let foreign = |event: &&&Event| event.run.as_ref().is_none_or(|run| !own_runs.contains(run));
    let mark = |event: &Event, what: String| Mark { at: event.time, after_s: seconds(began, event.time), who: event.actor.0.clone(), what };
    let fired = |event: &&&Event| event.kind == types::ALARM_FIRING && concerns(day, event);
    let detect = Split {
        people: within.iter().find(|event| event.kind == types::INCIDENT_NOTE && party(&event.actor) == Some(Party::People)).map(|event| mark(event, text(event, "text").to_owned())),
        automation: within.iter().find(fired).map(|event| Mark { who: text(event, "alert").to_owned(), ..mark(event, format!("the alarm {} fired", text(event, "alert"))) }),
    };
    let answers = |wanted: Party| within.iter().filter(foreign).find(|event| answer(event) && party(&event.actor) == Some(wanted)).map(|event| mark(event, word(event)));
    let acknowledge = Split { people: answers(Party::People), automation: answers(Party::Automation) };
    let mut measures = Measures { detect, acknowledge, ..Measures::default() };
    let acts: Vec<&Event> = within.iter().filter(foreign).filter(|event| act(event) && party(&event.actor).is_some()).copied().collect();
    let Some((well_at, what)) = well_again(day, fault, &within) else { return measures };
    let well = |who: &str, what: String| Mark { at: well_at, after_s: seconds(began, well_at), who: who.to_owned(), what };
    if fault.lifted_at.is_some_and(|lifted| well_at >= lifted) {
        measures.undone = Some(well("the experiment", format!("{what}, after the experiment took its fault away")));
        return measures;
    }
    match acts.iter().rev().find(|event| event.time <= well_at) {
        Some(event) if party(&event.actor) == Some(Party::People) => measures.mitigate.people = Some(well(&event.actor.0, format!("{what}, after {}", word(event)))),
        Some(event) => measures.mitigate.automation = Some(well(&event.actor.0, format!("{what}, after {}", word(event)))),
        None => measures.mitigate.automation = Some(well("the system", format!("{what}, without help"))),
    }
    measures
}

/// When the alarms had resolved or the steady state was back, whichever was first; a person's word that the
/// harm has stopped counts, too.
fn well_again(day: &GameDay, fault: &Fault, within: &[&Event]) -> Option<(Timestamp, String)> {
    let alarms: Vec<&&Event> = within.iter().filter(|event| concerns(day, event)).collect();
    let fired: Vec<&str> = alarms.iter().filter(|event| event.kind == types::ALARM_FIRING).map(|event| text(event, "id")).collect();
    let resolved = |id: &str| alarms.iter().find(|event| event.kind == types::ALARM_RESOLVED && text(event, "id") == id).map(|event| event.time);
    let quiet = fired.iter().map(|id| resolved(id)).collect::<Option<Vec<_>>>().and_then(|times| times.into_iter().max());
    let first_fired = alarms.iter().find(|event| event.kind == types::ALARM_FIRING).map(|event| event.time);
    let steady = fault.steady_again_at(first_fired);
    let word = |event: &&&Event| party(&event.actor).is_some() && matches!(status_to(event), Some("mitigated" | "resolved"));
    let said = within.iter().find(word).map(|event| event.time);
    let signs = [(quiet, "the alarms had resolved"), (steady, "the steady state was back"), (said, "the incident was mitigated")];
    signs.into_iter().filter_map(|(at, what)| Some((at?, what.to_owned()))).min()
}

/// Is it an alarm of the day's components, or one that ends the day?
pub fn concerns(day: &GameDay, event: &Event) -> bool {
    if !event.kind.starts_with("dev.mainstay.alarm.") {
        return false;
    }
    let component = event.data["component"].as_str().and_then(|component| component.parse::<EntityRef>().ok());
    let of_day = component.is_none_or(|component| day.components.is_empty() || day.components.contains(&component));
    of_day || day.abort_when.iter().any(|name| name == text(event, "alert"))
}

/// Somebody is on it.
fn answer(event: &Event) -> bool {
    let kinds = [types::INCIDENT_UPDATED, types::INCIDENT_RESOLVED, types::INCIDENT_NOTE, types::INCIDENT_ATTACHED, types::RUN_REQUESTED, types::RUN_APPROVED];
    kinds.contains(&event.kind.as_str())
}

/// Somebody does something about it.
fn act(event: &Event) -> bool {
    event.kind == types::RUN_REQUESTED || matches!(status_to(event), Some("mitigated" | "resolved"))
}

fn status_to(event: &Event) -> Option<&str> {
    event.data["changes"]["status"]["to"].as_str()
}

fn party(actor: &Actor) -> Option<Party> {
    if actor.0.starts_with("rule:") {
        return Some(Party::Automation);
    }
    person(actor).map(|_| Party::People)
}

/// The person, if the actor is one.
pub fn person(actor: &Actor) -> Option<EntityRef> {
    actor.0.parse::<EntityRef>().ok().filter(|reference| reference.kind() == "user")
}

/// What was done, in a few words.
fn word(event: &Event) -> String {
    match (event.kind.as_str(), status_to(event)) {
        (types::RUN_REQUESTED, _) => format!("the run {}", text(event, "document")),
        (types::RUN_APPROVED, _) => format!("approving {}", text(event, "title")),
        (types::INCIDENT_ATTACHED, _) => "attaching an alarm".to_owned(),
        (types::INCIDENT_NOTE, _) => "a note".to_owned(),
        (_, Some(status)) => format!("the incident's status {status}"),
        _ => "a change of the incident".to_owned(),
    }
}

pub fn seconds(from: Timestamp, to: Timestamp) -> f64 {
    to.duration_since(from).max(SignedDuration::ZERO).as_secs_f64()
}

fn text<'a>(event: &'a Event, field: &str) -> &'a str {
    event.data[field].as_str().unwrap_or_default()
}

fn rows(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

/// When a look at the steady state ended, and whether it was met.
fn look(state: &Value) -> Option<(Timestamp, bool)> {
    let met = state["steady_state_met"].as_bool()?;
    Some((time(&state["probes"].as_array()?.last()?["end"])?, met))
}

fn time(value: &Value) -> Option<Timestamp> {
    value.as_str()?.parse().ok()
}
