//! Takes back what ended in the middle: a shift whose run was cancelled, timed out or failed while nobody carried it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use documents::config_profile::of_rollout_name;
use documents::strategy::Weight;
use kernel::RunId;
use kernel::task::{Pass, Task, TaskError};
use ledger::{Batch, Event, Run, RunFilter, RunKind, RunStatus, types};
use parking_lot::Mutex;
use serde_json::json;

use super::records::{self, Passage};
use super::router::{Router, Shares};
use super::state::{Reason, ReasonKind};
use super::{DeploymentError, Deployments};

/// Give it to the task driver with the ledger's position as its wake.
pub struct UndoTask {
    all: Deployments,
    /// Ended runs that have nothing left to be taken back.
    settled: Mutex<BTreeSet<RunId>>,
}

const INTERVAL: Duration = Duration::from_secs(5);
/// How many of the last runs are looked at.
const RUNS_MAX: u32 = 100;

impl UndoTask {
    pub fn new(all: Deployments) -> Self {
        Self { all, settled: Mutex::default() }
    }

    async fn settle(&self, run: &Run) -> Result<(), DeploymentError> {
        let events = records::of_run(&self.all.ledger, &run.id).await?;
        let environments: BTreeSet<&str> = events.iter().filter_map(|event| event.data["environment"].as_str()).collect();
        for environment in environments {
            self.settle_passage(run, environment, &events).await?;
        }
        self.settled.lock().insert(run.id.clone());
        Ok(())
    }

    async fn settle_passage(&self, run: &Run, environment: &str, events: &[Event]) -> Result<(), DeploymentError> {
        let progress = records::progress(&self.all.ledger, &run.id, environment).await?;
        if progress.completed || progress.rolled_back {
            return Ok(());
        }
        let Some(passage) = records::passage(run, environment, events) else { return Ok(()) };
        if progress.rolling_back.is_none() {
            let text = format!("the run ended: {}", run.error.as_deref().unwrap_or("it was cancelled"));
            let reason = Reason { kind: ReasonKind::Ended, text, evidence: json!({ "status": run.status }) };
            self.record(&passage, types::DEPLOYMENT_ROLLING_BACK, json!({ "reason": reason })).await?;
        }
        let Some(router) = self.router_of(run, &passage) else {
            tracing::error!(deployment = passage.deployment, environment, "traffic cannot be taken back: its document is gone");
            return Ok(());
        };
        let shares = Shares { old: passage.old_version.clone(), new: passage.version.clone(), weight: Weight::NONE };
        router.set(&shares).await.map_err(|error| DeploymentError::RolledBack(error.to_string()))?;
        self.record(&passage, types::DEPLOYMENT_ROLLED_BACK, json!({})).await
    }

    fn router_of(&self, run: &Run, passage: &Passage) -> Option<Arc<dyn Router>> {
        let loaded = self.all.graph.borrow().clone();
        if let Some((profile, environment)) = of_rollout_name(&passage.deployment) {
            return Some(self.all.profile_router(profile, environment, run));
        }
        let environment = loaded.graph.deployments.get(&passage.deployment)?.environment(&passage.environment)?;
        Some(self.all.router(environment, &loaded.graph.root, run))
    }

    async fn record(&self, passage: &Passage, kind: &str, data: serde_json::Value) -> Result<(), DeploymentError> {
        self.all.ledger.commit(Batch::new().event(passage.event(kind, data, Some(String::new())))).await?;
        Ok(())
    }
}

#[async_trait]
impl Task for UndoTask {
    fn name(&self) -> &'static str {
        "deployments"
    }

    fn interval(&self) -> Duration {
        INTERVAL
    }

    async fn pass(&self) -> Result<Pass, TaskError> {
        let ended = RunFilter { statuses: vec![RunStatus::Failed, RunStatus::Cancelled], limit: Some(RUNS_MAX), ..RunFilter::default() };
        let runs = self.all.ledger.runs(&ended).await?;
        let unsettled = |run: &&Run| run.kind == RunKind::Deployment && !self.settled.lock().contains(&run.id);
        let unsettled: Vec<&Run> = runs.iter().filter(unsettled).collect();
        for run in &unsettled {
            self.settle(run).await?;
        }
        Ok(Pass::default())
    }
}
