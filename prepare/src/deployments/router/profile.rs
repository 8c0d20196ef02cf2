//! The server itself, for configurations: it serves the new version to the share that is on record.

use async_trait::async_trait;
use kernel::RunId;

use super::{Router, RouterError, Shares};
use crate::configuration::Rollouts;
use crate::configuration::rollouts::{Place, ReachError};

pub struct ProfileRouter {
    pub rollouts: Rollouts,
    pub place: Place,
    /// On whose behalf.
    pub run: RunId,
}

#[async_trait]
impl Router for ProfileRouter {
    async fn set(&self, shares: &Shares) -> Result<(), RouterError> {
        self.rollouts.reach(&self.place, &self.run, &shares.new, shares.weight).await.map_err(|error| match error {
            ReachError::NotItsTurn(error) => RouterError::Refused { url: self.place.name(), said: error.to_string() },
            ReachError::Ledger(error) => RouterError::Unreachable { url: self.place.name(), reason: error.to_string() },
        })
    }
}
