//! The executor: finds the runs that can go on and carries them, a few at a time.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use documents::Loaded;
use futures::future::BoxFuture;
use kernel::task::{Pass, Task, TaskError};
use kernel::{EntityRef, RunId, SharedClock, Timestamp};
use ledger::{Batch, Event, EventFilter, Ledger, LedgerError, Run, RunFilter, RunStatus, types};
use parking_lot::Mutex;
use telemetry::SqlSource;
use telemetry::promql::Engine;
use tokio::sync::{OnceCell, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::execution::execute;
use super::groups::sweep;
use super::plan::Plan;
use super::player::Players;
use super::request::{Prepared, Request, refused};
use super::state::{self, Next};
use crate::values::ValueSource;

/// Remembers which requests have become runs.
const READER: &str = "prepare/runs/requests";
const PAGE: u32 = 100;

#[derive(Debug, Clone)]
pub struct ExecutorSettings {
    /// This server's name among those that share the ledger. The same after a restart, so that the
    /// leases it held before are its own again at once.
    pub holder: String,
    /// Holds the files of runs under way and nothing else; no other living server uses it.
    pub data_dir: PathBuf,
    /// Where cells reach the server, as `MAINSTAY_URL`.
    pub base_url: String,
    /// What cells find in their environment besides the server's own.
    pub environment: BTreeMap<String, String>,
    /// At most so many runs at once; those that wait for people do not count.
    pub max_runs: usize,
}

impl Default for ExecutorSettings {
    fn default() -> Self {
        Self { holder: "local".to_owned(), data_dir: "runs".into(), base_url: String::new(), environment: BTreeMap::new(), max_runs: 8 }
    }
}

/// How long leases last and how long processes have to end.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tuning {
    pub lease_ttl: Duration,
    /// Between asking a process group to end and making it.
    pub kill_grace: Duration,
}

impl Default for Tuning {
    fn default() -> Self {
        Self { lease_ttl: Duration::from_secs(15), kill_grace: Duration::from_secs(5) }
    }
}

/// Give it to the task driver with the ledger's position as its wake. Several executors may share a
/// ledger. Dropping it abandons what is under way, as a crash does; [`stop`](Self::stop) ends it in order.
pub struct Executor {
    inner: Arc<Inner>,
}

/// What the execution of a run needs.
pub(super) struct Services {
    pub ledger: Ledger,
    pub graph: watch::Receiver<Arc<Loaded>>,
    pub engine: Engine,
    pub sql: Arc<dyn SqlSource>,
    pub values: Arc<dyn ValueSource>,
    pub players: Players,
    pub clock: SharedClock,
    pub settings: ExecutorSettings,
    pub tuning: Tuning,
    pub stopping: CancellationToken,
}

struct Inner {
    services: Arc<Services>,
    swept: OnceCell<usize>,
    active: Mutex<BTreeSet<RunId>>,
    tasks: Mutex<JoinSet<()>>,
}

impl Executor {
    #[expect(clippy::too_many_arguments, reason = "each is a room that runs need")]
    pub fn new(
        ledger: Ledger,
        graph: watch::Receiver<Arc<Loaded>>,
        engine: Engine,
        sql: Arc<dyn SqlSource>,
        values: Arc<dyn ValueSource>,
        players: Players,
        clock: SharedClock,
        settings: ExecutorSettings,
    ) -> Self {
        Self::with_tuning(Services { ledger, graph, engine, sql, values, players, clock, settings, tuning: Tuning::default(), stopping: CancellationToken::new() })
    }

    pub(super) fn with_tuning(services: Services) -> Self {
        let inner = Inner { services: Arc::new(services), swept: OnceCell::new(), active: Mutex::default(), tasks: Mutex::default() };
        Self { inner: Arc::new(inner) }
    }

    /// Ends the cells under way, records what becomes of their runs, and gives the leases back.
    pub async fn stop(&self) {
        self.inner.services.stopping.cancel();
        let mut tasks = std::mem::take(&mut *self.inner.tasks.lock());
        while tasks.join_next().await.is_some() {}
    }
}

impl Drop for Executor {
    fn drop(&mut self) {
        self.inner.tasks.lock().abort_all();
    }
}

#[async_trait]
impl Task for Executor {
    fn name(&self) -> &'static str {
        "runs"
    }

    fn interval(&self) -> Duration {
        self.inner.services.tuning.lease_ttl / 3
    }

    async fn pass(&self) -> Result<Pass, TaskError> {
        let data = &self.inner.services.settings.data_dir;
        self.inner.swept.get_or_init(|| sweep(data)).await;
        self.inner.services.meet_requests().await?;
        let next = self.inner.clone().take_due().await?;
        let active = self.inner.active.lock().len();
        Ok(Pass { summary: format!("{active} runs under way"), next })
    }
}

impl Inner {
    /// Begins the runs that can go on; answers when one that waits for people is due.
    ///
    /// Boxed, because a run that ends calls it to hand its place on.
    fn take_due(self: Arc<Self>) -> BoxFuture<'static, Result<Option<Timestamp>, LedgerError>> {
        Box::pin(async move {
            let mut earliest: Option<Timestamp> = None;
            for run in self.services.unfinished().await? {
                if self.services.stopping.is_cancelled() {
                    break;
                }
                match self.services.due(&run).await? {
                    Due::Now => self.begin(run.id).await?,
                    Due::Later(Some(until)) => earliest = Some(earliest.map_or(until, |known| known.min(until))),
                    Due::Later(None) => {}
                }
            }
            Ok(earliest)
        })
    }

    /// Takes the run, unless it is taken or there is no room.
    async fn begin(self: &Arc<Self>, run: RunId) -> Result<(), LedgerError> {
        {
            let mut active = self.active.lock();
            if active.len() >= self.services.settings.max_runs || !active.insert(run.clone()) {
                return Ok(());
            }
        }
        let place = Place { inner: self.clone(), run: run.clone() };
        let Some(lease) = self.services.lease(&run).await? else { return Ok(()) };
        let mut tasks = self.tasks.lock();
        while tasks.try_join_next().is_some() {}
        tasks.spawn(async move {
            let inner = place.inner.clone();
            if let Err(error) = execute(inner.services.clone(), run.clone(), lease).await {
                tracing::warn!(%run, error = &error as &dyn std::error::Error, "the work on a run stopped before its end");
                return;
            }
            // Whatever changed while the run was being given back is seen here or by a later pass.
            drop(place);
            if let Err(error) = inner.take_due().await {
                tracing::warn!(%error, "the next runs could not be read");
            }
        });
        Ok(())
    }
}

/// One of the places for runs under way; free again when it is dropped.
struct Place {
    inner: Arc<Inner>,
    run: RunId,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.inner.active.lock().remove(&self.run);
    }
}

enum Due {
    Now,
    /// When people decide, or at this time.
    Later(Option<Timestamp>),
}

impl Services {
    async fn lease(&self, run: &RunId) -> Result<Option<ledger::Lease>, LedgerError> {
        self.ledger.acquire_lease(&format!("run/{run}"), &self.settings.holder, self.tuning.lease_ttl).await
    }

    /// The oldest first.
    async fn unfinished(&self) -> Result<Vec<Run>, LedgerError> {
        let statuses = vec![RunStatus::Requested, RunStatus::Running, RunStatus::Waiting, RunStatus::Interrupted];
        let mut runs = self.ledger.runs(&RunFilter { statuses, limit: Some(1000), ..RunFilter::default() }).await?;
        runs.reverse();
        Ok(runs)
    }

    async fn due(&self, run: &Run) -> Result<Due, LedgerError> {
        if matches!(run.status, RunStatus::Requested | RunStatus::Running) {
            return Ok(Due::Now);
        }
        let plan = Plan::read(&self.ledger, &run.id).await?.unwrap_or_default();
        let steps = self.ledger.steps(&run.id).await?;
        let running = steps.iter().filter(|step| step.status == ledger::StepStatus::Running);
        // Background cells may still be looked after by whoever waits with them.
        let alive = running.map(|step| step.index).collect();
        Ok(match state::next(run, &steps, &plan, &alive, self.clock.now()) {
            Next::Nothing => Due::Later(None),
            Next::Wait { until } => Due::Later(until),
            _ => Due::Now,
        })
    }

    /// Makes runs of the requests that other stages have appended.
    async fn meet_requests(&self) -> Result<(), LedgerError> {
        // Before the documents are read, every request would be for an unknown one.
        if self.graph.borrow().graph.root.as_os_str().is_empty() {
            return Ok(());
        }
        loop {
            let after = self.ledger.cursor(READER).await?;
            let filter = EventFilter { after, kinds: vec![types::RUN_REQUESTED.to_owned()], limit: Some(PAGE), ..EventFilter::default() };
            let events = self.ledger.events(&filter).await?;
            let Some(last) = events.last() else { return Ok(()) };
            for event in &events {
                self.meet(event).await?;
            }
            self.ledger.commit(Batch::new().cursor(READER, last.position)).await?;
        }
    }

    async fn meet(&self, event: &Event) -> Result<(), LedgerError> {
        let Some(id) = event.run.clone() else {
            tracing::warn!(event = %event.id, "a requested run has no id and is left out");
            return Ok(());
        };
        match self.ledger.run(&id).await {
            Ok(_) => return Ok(()),
            Err(LedgerError::NotFound(_)) => {}
            Err(error) => return Err(error),
        }
        let request = request_of(event);
        let loaded = self.graph.borrow().clone();
        let batch = match Prepared::new(&loaded.graph, &request, id.clone(), event.time) {
            Ok(prepared) => prepared.into_batch(),
            Err(error) => refused(&request, id, &error, event.time),
        };
        match self.ledger.commit(batch).await {
            // Another executor was quicker.
            Ok(_) | Err(LedgerError::Conflict(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

fn request_of(event: &Event) -> Request {
    let text = |value: &serde_json::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let parameters = event.data["parameters"].as_object().into_iter().flatten();
    Request {
        document: event.data["document"].as_str().unwrap_or_default().to_owned(),
        parameters: parameters.map(|(name, value)| (name.clone(), text(value))).collect(),
        initiator: event.actor.clone(),
        incident: event.incident,
        component: event.data["component"].as_str().and_then(|component| component.parse::<EntityRef>().ok()),
        key: None,
    }
}
