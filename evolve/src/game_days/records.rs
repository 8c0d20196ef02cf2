//! What the ledger knows of game days. Their events are all there is; nothing else is kept.

use std::collections::BTreeSet;

use kernel::{EntityRef, IncidentId, RunId, Timestamp};
use ledger::{Actor, Event, EventFilter, GameDayOutcome, Ledger, LedgerError, NewEvent, OutputKind, Position, Run, Training, types};
use serde_json::Value;

const SOURCE: &str = "/evolve/game-days";
const EVENTS_MAX: u32 = 5_000;
const OUTCOMES_MAX: u32 = 200;
const PAGE: u32 = 500;

/// A game day that has begun.
#[derive(Debug, Clone, PartialEq)]
pub struct Begun {
    /// The document's name.
    pub name: String,
    pub run: RunId,
    pub incident: IncidentId,
    pub at: Timestamp,
    pub position: Position,
}

pub fn event(name: &str, title: &str, kind: &str, mut data: Value) -> NewEvent {
    data["document"] = name.into();
    data["title"] = title.into();
    NewEvent::new(SOURCE, kind, data).subject(name)
}

/// The beginning of this run, if it has begun.
pub async fn begun(ledger: &Ledger, run: &RunId) -> Result<Option<Begun>, LedgerError> {
    Ok(of_run(ledger, run, types::GAME_DAY_BEGAN).await?.and_then(|event| begun_by(&event)))
}

/// The latest to begin, newest first.
pub async fn latest_begun(ledger: &Ledger, limit: u32) -> Result<Vec<Begun>, LedgerError> {
    let filter = EventFilter { kinds: vec![types::GAME_DAY_BEGAN.to_owned()], newest_first: true, limit: Some(limit), ..EventFilter::default() };
    Ok(ledger.events(&filter).await?.iter().filter_map(begun_by).collect())
}

fn begun_by(event: &Event) -> Option<Begun> {
    Some(Begun { name: event.subject.clone()?, run: event.run.clone()?, incident: event.incident?, at: event.time, position: event.position })
}

/// The latest event of a type that belongs to this run.
pub async fn of_run(ledger: &Ledger, run: &RunId, kind: &str) -> Result<Option<Event>, LedgerError> {
    let filter = EventFilter { kinds: vec![kind.to_owned()], run: Some(run.clone()), newest_first: true, limit: Some(1), ..EventFilter::default() };
    Ok(ledger.events(&filter).await?.pop())
}

/// The runs of the day's experiments, by their place among them.
pub async fn plays(ledger: &Ledger, run: &RunId) -> Result<Vec<(u64, RunId)>, LedgerError> {
    let filter = EventFilter { kinds: vec![types::GAME_DAY_PLAYED.to_owned()], run: Some(run.clone()), ..EventFilter::default() };
    let events = ledger.events(&filter).await?;
    Ok(events.iter().filter_map(|event| Some((event.data["index"].as_u64()?, event.data["experiment_run"].as_str()?.parse().ok()?))).collect())
}

/// Everything that its measures are taken from, in the order of the ledger.
pub async fn around(ledger: &Ledger, begun: &Begun) -> Result<Vec<Event>, LedgerError> {
    let before = Some(Position(begun.position.0.saturating_sub(1)));
    let filters = [
        EventFilter { incident: Some(begun.incident), limit: Some(EVENTS_MAX), ..EventFilter::default() },
        EventFilter { run: Some(begun.run.clone()), limit: Some(EVENTS_MAX), ..EventFilter::default() },
        EventFilter { after: before, kinds: vec!["dev.mainstay.alarm.".to_owned()], limit: Some(EVENTS_MAX), ..EventFilter::default() },
    ];
    let mut events = Vec::new();
    for filter in &filters {
        events.extend(ledger.events(filter).await?);
    }
    events.sort_by_key(|event| event.position);
    events.dedup_by_key(|event| event.position);
    Ok(events)
}

/// What an experiment's run reported, in the toolkit's format.
pub async fn journal(ledger: &Ledger, run: &Run) -> Result<Option<Value>, LedgerError> {
    let mut after = -1;
    let mut journal = None;
    loop {
        let chunks = ledger.output(&run.id, after, PAGE).await?;
        let Some(last) = chunks.last() else { return Ok(journal) };
        after = last.sequence;
        for chunk in chunks.iter().filter(|chunk| chunk.kind == OutputKind::Report) {
            let report: Value = serde_json::from_str(&chunk.data).unwrap_or_default();
            if report["report"] == "experiment" {
                journal = Some(report["journal"].clone());
            }
        }
    }
}

/// Newest first; those of one document if it is named. What was revised is told as it was revised last.
pub async fn outcomes(ledger: &Ledger, name: Option<&str>) -> Result<Vec<GameDayOutcome>, LedgerError> {
    let filter = EventFilter {
        kinds: vec![types::GAME_DAY_ENDED.to_owned(), types::GAME_DAY_REVISED.to_owned()],
        subject: name.map(str::to_owned),
        newest_first: true,
        limit: Some(OUTCOMES_MAX),
        ..EventFilter::default()
    };
    let mut seen = BTreeSet::new();
    let mut outcomes: Vec<GameDayOutcome> = ledger.events(&filter).await?.iter().filter_map(outcome_of).filter(|outcome| seen.insert(outcome.run.clone())).collect();
    outcomes.sort_by_key(|outcome| std::cmp::Reverse(outcome.began_at));
    Ok(outcomes)
}

pub async fn outcome_of_run(ledger: &Ledger, run: &RunId) -> Result<Option<GameDayOutcome>, LedgerError> {
    let revised = of_run(ledger, run, types::GAME_DAY_REVISED).await?;
    let told = match revised {
        Some(revised) => Some(revised),
        None => of_run(ledger, run, types::GAME_DAY_ENDED).await?,
    };
    Ok(told.as_ref().and_then(outcome_of))
}

/// What the game day of a practice incident came to, once it has ended.
pub async fn of_incident(ledger: &Ledger, incident: IncidentId) -> Result<Option<GameDayOutcome>, LedgerError> {
    let filter = EventFilter { kinds: vec![types::GAME_DAY_BEGAN.to_owned()], incident: Some(incident), limit: Some(1), ..EventFilter::default() };
    match ledger.events(&filter).await?.pop().and_then(|event| event.run) {
        Some(run) => outcome_of_run(ledger, &run).await,
        None => Ok(None),
    }
}

fn outcome_of(event: &Event) -> Option<GameDayOutcome> {
    serde_json::from_value(event.data["outcome"].clone()).ok()
}

/// Newest first; of one person if it is named.
pub async fn trainings(ledger: &Ledger, user: Option<&EntityRef>) -> Result<Vec<Training>, LedgerError> {
    let filter = EventFilter {
        kinds: vec![types::TRAINING_PROVED.to_owned()],
        subject: user.map(ToString::to_string),
        newest_first: true,
        limit: Some(EVENTS_MAX),
        ..EventFilter::default()
    };
    Ok(ledger.events(&filter).await?.into_iter().filter_map(|event| serde_json::from_value(event.data["training"].clone()).ok()).collect())
}

/// One for each who took part and whose role is not on record yet.
pub fn training_events(outcome: &GameDayOutcome) -> Vec<NewEvent> {
    let present = outcome.participants.iter().filter(|one| one.took_part);
    let proved = present.map(|one| {
        let training = Training {
            user: one.user.clone(),
            role: one.role.clone(),
            at: outcome.ended_at,
            game_day: outcome.name.clone(),
            run: outcome.run.clone(),
            incident: outcome.incident,
        };
        event(&outcome.name, &outcome.title, types::TRAINING_PROVED, serde_json::json!({ "training": training, "role": one.role }))
            .subject(one.user.to_string())
            .actor(Actor::system())
            .run(outcome.run.clone())
            .incident(outcome.incident)
            .key(format!("training:{}/{}/{}", outcome.run, one.user, one.role))
    });
    proved.collect()
}
