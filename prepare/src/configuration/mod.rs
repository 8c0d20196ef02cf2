//! Configurations and feature flags: which version of which profile somebody gets.
//!
//! A profile is as the folder of documents has it now, and one that breaks stays in its last good version until it is
//! mended. Which of its versions is served, and to whom, stands in the ledger: [`rollouts`] has a new one go out, and
//! [`version_for`] decides who has it already.

mod error;
pub mod rollouts;
mod state;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use documents::Loaded;
use documents::config_profile::ConfigContent;
use ledger::ConfigRollout;
use parking_lot::Mutex;
use tokio::sync::watch;

pub use error::ConfigError;
pub use rollouts::{RolloutTask, Rollouts};
pub use state::{Coming, Scope, Seat, Served, ServedProfile, Standing, version_for};

/// Cheap to clone.
#[derive(Clone)]
pub struct Configurations {
    documents: watch::Receiver<Arc<Loaded>>,
    rollouts: Rollouts,
    last: Arc<Mutex<Last>>,
}

/// The folder as it was last looked at, and what is served of it.
struct Last {
    loaded: Arc<Loaded>,
    served: Arc<Served>,
}

impl Configurations {
    pub fn new(documents: watch::Receiver<Arc<Loaded>>, rollouts: Rollouts) -> Self {
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
        let held = self.rollouts.of(&seat.profile.name, &seat.environment.name);
        version_for(seat, held.as_ref().map(|held| &held.standing), entity).clone()
    }

    /// The one set of flags in a scope that has a key for an entity, and the version that they get of it.
    pub fn flag<'s>(&self, served: &'s Served, scope: &Scope, key: &str, entity: Option<&str>) -> Result<(Seat<'s>, Arc<ConfigContent>), ConfigError> {
        let has = |seat: &Seat<'_>| self.version(seat, entity).flags.as_ref().is_some_and(|set| set.contains(key));
        let seat = served.flag(scope, key, has)?;
        let content = self.version(&seat, entity);
        Ok((seat, content))
    }

    /// What is on record of a profile in an environment; none before its first version is.
    pub fn record(&self, seat: &Seat<'_>) -> Option<ConfigRollout> {
        self.rollouts.of(&seat.profile.name, &seat.environment.name).map(|held| held.record.clone())
    }

    pub fn rollouts(&self) -> &Rollouts {
        &self.rollouts
    }

    /// Wakes when somebody may get something else than before.
    pub fn watch(&self) -> Changes {
        Changes { documents: self.documents.clone(), rollouts: self.rollouts.watch() }
    }
}

/// Tells that the folder or a share has changed.
pub struct Changes {
    documents: watch::Receiver<Arc<Loaded>>,
    rollouts: watch::Receiver<Arc<rollouts::View>>,
}

impl Changes {
    /// What has changed until now is known.
    pub fn mark_unchanged(&mut self) {
        self.documents.mark_unchanged();
        self.rollouts.mark_unchanged();
    }

    /// None when nothing will change any more.
    pub async fn changed(&mut self) -> Option<()> {
        tokio::select! {
            changed = self.documents.changed() => changed.ok(),
            changed = self.rollouts.changed() => changed.ok(),
        }
    }
}
