//! One load that is open to runners.

use std::sync::Arc;
use std::time::Duration;

use kernel::{RunId, Timestamp};
use scenario::load::Outcome;
use serde::{Deserialize, Serialize};

use super::desk::Inner;
use super::state::Shares;

/// What every share of a load has in common.
#[derive(Debug, Clone, PartialEq)]
pub struct Offer {
    pub run: RunId,
    /// The script's name.
    pub document: String,
    /// SHA-256 of the script: all play the same.
    pub digest: String,
    pub environment: Option<String>,
    pub target: Option<String>,
    /// Decides random arrivals, so that all lay out the same plan.
    pub seed: u64,
    pub test_id: String,
    pub of: u64,
    /// The part of the requests whose traces are recorded, from 0 to 1.
    pub traced: f64,
}

/// How a share ends, in its runner's words.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    Played(Box<Outcome>),
    Failed(String),
    /// Before the start: the runner cannot play this load, and says why.
    Refused(String),
}

/// The load of a run, open to runners for as long as this lives.
pub struct Opened {
    pub(super) desk: Arc<Inner>,
    pub(super) run: RunId,
}

impl Opened {
    /// Looks at the shares as they are now, and may change them.
    pub fn with<T>(&self, look: impl FnOnce(&mut Shares, Timestamp) -> T) -> Option<T> {
        let now = self.desk.clock.now();
        let mut desk = self.desk.state.lock();
        let shared = desk.runs.iter_mut().find(|shared| shared.offer.run == self.run)?;
        shared.shares.lapse(now);
        let seen = look(&mut shared.shares, now);
        drop(desk);
        Some(seen)
    }

    /// Returns when something may have changed.
    pub async fn changed(&self) {
        let mut changes = self.desk.changes.subscribe();
        // A lease lapses without a word.
        let _ = tokio::time::timeout(LOOK_AGAIN, changes.changed()).await;
    }
}

const LOOK_AGAIN: Duration = Duration::from_millis(200);

impl Drop for Opened {
    fn drop(&mut self) {
        self.desk.state.lock().runs.retain(|shared| shared.offer.run != self.run);
        self.desk.tell();
    }
}
