//! What people ask of runs.

use std::sync::Arc;

use documents::Loaded;
use kernel::{RunId, SharedClock};
use ledger::{Actor, Ledger, LedgerError, Run, RunKind, RunStatus, Step, StepStatus, types};
use serde_json::json;
use tokio::sync::watch;

use super::change::Change;
use super::request::{Prepared, Request};
use super::{RunError, approval};

/// How often a change is tried again when somebody else changed the run meanwhile.
const ATTEMPTS: usize = 20;

/// Requests about runs; cheap to clone. The [`Executor`](super::Executor) follows the ledger, so
/// whoever holds this needs to know nothing of it.
#[derive(Debug, Clone)]
pub struct Runs {
    pub(super) ledger: Ledger,
    graph: watch::Receiver<Arc<Loaded>>,
    clock: SharedClock,
}

/// How an interrupted run goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resume {
    /// Begin the interrupted step again.
    Repeat,
    /// Leave it out.
    Skip,
}

impl Runs {
    pub fn new(ledger: Ledger, graph: watch::Receiver<Arc<Loaded>>, clock: SharedClock) -> Self {
        Self { ledger, graph, clock }
    }

    /// Records a run with its steps. The same key gives the run that the first request with it made.
    pub async fn request(&self, request: Request) -> Result<Run, RunError> {
        let loaded = self.graph.borrow().clone();
        let prepared = Prepared::new(&loaded.graph, &request, request.run_id(), self.clock.now())?;
        let id = prepared.run.id.clone();
        let requested = request.event(&prepared.run);
        match self.ledger.commit(prepared.into_batch().event(requested)).await {
            // Another request with the same key was quicker.
            Ok(_) | Err(LedgerError::Conflict(_)) => Ok(self.ledger.run(&id).await?),
            Err(error) => Err(error.into()),
        }
    }

    /// Approves the step that the run waits at. `shown` is the digest of what the approver saw, if
    /// they saw one; an approval of something else is refused.
    pub async fn approve(&self, run: &RunId, actor: &Actor, shown: Option<&str>) -> Result<Run, RunError> {
        self.change(run, |change| {
            let index = self.check_approver(change, actor, shown)?;
            let mut state = (0, 0);
            change.step(index, |step| {
                if let Some(approval) = &mut step.approval {
                    approval.approved_by.push(actor.clone());
                    state = (approval.approved_by.len() as u32, approval.needed);
                }
            });
            let data = json!({ "step": index, "approvals": state.0, "needed": state.1 });
            change.tell(types::RUN_APPROVED, actor.clone(), data);
            Ok(())
        })
        .await
    }

    /// Rejects the step that the run waits at; the run is cancelled. The initiator may cancel instead.
    pub async fn reject(&self, run: &RunId, actor: &Actor, reason: Option<&str>) -> Result<Run, RunError> {
        self.change(run, |change| {
            let index = self.check_approver(change, actor, None)?;
            change.step(index, |step| {
                if let Some(approval) = &mut step.approval {
                    approval.rejected_by = Some(actor.clone());
                }
            });
            change.tell(types::RUN_REJECTED, actor.clone(), json!({ "step": index, "reason": reason }));
            Ok(())
        })
        .await
    }

    /// Asks that the run be stopped; what is under way is ended first.
    pub async fn cancel(&self, run: &RunId, actor: &Actor) -> Result<Run, RunError> {
        self.change(run, |change| {
            self.check_operator(&change.run, actor)?;
            if change.run.status.is_final() {
                return Err(RunError::Finished { run: run.clone(), status: change.run.status });
            }
            if !change.run.cancel_requested {
                change.run.cancel_requested = true;
                change.run.error = Some(format!("cancelled by {actor}"));
                change.tell(types::RUN_CANCEL_REQUESTED, actor.clone(), json!({}));
            }
            Ok(())
        })
        .await
    }

    /// Lets an interrupted run go on.
    pub async fn resume(&self, run: &RunId, actor: &Actor, how: Resume) -> Result<Run, RunError> {
        self.change(run, |change| {
            let interrupted = change.steps.iter().find(|step| step.status == StepStatus::Interrupted);
            let Some(index) = interrupted.map(|step| step.index).filter(|_| change.run.status == RunStatus::Interrupted) else {
                return Err(RunError::NotInterrupted { run: run.clone() });
            };
            change.step(index, |step| match how {
                Resume::Repeat => step.status = StepStatus::Pending,
                Resume::Skip => step.status = StepStatus::Skipped,
            });
            let still = change.steps.iter().any(|step| step.status == StepStatus::Interrupted);
            if !still {
                change.run.status = RunStatus::Running;
                change.run.error = None;
            }
            let how = if how == Resume::Repeat { "repeat" } else { "skip" };
            change.tell(types::RUN_RESUMED, actor.clone(), json!({ "step": index, "how": how }));
            Ok(())
        })
        .await
    }

    /// A new run of the same document with the same parameters; approvals are asked anew.
    pub async fn retry(&self, run: &RunId, actor: &Actor) -> Result<Run, RunError> {
        let before = self.ledger.run(run).await?;
        self.check_operator(&before, actor)?;
        if !before.status.is_final() {
            return Err(RunError::NotFinished { run: run.clone() });
        }
        let request = Request {
            document: before.document,
            parameters: before.parameters,
            initiator: actor.clone(),
            incident: before.incident,
            component: before.component,
            key: None,
        };
        self.request(request).await
    }

    /// Returns the run as soon as it is as `enough` says, for example over, or waiting for people.
    pub async fn wait_until(&self, run: &RunId, enough: impl Fn(&Run) -> bool) -> Result<Run, RunError> {
        let mut changes = self.ledger.watch();
        loop {
            changes.mark_unchanged();
            let now = self.ledger.run(run).await?;
            if enough(&now) {
                return Ok(now);
            }
            if changes.changed().await.is_err() {
                return Ok(now);
            }
        }
    }

    /// Reads the run, changes it and writes it; anew if somebody else wrote meanwhile.
    async fn change(&self, id: &RunId, edit: impl Fn(&mut Change) -> Result<(), RunError>) -> Result<Run, RunError> {
        let mut attempt = 0;
        loop {
            attempt += 1;
            let run = self.ledger.run(id).await?;
            let mut change = Change::of(run, self.ledger.steps(id).await?);
            edit(&mut change)?;
            match self.ledger.commit(change.into_batch()).await {
                Ok(_) => return Ok(self.ledger.run(id).await?),
                Err(LedgerError::Conflict(_)) if attempt < ATTEMPTS => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Whether this person may steer the run, which matters if it is a deployment's.
    pub(crate) fn check_operator(&self, run: &Run, actor: &Actor) -> Result<(), RunError> {
        match run.kind {
            RunKind::Deployment => approval::check_operator(&self.graph.borrow().graph, &run.document, actor),
            _ => Ok(()),
        }
    }

    /// The step that waits, if this person may decide on it.
    fn check_approver(&self, change: &Change, actor: &Actor, shown: Option<&str>) -> Result<u32, RunError> {
        let waiting = |step: &&Step| step.status == StepStatus::Waiting && step.approval.is_some();
        let not_waiting = || RunError::NotWaiting { run: change.run.id.clone() };
        let step = change.steps.iter().find(waiting).ok_or_else(not_waiting)?;
        let asked = step.approval.as_ref().ok_or_else(not_waiting)?;
        let over = asked.rejected_by.is_some()
            || asked.approved_by.len() >= asked.needed as usize
            || asked.expires_at.is_some_and(|end| end <= self.clock.now());
        if over || change.run.status.is_final() || change.run.cancel_requested {
            return Err(not_waiting());
        }
        if shown.is_some_and(|shown| shown != asked.digest) {
            return Err(RunError::Changed);
        }
        approval::check(asked, actor, &change.run.initiator, &self.graph.borrow().graph)?;
        Ok(step.index)
    }
}
