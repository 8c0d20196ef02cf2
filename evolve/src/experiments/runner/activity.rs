//! One activity, with its pauses and the controls around it.

use std::time::Duration;

use documents::experiment::{Activity, Step};
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use serde_json::Value;

use super::controls::{Level, When};
use super::rows::Rows;
use super::{Part, Player};
use crate::experiments::journal::Row;
use crate::experiments::providers::{Outcome, complaint};
use crate::experiments::tolerance::Mode;

impl Player<'_> {
    /// Plays steps in their order, those in the background beside the others, and waits for all. `stop` is
    /// asked after each.
    pub(super) async fn steps(&self, part: Part, steps: &[Step], rows: &Rows, stop: &(dyn Fn() -> bool + Sync)) {
        let level = if part == Part::Rollbacks { Level::Rollback } else { Level::Method };
        let title = &self.experiment.title;
        self.control(level, When::Before, &[], title).await;
        let mut background = FuturesUnordered::new();
        for step in steps {
            let Some(activity) = self.activity(step) else { continue };
            // A `ref` says nothing of the background itself.
            if activity.background && matches!(step, Step::Activity(_)) {
                background.push(self.execute(part, activity, rows));
                continue;
            }
            let mut foreground = std::pin::pin!(self.execute(part, activity, rows));
            loop {
                tokio::select! {
                    biased;
                    Some(_) = background.next(), if !background.is_empty() => {}
                    _ = &mut foreground => break,
                }
            }
            if stop() {
                break;
            }
        }
        while background.next().await.is_some() {}
        self.control(level, When::After, &[], title).await;
    }

    /// Answers with the outcome itself, which tolerances judge, and the row that the journal keeps.
    pub(super) async fn execute(&self, part: Part, activity: &Activity, rows: &Rows) -> (Outcome, Row) {
        self.control(Level::Activity, When::Before, &activity.controls, &activity.name).await;
        self.pause(activity.pauses.before.as_ref()).await;
        let index = rows.begin(activity.document.clone(), self.now());
        self.around.observer.activity_began(part, index, activity);
        let outcome = self.providers.carry_out(activity, &self.names).await;
        let row = rows.end(index, outcome.clone(), self.complaint(part, activity, &outcome), self.now(), &self.redaction);
        self.around.observer.activity_ended(part, index, &row);
        self.pause(activity.pauses.after.as_ref()).await;
        self.control(Level::Activity, When::After, &activity.controls, &activity.name).await;
        (outcome, row)
    }

    /// The toolkit only warns. A hypothesis has tolerances to judge with.
    fn complaint(&self, part: Part, activity: &Activity, outcome: &Outcome) -> Option<String> {
        let judged = !matches!(part, Part::Method | Part::Rollbacks) || self.mode == Mode::Compatible;
        outcome.as_ref().ok().filter(|_| !judged).and_then(|output| complaint(activity, output))
    }

    async fn pause(&self, seconds: Option<&Value>) {
        let Some(seconds) = seconds.map(|seconds| self.names.fill(seconds)) else { return };
        let number = seconds.as_f64().or_else(|| seconds.as_str()?.trim().parse().ok());
        match number.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()) {
            Some(pause) => self.sleep(pause).await,
            None => self.around.observer.noted(&format!("a pause of {seconds} is no number of seconds; there is none")),
        }
    }

    pub(super) async fn sleep(&self, duration: Duration) {
        // A pause past the end of time lasts until somebody interrupts it.
        match self.now().checked_add(duration) {
            Ok(deadline) => self.around.clock.sleep_until(deadline).await,
            Err(_) => std::future::pending().await,
        }
    }
}
