//! Configurations and feature flags: which version of which profile somebody gets.
//!
//! What is served is what the folder of documents says now. A profile that breaks stays served in its last good
//! version until it is mended. While a new version goes out in steps, [`version_for`] decides who has it already.

mod error;
mod state;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use documents::Loaded;
use documents::config_profile::ConfigContent;
use parking_lot::Mutex;
use tokio::sync::watch;

pub use error::ConfigError;
pub use state::{Rollout, Scope, Seat, Served, ServedProfile, version_for};

/// How far the new version of a profile has gone out in an environment. Whoever carries rollouts out answers.
pub trait Rollouts: Send + Sync {
    /// None once everybody has the version of the folder.
    fn of(&self, profile: &str, environment: &str) -> Option<Rollout>;
}

/// Every new version is for everybody at once.
#[derive(Debug, Clone, Copy)]
pub struct AtOnce;

impl Rollouts for AtOnce {
    fn of(&self, _: &str, _: &str) -> Option<Rollout> {
        None
    }
}

/// Cheap to clone.
#[derive(Clone)]
pub struct Configurations {
    documents: watch::Receiver<Arc<Loaded>>,
    rollouts: Arc<dyn Rollouts>,
    last: Arc<Mutex<Last>>,
}

/// The folder as it was last looked at, and what is served of it.
struct Last {
    loaded: Arc<Loaded>,
    served: Arc<Served>,
}

impl Configurations {
    pub fn new(documents: watch::Receiver<Arc<Loaded>>, rollouts: Arc<dyn Rollouts>) -> Self {
        let loaded = documents.borrow().clone();
        let served = Arc::new(Served::after(&Served::default(), &loaded));
        Self { documents, rollouts, last: Arc::new(Mutex::new(Last { loaded, served })) }
    }

    /// What is served now.
    pub fn served(&self) -> Arc<Served> {
        let loaded = self.documents.borrow();
        let mut last = self.last.lock();
        if !Arc::ptr_eq(&last.loaded, &loaded) {
            last.served = Arc::new(Served::after(&last.served, &loaded));
            last.loaded = loaded.clone();
        }
        last.served.clone()
    }

    /// The version that an entity gets of a profile in an environment.
    pub fn version(&self, seat: &Seat<'_>, entity: Option<&str>) -> Arc<ConfigContent> {
        let rollout = self.rollouts.of(&seat.profile.name, &seat.environment.name);
        version_for(seat, rollout.as_ref(), entity).clone()
    }

    /// Wakes when the documents change.
    pub fn watch(&self) -> watch::Receiver<Arc<Loaded>> {
        self.documents.clone()
    }
}
