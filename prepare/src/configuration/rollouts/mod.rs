//! How a new version of a profile goes out: as a deployment, whose router is the server itself.
//!
//! What stands in the ledger is what is served: the version that has arrived, the version on its way, and how many have
//! it. The router's only work is to write the share there; so after a crash, and on every server that shares the ledger,
//! everybody has what they had before. [`RolloutTask`] compares the folder with it and asks for the runs.

mod state;
mod task;

use std::collections::BTreeMap;
use std::sync::Arc;

use documents::Loaded;
use documents::config_profile::{ConfigContent, ConfigEnvironment, ConfigProfile, rollout_name};
use documents::strategy::Weight;
use kernel::{RunId, SharedClock};
use ledger::{Batch, ConfigRollout, ConfigVersion, Ledger, LedgerError, NewEvent};
use parking_lot::Mutex;
use serde_json::json;
use tokio::sync::watch;

use super::state::{Coming, Standing};
use state::{NotItsTurn, Wanted};

pub use task::RolloutTask;

const SOURCE: &str = "/prepare/configuration";
/// How often a weight is written again when somebody else changed the record meanwhile.
const ATTEMPTS: usize = 10;

/// One profile in one environment, by name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub profile: String,
    pub environment: String,
}

impl Place {
    pub fn new(profile: &str, environment: &str) -> Self {
        Self { profile: profile.to_owned(), environment: environment.to_owned() }
    }

    /// As runs and events name it.
    pub fn name(&self) -> String {
        rollout_name(&self.profile, &self.environment)
    }
}

/// The ledger's records, as they are served. Cheap to clone.
#[derive(Clone)]
pub struct Rollouts {
    ledger: Ledger,
    documents: watch::Receiver<Arc<Loaded>>,
    clock: SharedClock,
    view: watch::Sender<Arc<View>>,
    /// One reading at a time, so that an older one does not take the place of a newer.
    reading: Arc<tokio::sync::Mutex<()>>,
    /// Contents that could not be compiled, so that each is told once.
    told: Arc<Mutex<Vec<String>>>,
}

/// By profile and environment.
pub(super) type View = BTreeMap<String, BTreeMap<String, Arc<Held>>>;

#[derive(Debug)]
pub(super) struct Held {
    pub record: ConfigRollout,
    pub standing: Standing,
}

/// Why a share could not be set.
#[derive(Debug, thiserror::Error)]
pub enum ReachError {
    #[error(transparent)]
    NotItsTurn(#[from] NotItsTurn),
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

impl Rollouts {
    /// Reads what is on record: nothing is served before.
    pub async fn open(ledger: Ledger, documents: watch::Receiver<Arc<Loaded>>, clock: SharedClock) -> Result<Self, LedgerError> {
        let rollouts = Self { ledger, documents, clock, view: watch::Sender::default(), reading: Arc::default(), told: Arc::default() };
        rollouts.refresh().await?;
        Ok(rollouts)
    }

    /// None if it was never recorded: then the folder's version is the first, and everybody's.
    pub(super) fn of(&self, profile: &str, environment: &str) -> Option<Arc<Held>> {
        self.view.borrow().get(profile)?.get(environment).cloned()
    }

    pub(super) fn watch(&self) -> watch::Receiver<Arc<View>> {
        self.view.subscribe()
    }

    /// Sets how many have a version, on behalf of the run that takes it out. Returns once it is served so.
    pub async fn reach(&self, place: &Place, run: &RunId, version: &str, weight: Weight) -> Result<(), ReachError> {
        let mut attempts = 1;
        while let Err(error) = self.write(place, run, version, weight).await {
            // Somebody else changed the record meanwhile.
            let again = matches!(error, ReachError::Ledger(LedgerError::Conflict(_)));
            if !again || attempts == ATTEMPTS {
                return Err(error);
            }
            attempts += 1;
        }
        Ok(self.refresh().await?)
    }

    async fn write(&self, place: &Place, run: &RunId, version: &str, weight: Weight) -> Result<(), ReachError> {
        let folder = self.documents.borrow().clone();
        let profile = folder.graph.config_profiles.get(&place.profile);
        let described = profile.and_then(|profile| Some((profile, profile.environment(&place.environment)?)));
        let wanted = described.map(|(profile, environment)| wanted(profile, environment));
        let record = self.ledger.config_rollout(&place.profile, &place.environment).await?.ok_or(NotItsTurn)?;
        let Some(next) = state::reached(&record, wanted.as_ref(), run, version, weight, self.clock.now())? else { return Ok(()) };
        let mut batch = Batch::new();
        if let (None, Some((_, environment))) = (&record.coming, described) {
            batch = batch.config_version(kept(place, &environment.content, folder.graph.revision.as_deref()));
        }
        let data = json!({ "version": version, "before": record.arrived, "weight": weight });
        let event = event(place, ledger::types::CONFIG_SHIFTED, data).run(run.clone());
        self.ledger.commit(batch.config_rollout(next).event(event)).await?;
        Ok(())
    }

    /// Serves what stands in the ledger.
    pub(super) async fn refresh(&self) -> Result<(), LedgerError> {
        let _one = self.reading.lock().await;
        let records = self.ledger.config_rollouts().await?;
        let before = self.view.borrow().clone();
        let mut view = View::new();
        let mut changed = false;
        for record in records {
            let known = before.get(&record.profile).and_then(|environments| environments.get(&record.environment));
            let held = match known {
                Some(held) if held.record.revision == record.revision => held.clone(),
                known => {
                    changed = true;
                    Arc::new(self.hold(record, known).await?)
                }
            };
            let (profile, environment) = (held.record.profile.clone(), held.record.environment.clone());
            view.entry(profile).or_default().insert(environment, held);
        }
        if changed {
            self.view.send_replace(Arc::new(view));
        }
        Ok(())
    }

    async fn hold(&self, record: ConfigRollout, known: Option<&Arc<Held>>) -> Result<Held, LedgerError> {
        let arrived = self.content(&record, &record.arrived, known).await?;
        let coming = match &record.coming {
            Some(coming) => {
                let content = self.content(&record, &coming.version, known).await?;
                Some(Coming { content, reached: Weight::percent(coming.weight_percent).unwrap_or_default() })
            }
            None => None,
        };
        Ok(Held { record, standing: Standing { arrived, coming } })
    }

    async fn content(&self, record: &ConfigRollout, version: &str, known: Option<&Arc<Held>>) -> Result<Arc<ConfigContent>, LedgerError> {
        let mut contents = known.into_iter().flat_map(|held| {
            let coming = held.standing.coming.as_ref().map(|coming| &coming.content);
            [Some(&held.standing.arrived), coming].into_iter().flatten()
        });
        if let Some(content) = contents.find(|content| content.version == version) {
            return Ok(content.clone());
        }
        let kept = self.ledger.config_version(&record.profile, &record.environment, version).await?;
        let format = kept.flags_format.as_deref().and_then(flags::Format::named);
        let restored = |format| ConfigContent::restored(version, &kept.content_type, kept.file.as_deref(), &kept.text, format);
        let content = restored(format).or_else(|reason| {
            let place = rollout_name(&record.profile, &record.environment);
            let mut told = self.told.lock();
            if !told.iter().any(|known| *known == kept.version) {
                tracing::error!(profile = place, version, reason, "a version on record cannot be read any more; it has no flags");
                told.push(kept.version.clone());
            }
            restored(None)
        });
        content.map(Arc::new).map_err(LedgerError::Invalid)
    }
}

/// What the folder has of a profile in an environment.
fn wanted(profile: &ConfigProfile, environment: &ConfigEnvironment) -> Wanted {
    Wanted { version: environment.content.version.clone(), digest: profile.rollout(environment).digest, in_steps: profile.goes_out_in_steps(environment) }
}

/// A content, as the ledger keeps it.
fn kept(place: &Place, content: &ConfigContent, commit: Option<&str>) -> ConfigVersion {
    ConfigVersion {
        profile: place.profile.clone(),
        environment: place.environment.clone(),
        version: content.version.clone(),
        flags_format: content.flags.as_ref().map(|set| set.format().name().to_owned()),
        content_type: content.content_type.clone(),
        file: content.file.clone(),
        commit: commit.map(str::to_owned),
        text: String::from_utf8_lossy(&content.bytes).into_owned(),
    }
}

fn event(place: &Place, kind: &str, mut data: serde_json::Value) -> NewEvent {
    if let Some(data) = data.as_object_mut() {
        data.insert("profile".to_owned(), json!(place.profile));
        data.insert("environment".to_owned(), json!(place.environment));
    }
    NewEvent::new(SOURCE, kind, data).subject(place.name())
}
