//! Game days: an hour in which a team tries out what it believes about its service.
//!
//! A game day is a document that is run. Its run opens a practice incident, plays each experiment as a run of its
//! own, measures from the ledger how long it took to detect, acknowledge and mitigate each fault, and ends in a
//! report. Every step may be begun again after a crash: what it asks for has a key, so that it exists once.
//! [`GameDays`] plays the steps and is what people ask; [`GameDayTask`] announces, starts those that say so, and
//! ends those whose run was cut short; [`state`] decides.
//!
//! What an experiment tries is told by its faults and its tags: a tag may name a failure mode (`latency`, `errors`,
//! `dependency`, `network`, `process`, `cpu`, `memory`, `disk`) or a component.

pub mod coverage;
mod error;
mod host;
mod markdown;
mod measure;
pub mod modes;
mod play;
mod records;
pub mod state;
mod task;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use documents::Loaded;
use documents::game_day::GameDay;
use kernel::{EntityRef, RunId, SharedClock};
use ledger::{Actor, Batch, GameDayOutcome, HypothesisVerdict, Ledger, LedgerError, RunFilter, RunKind, Training, types};
use serde_json::json;
use tokio::sync::watch;

pub use error::GameDayError;
pub use host::{Host, HostError, Practice, Teller};
pub use play::{Ended, report_of};
pub use task::GameDayTask;

pub(crate) use markdown::report;
pub(crate) use records::of_incident;

use crate::postmortems::Postmortems;
use measure::person;

const RUNS_READ: u32 = 1_000;

/// Plays game days and knows what came of them. Cheap to clone.
#[derive(Clone)]
pub struct GameDays {
    ledger: Ledger,
    graph: watch::Receiver<Arc<Loaded>>,
    clock: SharedClock,
    postmortems: Postmortems,
    host: Arc<dyn Host>,
}

type Result<T> = std::result::Result<T, GameDayError>;

impl GameDays {
    pub fn new(ledger: Ledger, graph: watch::Receiver<Arc<Loaded>>, clock: SharedClock, postmortems: Postmortems, host: Arc<dyn Host>) -> Self {
        Self { ledger, graph, clock, postmortems, host }
    }

    /// What came of those that have ended, newest first; of one document if it is named.
    pub async fn outcomes(&self, name: Option<&str>) -> Result<Vec<GameDayOutcome>> {
        Ok(records::outcomes(&self.ledger, name).await?)
    }

    /// Newest first; of one person if it is named.
    pub async fn trainings(&self, user: Option<&EntityRef>) -> Result<Vec<Training>> {
        Ok(records::trainings(&self.ledger, user).await?)
    }

    /// For each component and each failure mode, when it was tried last.
    pub async fn coverage(&self) -> Result<Vec<coverage::Cell>> {
        let loaded = self.graph.borrow().clone();
        let mut runs = self.ledger.runs(&RunFilter { limit: Some(RUNS_READ), ..RunFilter::default() }).await?;
        runs.retain(|run| run.kind == RunKind::Experiment);
        Ok(coverage::matrix(&loaded.graph, &runs))
    }

    /// A person takes part. Said after the end, it counts, too.
    pub async fn join(&self, run: &RunId, actor: &Actor) -> Result<()> {
        let user = person(actor).ok_or_else(|| GameDayError::NoPerson { actor: actor.0.clone() })?;
        let begun = self.begun(run).await?;
        let event = records::event(&begun.name, &begun.name, types::GAME_DAY_JOINED, json!({}))
            .actor(actor.clone())
            .run(run.clone())
            .incident(begun.incident)
            .key(format!("game-day-joined:{run}/{user}"));
        self.ledger.commit(Batch::new().event(event)).await?;
        self.revise(run).await
    }

    /// A person says what became of a hypothesis, counted from 0; the last word counts.
    pub async fn judge(&self, run: &RunId, index: usize, verdict: HypothesisVerdict, because: &str, actor: &Actor) -> Result<()> {
        person(actor).ok_or_else(|| GameDayError::NoPerson { actor: actor.0.clone() })?;
        let begun = self.begun(run).await?;
        let day = self.day(&begun.name)?;
        let hypothesis = day.hypotheses.get(index).ok_or(GameDayError::NoHypothesis { index, count: day.hypotheses.len() })?;
        let data = json!({ "index": index, "hypothesis": hypothesis.text, "verdict": verdict, "because": because.trim() });
        let event = records::event(&begun.name, &begun.name, types::GAME_DAY_JUDGED, data).actor(actor.clone()).run(run.clone()).incident(begun.incident);
        self.ledger.commit(Batch::new().event(event)).await?;
        self.revise(run).await
    }

    /// Announces, starts and ends game days in the background.
    pub fn task(&self) -> GameDayTask {
        GameDayTask::new(self.clone())
    }

    async fn begun(&self, run: &RunId) -> Result<records::Begun> {
        records::begun(&self.ledger, run).await?.ok_or_else(|| GameDayError::NotBegun { run: run.clone() })
    }

    fn day(&self, name: &str) -> Result<GameDay> {
        let day = self.graph.borrow().graph.game_days.get(name).cloned();
        day.ok_or_else(|| GameDayError::Unknown { name: name.to_owned() })
    }

    /// What was said after the end is taken into the result and, as long as nobody has changed it, the report.
    async fn revise(&self, run: &RunId) -> Result<()> {
        let Some(before) = records::outcome_of_run(&self.ledger, run).await? else { return Ok(()) };
        let begun = self.begun(run).await?;
        let facts = self.gather(&begun, before.ended_at, before.reason.clone()).await?;
        let mut outcome = GameDayOutcome { report: before.report, report_error: before.report_error, ..facts };
        self.write_report(&mut outcome).await;
        let data = json!({ "outcome": outcome });
        let event = records::event(&outcome.name, &outcome.title, types::GAME_DAY_REVISED, data).run(run.clone()).incident(outcome.incident);
        self.ledger.commit(Batch::new().event(event)).await?;
        Ok(self.prove_trainings(&outcome).await?)
    }

    /// Each in a batch of its own: one that is on record already changes nothing.
    async fn prove_trainings(&self, outcome: &GameDayOutcome) -> std::result::Result<(), LedgerError> {
        for event in records::training_events(outcome) {
            self.ledger.commit(Batch::new().event(event)).await?;
        }
        Ok(())
    }
}
