//! Announces game days, starts those that say so, and ends those whose run was cut short.

use std::collections::BTreeSet;
use std::time::Duration;

use async_trait::async_trait;
use documents::game_day::GameDay;
use kernel::task::{Pass, Task, TaskError};
use kernel::{RunId, Timestamp};
use ledger::{Actor, Batch, NewEvent, OutputChunk, OutputKind, Run, types};
use serde_json::json;

use super::play::report_of;
use super::{GameDays, Result, records, state};

const INTERVAL: Duration = Duration::from_secs(15);
/// Game days that may be under way, or wait for their end.
const LATEST: u32 = 50;
const PAGE: u32 = 1_000;

/// Every server may do this work: all that it writes has a key.
pub struct GameDayTask {
    days: GameDays,
}

impl GameDayTask {
    pub(super) fn new(days: GameDays) -> Self {
        Self { days }
    }

    /// When something is due next.
    async fn keep_appointments(&self, now: Timestamp) -> Result<(usize, Option<Timestamp>)> {
        let loaded = self.days.graph.borrow().clone();
        let mut done = 0;
        for day in loaded.graph.game_days.values() {
            let due = [announced(day, now), started(day, now)];
            for event in due.into_iter().flatten() {
                done += usize::from(self.days.ledger.commit(Batch::new().event(event)).await?.written);
            }
        }
        Ok((done, loaded.graph.game_days.values().filter_map(|day| state::next_due(day, now)).min()))
    }

    /// A run that was cancelled, or whose time was over, has not ended its game day.
    async fn end_what_was_cut(&self) -> Result<usize> {
        let ledger = &self.days.ledger;
        let ended: BTreeSet<RunId> = records::outcomes(ledger, None).await?.into_iter().map(|outcome| outcome.run).collect();
        let mut done = 0;
        for begun in records::latest_begun(ledger, LATEST).await? {
            if ended.contains(&begun.run) {
                continue;
            }
            let run = ledger.run(&begun.run).await?;
            if run.status.is_final() && self.nothing_plays(&run).await? && self.days.day(&run.document).is_ok() {
                self.end(&run).await?;
                done += 1;
            }
        }
        Ok(done)
    }

    /// Ends what still plays; true once all of it has ended.
    async fn nothing_plays(&self, run: &Run) -> Result<bool> {
        let mut quiet = true;
        for (_, child) in records::plays(&self.days.ledger, &run.id).await? {
            let child = self.days.ledger.run(&child).await?;
            if !child.status.is_final() {
                quiet = false;
                if !child.cancel_requested {
                    self.days.host.cancel(&child.id, &Actor::system()).await?;
                }
            }
        }
        Ok(quiet)
    }

    async fn end(&self, run: &Run) -> Result<()> {
        let reason = run.error.clone().unwrap_or_else(|| "its run ended early".to_owned());
        let outcome = self.days.conclude(run, Some(reason)).await?;
        let ledger = &self.days.ledger;
        let steps = ledger.steps(&run.id).await?;
        let mut last = -1;
        while let Some(chunk) = ledger.output(&run.id, last, PAGE).await?.pop() {
            last = chunk.sequence;
        }
        let report = OutputChunk {
            run: run.id.clone(),
            step: steps.last().map_or(0, |step| step.index),
            sequence: last + 1,
            kind: OutputKind::Report,
            time: self.days.clock.now(),
            data: report_of(&outcome, true).to_string(),
        };
        Ok(ledger.commit(Batch::new().output(report)).await.map(drop)?)
    }
}

#[async_trait]
impl Task for GameDayTask {
    fn name(&self) -> &'static str {
        "game-days"
    }

    fn interval(&self) -> Duration {
        INTERVAL
    }

    async fn pass(&self) -> std::result::Result<Pass, TaskError> {
        if self.days.graph.borrow().graph.root.as_os_str().is_empty() {
            return Ok(Pass { summary: "the documents are not read yet".to_owned(), next: None });
        }
        let (announced, next) = self.keep_appointments(self.days.clock.now()).await?;
        let ended = self.end_what_was_cut().await?;
        Ok(Pass { summary: format!("{announced} announced or started, {ended} ended"), next })
    }
}

fn announced(day: &GameDay, now: Timestamp) -> Option<NewEvent> {
    let ahead = state::announcement(day, now)?;
    let schedule = day.schedule?;
    let left = Duration::try_from(schedule.start.duration_since(now)).unwrap_or_default();
    let when = format!("in {}", kernel::format_duration(Duration::from_secs(left.as_secs() / 60 * 60).max(Duration::from_secs(60))));
    let data = json!({
        "goal": day.goal, "start": schedule.start, "when": when, "automatic": schedule.automatic, "participants": day.participants,
        "components": day.components, "component": day.components.first(), "experiments": day.experiments,
    });
    let event = records::event(&day.name, day.title.as_deref().unwrap_or(&day.name), types::GAME_DAY_ANNOUNCED, data);
    Some(event.key(format!("game-day-announced:{}/{}/{}", day.name, schedule.start, ahead.as_secs())))
}

fn started(day: &GameDay, now: Timestamp) -> Option<NewEvent> {
    let schedule = day.schedule.filter(|_| state::starts_itself(day, now))?;
    let event = records::event(&day.name, day.title.as_deref().unwrap_or(&day.name), types::RUN_REQUESTED, json!({ "parameters": {} }));
    Some(event.actor(Actor(format!("game-day:{}", day.name))).run(RunId::random()).key(format!("game-day-started:{}/{}", day.name, schedule.start)))
}
