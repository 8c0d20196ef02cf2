//! Compares what the folder has with what is served, and has what is new go out.

use std::time::Duration;

use async_trait::async_trait;
use jiff::SignedDuration;
use kernel::SharedClock;
use kernel::task::{Pass, Task, TaskError};
use ledger::{Actor, Batch, ConfigComing, ConfigRollout, Lease, LedgerError, RunStatus, types};
use serde_json::json;
use tokio::sync::Mutex;

use super::state::{self, Carried, Next, Wanted};
use super::{Place, Rollouts, event, kept, wanted};
use crate::configuration::{Configurations, Seat, ServedProfile};
use crate::deployments::{FROM, VERSION};
use crate::runs::{Request, RunError, Runs};

const INTERVAL: Duration = Duration::from_secs(5);
/// From a version that is taken back to the next one that begins, in one pass.
const STEPS_MAX: usize = 4;
/// Servers that share a ledger may read their folders at different times, so one of them decides.
const LEASE: &str = "prepare/configuration";
const LEASE_TTL: Duration = Duration::from_secs(15);
const RENEW_BEFORE: SignedDuration = SignedDuration::from_secs(10);

/// Give it to the task driver with a wake by the ledger and by the documents.
pub struct RolloutTask {
    configurations: Configurations,
    rollouts: Rollouts,
    runs: Runs,
    clock: SharedClock,
    /// This server's name among those that share the ledger.
    holder: String,
    lease: Mutex<Option<Lease>>,
}

impl RolloutTask {
    pub fn new(configurations: Configurations, runs: Runs, clock: SharedClock, holder: &str) -> Self {
        let rollouts = configurations.rollouts().clone();
        Self { configurations, rollouts, runs, clock, holder: holder.to_owned(), lease: Mutex::default() }
    }

    async fn hold(&self) -> Result<Option<Lease>, LedgerError> {
        let mut held = self.lease.lock().await;
        if let Some(lease) = held.take() {
            *held = match lease.expires_at.duration_since(self.clock.now()) > RENEW_BEFORE {
                true => Some(lease),
                false => self.rollouts.ledger.renew_lease(&lease, LEASE_TTL).await?,
            };
        }
        if held.is_none() {
            *held = self.rollouts.ledger.acquire_lease(LEASE, &self.holder, LEASE_TTL).await?;
        }
        Ok(held.clone())
    }

    /// `seat` is absent if the folder has the profile, or the environment, no more.
    async fn settle(&self, place: &Place, seat: Option<(&ServedProfile, Seat<'_>)>, lease: &Lease) -> Result<(), TaskError> {
        let wanted = seat.map(|(_, seat)| wanted(seat.profile, seat.environment));
        for _ in 0..STEPS_MAX {
            let held = self.rollouts.of(&place.profile, &place.environment);
            let record = held.as_ref().map(|held| &held.record);
            let carried = self.carried(record).await?;
            let next = state::next(wanted.as_ref(), record, &carried);
            // The document has a fault now: nothing of it begins until that is mended.
            if seat.is_some_and(|(served, _)| served.broken) && matches!(next, Next::Begin | Next::Ask) {
                return Ok(());
            }
            let batch = match (&next, record) {
                (Next::Ask, Some(ConfigRollout { coming: Some(coming), arrived, .. })) => return self.ask(place, coming, arrived).await,
                (Next::Cancel, Some(ConfigRollout { coming: Some(coming), .. })) => return self.cancel(coming).await,
                (next, record) => match self.change(next, place, seat.map(|(_, seat)| seat), wanted.as_ref(), record) {
                    Some(batch) => batch,
                    None => return Ok(()),
                },
            };
            match self.rollouts.ledger.commit(batch.under_lease(LEASE, lease.token)).await {
                // Somebody else was quicker; what they wrote is looked at next.
                Ok(_) | Err(LedgerError::Conflict(_)) => self.rollouts.refresh().await?,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    async fn carried(&self, record: Option<&ConfigRollout>) -> Result<Carried, LedgerError> {
        let Some(coming) = record.and_then(|record| record.coming.as_ref()) else { return Ok(Carried::Unknown) };
        Ok(match self.rollouts.ledger.run(&coming.run).await {
            Err(LedgerError::NotFound(_)) => Carried::Unknown,
            Err(error) => return Err(error),
            Ok(run) if run.status == RunStatus::Succeeded => Carried::Succeeded,
            Ok(run) if run.status.is_final() => Carried::Ended(run.error.unwrap_or_else(|| "it was cancelled".to_owned())),
            Ok(_) => Carried::Active,
        })
    }

    /// What the ledger is told; nothing if all is as it should be.
    fn change(&self, next: &Next, place: &Place, seat: Option<Seat<'_>>, wanted: Option<&Wanted>, record: Option<&ConfigRollout>) -> Option<Batch> {
        let now = self.clock.now();
        let before = record.map(|record| record.arrived.as_str());
        Some(match (next, wanted, seat, record) {
            (Next::Arrive, Some(wanted), Some(seat), record) => {
                let fresh = || ConfigRollout {
                    profile: place.profile.clone(),
                    environment: place.environment.clone(),
                    arrived: String::new(),
                    arrived_at: now,
                    arrived_by: None,
                    coming: None,
                    refused: None,
                    revision: 0,
                };
                let record = record.cloned().unwrap_or_else(fresh);
                let next = ConfigRollout { arrived: wanted.version.clone(), arrived_at: now, arrived_by: None, refused: None, ..record };
                let data = json!({ "version": wanted.version, "before": before });
                self.with_content(place, seat).config_rollout(next).event(event(place, types::CONFIG_ARRIVED, data))
            }
            (Next::Begin, Some(wanted), Some(seat), Some(record)) => {
                let coming = self.coming(place, wanted, record);
                let data = json!({ "version": wanted.version, "before": before });
                let began = event(place, types::CONFIG_BEGAN, data).run(coming.run.clone());
                self.with_content(place, seat).config_rollout(ConfigRollout { coming: Some(coming), refused: None, ..record.clone() }).event(began)
            }
            (Next::Arrived, _, _, Some(record)) => {
                let next = state::arrived(record, now);
                let arrived = event(place, types::CONFIG_ARRIVED, json!({ "version": next.arrived, "before": before })).run(next.arrived_by.clone());
                Batch::new().config_rollout(next).event(arrived)
            }
            (Next::TakenBack { refused, reason }, _, _, Some(record)) => {
                let coming = record.coming.as_ref()?;
                let data = json!({ "version": coming.version, "before": before, "reason": reason, "refused": refused });
                let back = event(place, types::CONFIG_TAKEN_BACK, data).run(coming.run.clone());
                Batch::new().config_rollout(state::taken_back(record, *refused, reason, now)).event(back)
            }
            (Next::Forget, _, _, Some(record)) => {
                let refused = record.refused.as_ref()?;
                let forgotten = event(place, types::CONFIG_FORGOTTEN, json!({ "version": refused.version }));
                Batch::new().config_rollout(ConfigRollout { refused: None, ..record.clone() }).event(forgotten)
            }
            _ => return None,
        })
    }

    /// The run is known before it is asked for, so that it is asked for once.
    fn coming(&self, place: &Place, wanted: &Wanted, record: &ConfigRollout) -> ConfigComing {
        let key = format!("configuration/{}/{}/{}", place.name(), wanted.version, record.revision);
        let run = Request { key: Some(key.clone()), ..Request::new(place.name(), Actor::system()) }.run_id();
        ConfigComing { version: wanted.version.clone(), digest: wanted.digest.clone(), run, key, weight_percent: 0.0, since: self.clock.now() }
    }

    fn with_content(&self, place: &Place, seat: Seat<'_>) -> Batch {
        let commit = self.rollouts.documents.borrow().graph.revision.clone();
        Batch::new().config_version(kept(place, &seat.environment.content, commit.as_deref()))
    }

    async fn ask(&self, place: &Place, coming: &ConfigComing, arrived: &str) -> Result<(), TaskError> {
        let parameters = [(VERSION, coming.version.as_str()), (FROM, arrived)].map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let request = Request { parameters, key: Some(coming.key.clone()), ..Request::new(place.name(), Actor::system()) };
        self.runs.request(request).await?;
        Ok(())
    }

    async fn cancel(&self, coming: &ConfigComing) -> Result<(), TaskError> {
        match self.runs.cancel(&coming.run, &Actor::system()).await {
            Ok(_) | Err(RunError::Finished { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

#[async_trait]
impl Task for RolloutTask {
    fn name(&self) -> &'static str {
        "configuration"
    }

    fn interval(&self) -> Duration {
        INTERVAL
    }

    async fn pass(&self) -> Result<Pass, TaskError> {
        self.rollouts.refresh().await?;
        if self.rollouts.documents.borrow().graph.root.as_os_str().is_empty() {
            return Ok(Pass { summary: "the documents are not read yet".to_owned(), next: None });
        }
        let Some(lease) = self.hold().await? else {
            return Ok(Pass { summary: "another server has configurations go out".to_owned(), next: None });
        };
        let served = self.configurations.served();
        let mut gone: Vec<Place> = self.rollouts.view.borrow().iter().flat_map(|(profile, all)| all.keys().map(|name| Place::new(profile, name))).collect();
        let mut failed = None;
        for profile in served.profiles() {
            for environment in &profile.profile.environments {
                let place = Place::new(&profile.profile.name, &environment.name);
                gone.retain(|known| *known != place);
                let seat = Seat { profile: &profile.profile, environment };
                // One that fails does not hold the others up.
                failed = self.settle(&place, Some((profile, seat)), &lease).await.err().or(failed);
            }
        }
        for place in gone {
            failed = self.settle(&place, None, &lease).await.err().or(failed);
        }
        failed.map_or_else(|| Ok(Pass { summary: format!("{} profiles", served.profiles().count()), next: None }), Err)
    }
}
