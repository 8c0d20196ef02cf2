//! Chaos experiments in Chaos Toolkit's format: a hypothesis about the steady state, what is done to the
//! system, and how it is put back.
//!
//! [`play`] checks first that everything an experiment needs is there, and refuses it otherwise. Then it looks
//! at the hypothesis, plays the method while it watches the stop conditions, looks again, lifts every fault,
//! plays the rollbacks, and answers with a [`Journal`] in the toolkit's format. What it decides, it decides in
//! pure modules: [`state`], [`tolerance`] and [`substitute`].
//!
//! Source: Chaos Toolkit, "An Open API for Chaos Engineering Experiments" and "Experiment Journal". Where the
//! toolkit's code differs from these, its own way is [`Settings::compatible`]; `docs/chaos-toolkit.md` lists
//! the differences.

pub mod conformance;
mod error;
pub mod journal;
mod observer;
mod platform;
mod prepare;
mod programs;
mod providers;
mod redact;
mod runner;
mod settings;
pub mod state;
pub mod substitute;
pub mod tolerance;
mod values;
mod vault;

use documents::experiment::Experiment;
use kernel::SharedClock;
use tokio_util::sync::CancellationToken;

pub use error::ExperimentError;
pub use journal::{Journal, Row, RowStatus, Status, SteadyState};
pub use observer::{Observer, Part, Unwatched};
pub use platform::{Begun, Filled, NoPlatform, Platform, PlatformError, Sample};
pub use settings::Settings;

/// What surrounds an experiment while it is played.
#[derive(Clone, Copy)]
pub struct Around<'a> {
    pub platform: &'a dyn Platform,
    pub clock: &'a SharedClock,
    pub observer: &'a dyn Observer,
    /// Cancelled, it interrupts the experiment: activities end, faults lift, rollbacks follow their strategy.
    pub cancel: &'a CancellationToken,
}

/// Plays an experiment to its end. An error means that nothing was done.
pub async fn play(experiment: &Experiment, settings: &Settings, around: Around<'_>) -> Result<Journal, ExperimentError> {
    let player = prepare::prepare(experiment, settings, around).await?;
    Ok(player.play().await)
}
