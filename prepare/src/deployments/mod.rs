//! Deployments: a new version of a component goes through its environments in steps, proves itself in each, and is taken
//! back by itself where it does not.
//!
//! A deployment is a run. Each gate of an environment is a step of it, and so is the shift of its traffic. Within a shift
//! everything is on record before it happens: the weight that is about to be set, the hooks that have passed, why it is
//! rolled back. So a shift that was cut off goes on where it was, and a run that ended in the middle of one is found by
//! [`UndoTask`], which sends the traffic back.

mod ask;
mod error;
mod gates;
mod records;
pub mod router;
mod shift;
mod state;
mod task;
mod watch;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use documents::Loaded;
use documents::config_profile::of_rollout_name;
use documents::deployment::{Deployment, Environment, Router as Described};
use kernel::{RunId, SharedClock, Timestamp};
use ledger::{Actor, Batch, Ledger, Run, RunFilter, RunKind, RunStatus, types};
use telemetry::SqlSource;
use telemetry::promql::Engine;
use tokio::sync::watch as channel;

use crate::configuration::{Rollouts, rollouts};
use crate::runs::{Play, Played, Player, Runs, asking};
use crate::values::ValueSource;
use router::{CommandRouter, LambdaAliasRouter, ProfileRouter, ProxyRouter, Router};

pub use error::DeploymentError;
pub use records::{Arrived, Stopped};
pub use state::{Place, Progress, Reason, ReasonKind};
pub use task::UndoTask;

/// The parameter that says what goes out.
pub const VERSION: &str = "version";
/// The parameter that says what has the traffic now, if no earlier deployment tells.
pub const FROM: &str = "from";
/// The parameter that names the last environment; all of them if it is empty.
pub const TO: &str = "to";

/// The step of a deployment's run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// The gate of this number of an environment.
    Gate { environment: String, index: usize },
    Shift { environment: String },
}

impl Part {
    /// As the step's source has it.
    pub fn source(&self) -> String {
        match self {
            Self::Gate { environment, index } => format!("gate {index} {environment}"),
            Self::Shift { environment } => format!("shift {environment}"),
        }
    }

    pub fn parse(source: &str) -> Option<Self> {
        if let Some(environment) = source.strip_prefix("shift ") {
            return Some(Self::Shift { environment: environment.to_owned() });
        }
        let (index, environment) = source.strip_prefix("gate ")?.split_once(' ')?;
        Some(Self::Gate { environment: environment.to_owned(), index: index.parse().ok()? })
    }

    fn environment(&self) -> &str {
        match self {
            Self::Gate { environment, .. } | Self::Shift { environment } => environment,
        }
    }
}

/// Carries deployments, and takes what people say of them.
#[derive(Clone)]
pub struct Deployments {
    ledger: Ledger,
    graph: channel::Receiver<Arc<Loaded>>,
    engine: Engine,
    sql: Arc<dyn SqlSource>,
    runs: Runs,
    clock: SharedClock,
    http: reqwest::Client,
    values: Arc<dyn ValueSource>,
    /// The router of configurations.
    rollouts: Rollouts,
}

impl Deployments {
    pub fn new(
        ledger: Ledger,
        graph: channel::Receiver<Arc<Loaded>>,
        engine: Engine,
        sql: Arc<dyn SqlSource>,
        clock: SharedClock,
        values: Arc<dyn ValueSource>,
        rollouts: Rollouts,
    ) -> Self {
        let runs = Runs::new(ledger.clone(), graph.clone(), clock.clone());
        Self { ledger, graph, engine, sql, runs, clock, http: reqwest::Client::new(), values, rollouts }
    }

    /// Nothing is deployed any more until it is allowed again. What is under way stands still, and is still watched.
    pub async fn stop_all(&self, reason: &str, actor: &Actor) -> Result<(), DeploymentError> {
        self.ledger.commit(Batch::new().event(records::switch(types::DEPLOYMENTS_STOPPED, reason, actor))).await?;
        Ok(())
    }

    pub async fn allow(&self, reason: &str, actor: &Actor) -> Result<(), DeploymentError> {
        self.ledger.commit(Batch::new().event(records::switch(types::DEPLOYMENTS_ALLOWED, reason, actor))).await?;
        Ok(())
    }

    /// Why, by whom and since when all deployments are stopped, if they are.
    pub async fn stopped(&self) -> Result<Option<Stopped>, DeploymentError> {
        Ok(records::stopped(&self.ledger).await?)
    }

    /// The version that has all traffic of an environment.
    pub async fn arrived(&self, deployment: &str, environment: &str) -> Result<Option<Arrived>, DeploymentError> {
        Ok(records::arrived(&self.ledger, deployment, environment).await?)
    }

    /// Holds the shift that is under way at its weight.
    pub async fn pause(&self, run: &RunId, actor: &Actor) -> Result<(), DeploymentError> {
        self.say(run, types::DEPLOYMENT_PAUSED, actor).await
    }

    pub async fn resume(&self, run: &RunId, actor: &Actor) -> Result<(), DeploymentError> {
        self.say(run, types::DEPLOYMENT_RESUMED, actor).await
    }

    /// Ends the wait of the step that is under way.
    pub async fn promote(&self, run: &RunId, actor: &Actor) -> Result<(), DeploymentError> {
        self.say(run, types::DEPLOYMENT_PROMOTED, actor).await
    }

    async fn say(&self, run: &RunId, kind: &str, actor: &Actor) -> Result<(), DeploymentError> {
        let run = self.ledger.run(run).await?;
        self.runs.check_operator(&run, actor)?;
        let events = records::of_run(&self.ledger, &run.id).await?;
        let environments = events.iter().rev().filter_map(|event| event.data["environment"].as_str());
        let Some(passage) = environments.into_iter().find_map(|environment| records::passage(&run, environment, &events)) else {
            return Err(DeploymentError::NothingUnderWay { run: run.id });
        };
        let progress = records::progress(&self.ledger, &run.id, &passage.environment).await?;
        if run.status.is_final() || progress.completed || progress.rolling_back.is_some() {
            return Err(DeploymentError::NothingUnderWay { run: run.id });
        }
        let step = progress.shifted_at.keys().next_back();
        let event = passage.event(kind, serde_json::json!({ "step": step }), None).actor(actor.clone());
        self.ledger.commit(Batch::new().event(event)).await?;
        Ok(())
    }

    /// What sends the traffic of an environment, on behalf of a run. `root` is the folder of the documents, from which
    /// programs are found.
    fn router(&self, environment: &Environment, root: &Path, run: &Run) -> Arc<dyn Router> {
        match &environment.router {
            Described::Command(command) => Arc::new(CommandRouter::new(command.clone(), root.to_owned())),
            Described::Proxy(proxy) => {
                Arc::new(ProxyRouter { described: proxy.clone(), http: self.http.clone(), values: self.values.clone(), asking: asking(run, "a router") })
            }
            Described::LambdaAlias(alias) => Arc::new(LambdaAliasRouter { described: alias.clone() }),
            Described::Profile(profile) => self.profile_router(&profile.profile, &environment.name, run),
        }
    }

    fn profile_router(&self, profile: &str, environment: &str, run: &Run) -> Arc<dyn Router> {
        Arc::new(ProfileRouter { rollouts: self.rollouts.clone(), place: rollouts::Place::new(profile, environment), run: run.id.clone() })
    }

    async fn rest(&self, duration: Duration) {
        let end = self.clock.now().checked_add(duration).unwrap_or(Timestamp::MAX);
        self.clock.sleep_until(end).await;
    }

    fn document(&self, run: &Run) -> Result<Deployment, DeploymentError> {
        let found = self.graph.borrow().graph.deployment(&run.document);
        found.filter(|document| document.digest == run.document_digest).ok_or(DeploymentError::Changed)
    }

    /// An older run on its way with the same component; for a configuration, with the same profile and environment.
    async fn overlapping(&self, run: &Run, deployment: &Deployment) -> Result<Option<RunId>, DeploymentError> {
        let active = vec![RunStatus::Requested, RunStatus::Running, RunStatus::Waiting, RunStatus::Interrupted];
        let filter = RunFilter { statuses: active, ..RunFilter::default() };
        let others = self.ledger.runs(&filter).await?.into_iter().filter(|other| other.kind == RunKind::Deployment && other.id != run.id);
        let loaded = self.graph.borrow().clone();
        let same = |other: &Run| match of_rollout_name(&deployment.name) {
            Some(_) => other.document == deployment.name,
            None => loaded.graph.deployments.get(&other.document).is_some_and(|document| document.component == deployment.component),
        };
        let older = |other: &Run| (other.requested_at, &other.id) < (run.requested_at, &run.id);
        Ok(others.filter(|other| same(other) && older(other)).map(|other| other.id).next())
    }
}

#[async_trait::async_trait]
impl Player for Deployments {
    async fn play(&self, play: Play) -> Played {
        match self.part(&play).await {
            Ok(()) => Played::default(),
            Err(error) => Played::failed(error),
        }
    }
}

impl Deployments {
    async fn part(&self, play: &Play) -> Result<(), DeploymentError> {
        let deployment = self.document(&play.run)?;
        let part = Part::parse(&play.step.source).ok_or(DeploymentError::Changed)?;
        let position = |name: &str| deployment.environments.iter().position(|environment| environment.name == name);
        let here = position(part.environment()).ok_or(DeploymentError::Changed)?;
        let to = play.run.parameters.get(TO).filter(|to| !to.is_empty());
        let last = match to {
            Some(to) => position(to).ok_or_else(|| DeploymentError::UnknownEnvironment { name: to.clone() })?,
            None => deployment.environments.len(),
        };
        if here > last {
            play.reporter.line(format!("not asked for: it goes to {}", to.map_or("", String::as_str))).await;
            return Ok(());
        }
        if let Some(other) = self.overlapping(&play.run, &deployment).await? {
            let of = of_rollout_name(&deployment.name).map_or_else(|| deployment.component.to_string(), |_| deployment.name.clone());
            return Err(DeploymentError::Overlaps { of, run: other });
        }
        let environment = &deployment.environments[here];
        match part {
            Part::Gate { index, .. } => self.gate(play, &deployment, environment, index).await,
            Part::Shift { .. } => self.shift(play, &deployment, environment).await,
        }
    }
}

#[cfg(test)]
#[path = "tests/shift.rs"]
mod tests;
