//! Experiments as runs: what happens is told line by line, and the journal is the report.

use std::collections::BTreeMap;
use std::path::PathBuf;

use async_trait::async_trait;
use documents::experiment::{Activity, RollbackStrategy};
use evolve::experiments::{self, Around, Observer, Part, Row, Settings, SteadyState};
use kernel::SharedClock;
use prepare::runs::playable::ROLLBACKS;
use prepare::runs::{Play, Played, Player};
use serde_json::json;
use tokio::sync::mpsc;

use super::House;

pub struct ExperimentPlayer {
    pub house: House,
    pub clock: SharedClock,
    /// Of the documents; paths of an experiment begin at its own folder.
    pub root: PathBuf,
    /// What experiments find in their environment besides the server's own.
    pub environment: BTreeMap<String, String>,
}

#[async_trait]
impl Player for ExperimentPlayer {
    async fn play(&self, play: Play) -> Played {
        let Some(experiment) = play.loaded.graph.experiments.get(&play.run.document) else {
            return Played::failed("the experiment is no longer among the documents");
        };
        if experiment.digest != play.run.document_digest {
            return Played::failed("the experiment was changed after the run was requested; request it again");
        }
        let folder = self.root.join(&experiment.origin.path);
        // Whoever must approve has done so before the step begins.
        let settings = Settings {
            approved: true,
            folder: folder.parent().unwrap_or(&self.root).to_owned(),
            environment: self.environment.clone(),
            rollbacks: play.run.parameters.get(ROLLBACKS).and_then(|rule| RollbackStrategy::named(rule)),
            ..Settings::default()
        };
        let (told, mut lines) = Told::channel();
        let platform = self.house.for_play(&play);
        let around = Around { platform: &platform, clock: &self.clock, observer: &told, cancel: &play.ending };
        let telling = async {
            while let Some(line) = lines.recv().await {
                play.reporter.line(line).await;
            }
        };
        let playing = async {
            let journal = experiments::play(experiment, &settings, around).await;
            told.end();
            journal
        };
        let (journal, ()) = tokio::join!(playing, telling);
        match journal {
            Err(refused) => Played::failed(refused),
            Ok(journal) => {
                play.reporter.report(&json!({ "report": "experiment", "journal": journal })).await;
                let reasons = &journal.verdict.reasons;
                Played { error: (!reasons.is_empty()).then(|| reasons.join("; ")), ..Played::default() }
            }
        }
    }
}

/// Tells an experiment in lines for people.
pub struct Told {
    lines: parking_lot::Mutex<Option<mpsc::UnboundedSender<String>>>,
}

impl Told {
    pub fn channel() -> (Self, mpsc::UnboundedReceiver<String>) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (Self { lines: parking_lot::Mutex::new(Some(sender)) }, receiver)
    }

    /// Nothing more is told, and whoever listens is done.
    pub fn end(&self) {
        self.lines.lock().take();
    }

    fn tell(&self, line: String) {
        if let Some(lines) = &*self.lines.lock() {
            // Whoever does not listen any more has heard enough.
            let _ = lines.send(line);
        }
    }
}

impl Observer for Told {
    fn part_began(&self, part: Part) {
        self.tell(format!("{}:", part.name()));
    }

    fn activity_began(&self, _: Part, _: usize, activity: &Activity) {
        self.tell(format!("  … {}", activity.name));
    }

    fn activity_ended(&self, _: Part, _: usize, row: &Row) {
        self.tell(match row.fault() {
            None => format!("  ✓ {} ({:.2} s)", row.name(), row.duration),
            Some(fault) => format!("  ✗ {} ({:.2} s): {fault}", row.name(), row.duration),
        });
    }

    fn hypothesis_judged(&self, part: Part, state: &SteadyState) {
        self.tell(format!("{}: {}", part.name(), if state.steady_state_met { "it holds" } else { "it does not hold" }));
    }

    fn noted(&self, text: &str) {
        self.tell(text.to_owned());
    }
}
