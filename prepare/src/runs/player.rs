//! The port for steps that are neither a process nor a query: scenarios, experiments and game days.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use documents::Loaded;
use ledger::{OutputKind, Run, RunAttachment, Step};
use secrecy::SecretString;
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use super::change::StepResult;
use super::output::Output;

/// Plays the steps of one language. Whoever wires the rooms together gives the executor its players.
#[async_trait]
pub trait Player: Send + Sync {
    async fn play(&self, play: Play) -> Played;
}

/// By the language of the step: `scenario`, `experiment`, `game-day`.
pub type Players = BTreeMap<&'static str, Arc<dyn Player>>;

/// What is to be played, and for whom.
pub struct Play {
    pub run: Run,
    pub step: Step,
    /// The documents as they stand. The step's document is the one that was requested if its digest is
    /// the run's.
    pub loaded: Arc<Loaded>,
    pub reporter: Reporter,
    /// Cancelled when the step must end: then a player undoes what it did and returns soon.
    pub ending: CancellationToken,
}

/// How a step was played.
#[derive(Debug, Default)]
pub struct Played {
    pub outputs: BTreeMap<String, String>,
    /// Why the step failed.
    pub error: Option<String>,
}

impl Played {
    pub fn failed(error: impl ToString) -> Self {
        Self { error: Some(error.to_string()), ..Self::default() }
    }
}

impl From<Played> for StepResult {
    fn from(played: Played) -> Self {
        Self { outputs: played.outputs, error: played.error, ..Self::default() }
    }
}

/// Where a player tells how it goes.
#[derive(Clone)]
pub struct Reporter {
    output: Output,
    step: u32,
}

impl Reporter {
    pub(super) fn new(output: Output, step: u32) -> Self {
        Self { output, step }
    }

    /// A line for people.
    pub async fn line(&self, text: impl Into<String>) {
        self.output.write(self.step, OutputKind::Stdout, text.into() + "\n").await;
    }

    /// From now on this is shown nowhere in the run, neither in lines and reports nor in what it hands out.
    pub fn hide(&self, secret: &SecretString) {
        self.output.hide(secret);
    }

    /// A file that belongs to the run.
    pub async fn attach(&self, attachment: RunAttachment) {
        self.output.attach(attachment).await;
    }

    /// The report so far; a later one of the same step takes its place.
    pub async fn report(&self, report: &impl Serialize) {
        match serde_json::to_string(report) {
            Ok(json) => self.output.write(self.step, OutputKind::Report, json).await,
            Err(error) => tracing::error!(%error, "a report could not be written as JSON"),
        }
    }
}
