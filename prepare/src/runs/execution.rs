//! One run under one lease: asks what is next, records it, does it, records what came of it.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Instant;

use kernel::{RunId, Timestamp, format_duration};
use ledger::{Lease, LedgerError, Run, Step};
use tokio_util::sync::CancellationToken;

use super::cell::{self, Process, Surroundings, is_query};
use super::change::{Change, StepResult};
use super::groups::RunFolder;
use super::output::Output;
use super::plan::{CellPlan, Plan};
use super::player::{Play, Player, Reporter};
use super::state::{self, Next};
use super::task::Services;
use super::values::RunValues;

/// Why the work on a run ends before the run does.
#[derive(Debug, thiserror::Error)]
pub enum Stopped {
    #[error("the lease of the run was lost")]
    LeaseLost,
    #[error("the run has no plan")]
    NoPlan,
    #[error("the folder of the run could not be made")]
    Folder(#[source] std::io::Error),
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

/// Why a cell that was under way is ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Interruption {
    TimedOut,
    /// The run is cancelled, or its deadline passed, or the server stops; the next decision says which.
    RunEnds,
    LeaseLost,
}

pub struct Execution {
    services: Arc<Services>,
    run: RunId,
    plan: Plan,
    lease: Lease,
    renewed: Instant,
    output: Output,
    folder: Arc<RunFolder>,
    values: RunValues,
    background: BTreeMap<u32, Process>,
}

/// Carries the run as far as it goes without people, then gives the lease back.
pub async fn execute(services: Arc<Services>, run: RunId, lease: Lease) -> Result<(), Stopped> {
    let mut execution = Execution::open(services, run, lease).await?;
    let outcome = execution.drive().await;
    execution.close().await;
    outcome
}

impl Execution {
    async fn open(services: Arc<Services>, run: RunId, lease: Lease) -> Result<Self, Stopped> {
        let plan = Plan::read(&services.ledger, &run).await?.ok_or(Stopped::NoPlan)?;
        let folder = RunFolder::create(&services.settings.data_dir, &run).map_err(Stopped::Folder)?;
        let output = Output::open(services.ledger.clone(), run.clone(), &lease, services.clock.clone()).await?;
        Ok(Self {
            services,
            run,
            plan,
            lease,
            renewed: Instant::now(),
            output,
            folder: Arc::new(folder),
            values: RunValues::default(),
            background: BTreeMap::new(),
        })
    }

    async fn drive(&mut self) -> Result<(), Stopped> {
        loop {
            let stopping = self.services.stopping.is_cancelled();
            if stopping {
                self.end_background().await;
            }
            self.reap_background().await?;
            let mut change = self.read().await?;
            let next = self.decide(&change);
            match &next {
                Next::Nothing => return Ok(()),
                Next::Begin(_) | Next::Ask(_) | Next::Wait { .. } if stopping => return Ok(()),
                Next::Wait { .. } if self.background.is_empty() => return Ok(()),
                Next::Wait { until } => {
                    self.wait(*until).await?;
                    continue;
                }
                Next::Finish(_) => self.end_background().await,
                _ => {}
            }
            change.apply(&next, &self.plan, self.now());
            let begun = change.clone();
            if self.commit(change).await? && let Next::Begin(index) = next {
                self.run_step(&begun, index).await?;
            }
        }
    }

    /// Ends what is left, removes the run's files and gives the lease back.
    async fn close(mut self) {
        self.end_background().await;
        self.output.flush().await;
        self.folder.remove();
        if let Err(error) = self.services.ledger.release_lease(&self.lease).await {
            tracing::warn!(run = %self.run, %error, "the lease of a run could not be released; it expires by itself");
        }
    }

    fn decide(&self, change: &Change) -> Next {
        let alive: BTreeSet<u32> = self.background.keys().copied().collect();
        state::next(&change.run, &change.steps, &self.plan, &alive, self.now())
    }

    async fn run_step(&mut self, begun: &Change, index: u32) -> Result<(), Stopped> {
        let Some(step) = begun.steps.get(index as usize) else { return Ok(()) };
        let cell = self.plan.cell(index);
        if step.attempt > 1 {
            self.output.note(index, format!("begun again, for the {}. time", step.attempt)).await;
        }
        if cell.interactive {
            self.output.note(index, "an interactive cell: it runs without a terminal and without input").await;
        }
        let player = self.services.players.get(step.language.as_str()).cloned();
        let ended = match player {
            Some(player) => self.play(player, &begun.run, step, &cell).await,
            None if is_query(&step.language) => self.query(&begun.run, step, &cell).await,
            None => self.script(&begun.run, step, &cell).await,
        };
        let result = match ended {
            Ok(Some(result)) => result,
            // A background cell has begun, or the next decision says what becomes of the step.
            Ok(None) | Err(Interruption::RunEnds) => return Ok(()),
            Err(Interruption::TimedOut) => StepResult::failed(timed_out(&cell)),
            Err(Interruption::LeaseLost) => return Err(Stopped::LeaseLost),
        };
        self.record(index, result).await
    }

    async fn query(&mut self, run: &Run, step: &Step, cell: &CellPlan) -> Result<Option<StepResult>, Interruption> {
        let services = self.services.clone();
        let output = self.output.clone();
        let work = cell::run_query(run, step, cell, &services.engine, &*services.sql, &output, self.now());
        self.supervise(self.limit(cell), run.deadline, work).await.map(Some)
    }

    async fn play(&mut self, player: Arc<dyn Player>, run: &Run, step: &Step, cell: &CellPlan) -> Result<Option<StepResult>, Interruption> {
        let ending = CancellationToken::new();
        let play = Play {
            run: run.clone(),
            step: step.clone(),
            loaded: self.services.graph.borrow().clone(),
            reporter: Reporter::new(self.output.clone(), step.index),
            ending: ending.clone(),
        };
        let mut work = player.play(play);
        let ended = self.supervise(self.limit(cell), run.deadline, &mut work).await;
        if ended.is_err() {
            ending.cancel();
            // Within the lease's time, as nobody renews it now.
            let _ = tokio::time::timeout(self.services.tuning.lease_ttl / 2, work).await;
        }
        ended.map(|played| Some(played.into()))
    }

    async fn script(&mut self, run: &Run, step: &Step, cell: &CellPlan) -> Result<Option<StepResult>, Interruption> {
        let (services, output) = (self.services.clone(), self.output.clone());
        let mut values = std::mem::take(&mut self.values);
        let filling = values.fill(&services, run, &cell.env, &output);
        let filled = self.supervise(self.limit(cell), run.deadline, filling).await;
        self.values = values;
        let env = match filled? {
            Ok(env) => env,
            Err(error) => return Ok(Some(StepResult::failed(error.to_string()))),
        };
        let mut process = match self.start(run, step, &env) {
            Ok(process) => process,
            Err(error) => return Ok(Some(StepResult::failed(error.to_string()))),
        };
        if cell.background {
            self.background.insert(step.index, process);
            return Ok(None);
        }
        let ended = self.supervise(self.limit(cell), run.deadline, process.wait()).await;
        process.end(self.services.tuning.kill_grace).await;
        match ended? {
            Ok(status) => Ok(Some(cell::result(&self.folder, step, status))),
            Err(error) => Ok(Some(StepResult::failed(format!("its process could not be waited for: {error}")))),
        }
    }

    fn start(&self, run: &Run, step: &Step, env: &BTreeMap<String, String>) -> Result<Process, Box<dyn std::error::Error + Send + Sync>> {
        let root = self.services.graph.borrow().graph.root.clone();
        let around = Surroundings { folder: &self.folder, root: &root, settings: &self.services.settings, env };
        let command = cell::prepare(run, step, &self.plan, &around)?;
        Ok(Process::start(command, step.index, &self.output, self.folder.clone())?)
    }

    /// Records what came of a step, whatever else changed about the run meanwhile.
    async fn record(&mut self, index: u32, result: StepResult) -> Result<(), Stopped> {
        self.output.flush().await;
        let result = result.shown(|text| self.output.redacted(text));
        loop {
            let mut change = self.read().await?;
            change.finish_step(index, result.clone(), self.now());
            if self.commit(change).await? {
                return Ok(());
            }
        }
    }

    /// Background cells that ended by themselves.
    async fn reap_background(&mut self) -> Result<(), Stopped> {
        let ended = |process: &mut Process| process.try_wait().ok().flatten();
        let ended: Vec<_> = self.background.iter_mut().filter_map(|(index, process)| Some((*index, ended(process)?))).collect();
        for (index, status) in ended {
            if let Some(process) = self.background.remove(&index) {
                process.end(self.services.tuning.kill_grace).await;
            }
            let change = self.read().await?;
            if let Some(step) = change.steps.get(index as usize) {
                self.record(index, cell::result(&self.folder, step, status)).await?;
            }
        }
        Ok(())
    }

    async fn end_background(&mut self) {
        let grace = self.services.tuning.kill_grace;
        let ends = std::mem::take(&mut self.background).into_values().map(|process| process.end(grace));
        futures::future::join_all(ends).await;
        self.output.flush().await;
    }

    async fn read(&self) -> Result<Change, LedgerError> {
        let run = self.services.ledger.run(&self.run).await?;
        Ok(Change::of(run, self.services.ledger.steps(&self.run).await?))
    }

    /// False if somebody else changed the run since it was read.
    async fn commit(&mut self, change: Change) -> Result<bool, Stopped> {
        let batch = change.into_batch().under_lease(&self.lease.name, self.lease.token);
        match self.services.ledger.commit(batch).await {
            Ok(_) => Ok(true),
            Err(LedgerError::Conflict(_)) if self.renew().await => Ok(false),
            Err(LedgerError::Conflict(_)) => Err(Stopped::LeaseLost),
            Err(error) => Err(error.into()),
        }
    }

    /// While background cells run, the run is not given away.
    async fn wait(&mut self, until: Option<Timestamp>) -> Result<(), Stopped> {
        let mut changes = self.services.ledger.watch();
        let changed = async move {
            // Without a ledger there is nothing to wait for.
            let _ = changes.changed().await;
        };
        match self.supervise(until, None, changed).await {
            Err(Interruption::LeaseLost) => Err(Stopped::LeaseLost),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Does the work while it keeps the lease, until the work is done or must not go on.
    async fn supervise<T>(&mut self, limit: Option<Timestamp>, deadline: Option<Timestamp>, work: impl Future<Output = T>) -> Result<T, Interruption> {
        let clock = self.services.clock.clone();
        let stopping = self.services.stopping.clone();
        let at = |instant: Option<Timestamp>| {
            let clock = clock.clone();
            async move {
                match instant {
                    Some(instant) => clock.sleep_until(instant).await,
                    None => std::future::pending().await,
                }
            }
        };
        let (mut limit, mut deadline) = (pin!(at(limit)), pin!(at(deadline)));
        let mut changes = self.services.ledger.watch();
        let period = self.services.tuning.lease_ttl / 3;
        let mut renewals = tokio::time::interval_at(tokio::time::Instant::now() + period, period);
        let interrupted = async {
            loop {
                tokio::select! {
                    _ = &mut limit => return Interruption::TimedOut,
                    _ = &mut deadline => return Interruption::RunEnds,
                    _ = stopping.cancelled() => return Interruption::RunEnds,
                    _ = renewals.tick() => {
                        if !self.renew().await {
                            return Interruption::LeaseLost;
                        }
                    }
                    Ok(()) = changes.changed() => {
                        if self.cancel_requested().await {
                            return Interruption::RunEnds;
                        }
                    }
                }
            }
        };
        // The work goes on while the ledger is asked: it may hold the very connection that the question waits for.
        tokio::select! {
            done = work => Ok(done),
            interruption = interrupted => Err(interruption),
        }
    }

    async fn cancel_requested(&self) -> bool {
        // If the ledger cannot be read now, the next change asks again.
        self.services.ledger.run(&self.run).await.is_ok_and(|run| run.cancel_requested)
    }

    /// False when the lease is certainly somebody else's, or may be.
    async fn renew(&mut self) -> bool {
        let ttl = self.services.tuning.lease_ttl;
        match self.services.ledger.renew_lease(&self.lease, ttl).await {
            Ok(Some(lease)) => {
                self.lease = lease;
                self.renewed = Instant::now();
                true
            }
            Ok(None) => false,
            Err(error) => {
                tracing::warn!(run = %self.run, %error, "the lease of a run could not be renewed");
                self.renewed.elapsed() < ttl
            }
        }
    }

    fn limit(&self, cell: &CellPlan) -> Option<Timestamp> {
        self.now().checked_add(cell.timeout()?).ok()
    }

    fn now(&self) -> Timestamp {
        self.services.clock.now()
    }
}

fn timed_out(cell: &CellPlan) -> String {
    let timeout = cell.timeout().map(format_duration).unwrap_or_default();
    format!("it took longer than its timeout of {timeout} and was stopped")
}
