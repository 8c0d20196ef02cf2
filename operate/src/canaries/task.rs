//! The reconciler: every canary of the documents looks at its instants, from this server's location.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use documents::Loaded;
use documents::canary::Canary;
use kernel::task::{Pass, Task, TaskError};
use jiff::SignedDuration;
use kernel::{RunId, SharedClock, Timestamp};
use ledger::{Batch, CANARY, Event, EventFilter, Lease, Ledger, LedgerError, NewEvent, RunFilter, types};
use serde_json::json;
use telemetry::MetricSource;
use tokio::sync::{Mutex, watch};

use super::check::Looked;
use super::record;
use super::rounds::{Post, Rounds};
use crate::leadership::Leadership;

const LEASE: &str = "operate/canaries";
/// The reader of runs that have ended and of heartbeats.
const READER: &str = "operate/canaries";
const SOURCE: &str = "/operate/canaries";
const INTERVAL: Duration = Duration::from_secs(4);
const PAGE: u32 = 200;
/// How long the runs of canaries are kept.
const RUNS_KEPT: SignedDuration = SignedDuration::from_hours(7 * 24);
/// So that a pass does not take long.
const FORGOTTEN_AT_ONCE: u32 = 100;

pub struct CanaryTask {
    sight: Arc<Sight>,
    graph: watch::Receiver<Arc<Loaded>>,
    location: String,
    work: Mutex<Work>,
}

/// Where what was seen is written.
struct Sight {
    ledger: Ledger,
    metrics: Arc<dyn MetricSource>,
    clock: SharedClock,
    location: String,
}

struct Work {
    leadership: Leadership,
    rounds: Rounds,
}

impl CanaryTask {
    /// `location` is the label of this server among the runners that documents name.
    pub fn new(ledger: Ledger, graph: watch::Receiver<Arc<Loaded>>, metrics: Arc<dyn MetricSource>, clock: SharedClock, location: &str) -> Self {
        let leadership = Leadership::new(ledger.clone(), LEASE);
        let sight = Arc::new(Sight { ledger, metrics, clock: clock.clone(), location: location.to_owned() });
        let work = Work { leadership, rounds: Rounds::new(location, sight.clone(), clock) };
        Self { sight, graph, location: location.to_owned(), work: Mutex::new(work) }
    }

    /// See [`AlarmTask::held_by`](crate::alarms::AlarmTask::held_by).
    pub fn held_by(self, holder: &str) -> Self {
        let leadership = Leadership::new(self.sight.ledger.clone(), LEASE).held_by(holder);
        let rounds = Rounds::new(&self.location, self.sight.clone(), self.sight.clock.clone());
        Self { work: Mutex::new(Work { leadership, rounds }), ..self }
    }
}

#[async_trait]
impl Task for CanaryTask {
    fn name(&self) -> &'static str {
        "canaries"
    }

    fn interval(&self) -> Duration {
        INTERVAL
    }

    async fn pass(&self) -> Result<Pass, TaskError> {
        let loaded = self.graph.borrow().clone();
        if loaded.graph.root.as_os_str().is_empty() {
            return Ok(Pass { summary: "the documents are not read yet".to_owned(), next: None });
        }
        let mut work = self.work.lock().await;
        let now = self.sight.clock.now();
        let Some(lease) = work.leadership.hold(now).await? else {
            work.rounds.rest();
            return Ok(Pass { summary: "another server plays the canaries".to_owned(), next: None });
        };
        self.sight.follow_up(&lease, &loaded, &self.location).await?;
        self.sight.forget(now).await?;
        let turn = work.rounds.turn(&loaded, now);
        let summary = format!("{} begun, {} under way, {} canaries", turn.begun, turn.under_way, loaded.graph.canaries.len());
        Ok(Pass { summary, next: turn.next })
    }
}

#[async_trait]
impl Post for Sight {
    async fn seen(&self, canary: &Canary, looked: Looked) {
        if let Err(error) = self.record(canary, &self.location, &looked, None, self.clock.now()).await {
            tracing::warn!(canary = canary.name, %error, "what a canary saw could not be recorded");
        }
    }

    async fn due(&self, canary: &Canary, script: &str, environment: Option<&str>, slot: Timestamp) {
        if let Err(error) = self.request(canary, script, environment, slot).await {
            tracing::warn!(canary = canary.name, %error, "the run of a canary could not be requested");
        }
    }
}

impl Sight {
    async fn record(&self, canary: &Canary, location: &str, looked: &Looked, run: Option<RunId>, at: Timestamp) -> Result<(), TaskError> {
        record::keep(&self.ledger, &*self.metrics, canary, location, looked, run, at).await
    }

    /// What the lake and the record of looks tell of a run stays; what it printed goes.
    async fn forget(&self, now: Timestamp) -> Result<(), LedgerError> {
        let filter = RunFilter { routine: Some(true), before: now.checked_sub(RUNS_KEPT).ok(), limit: Some(FORGOTTEN_AT_ONCE), ..RunFilter::default() };
        let old = self.ledger.runs(&filter).await?.into_iter().filter(|run| run.status.is_final());
        let batch = old.fold(Batch::new(), |batch, run| batch.forget_run(run.id));
        if batch.is_empty() { Ok(()) } else { self.ledger.commit(batch).await.map(drop) }
    }

    /// Asks for the run of a scenario; the same instant asks once, whoever comes to it.
    async fn request(&self, canary: &Canary, script: &str, environment: Option<&str>, slot: Timestamp) -> Result<(), LedgerError> {
        let parameters = environment.map(|environment| json!({ "environment": environment })).unwrap_or_else(|| json!({}));
        let data = json!({ "document": script, "parameters": parameters, "component": canary.component });
        let event = NewEvent::new(SOURCE, types::RUN_REQUESTED, data)
            .subject(script)
            .actor(record::actor(&canary.name))
            .run(RunId::random())
            .key(format!("canary:{}/{}", canary.name, slot.as_millisecond()));
        self.ledger.commit(Batch::new().event(event)).await.map(drop)
    }

    /// Brings what others did for canaries into the lake: runs that ended, and jobs that called in.
    async fn follow_up(&self, lease: &Lease, loaded: &Loaded, location: &str) -> Result<(), TaskError> {
        loop {
            let after = self.ledger.cursor(READER).await?;
            let kinds = [types::RUN_SUCCEEDED, types::RUN_FAILED, types::CANARY_HEARTBEAT].map(str::to_owned).to_vec();
            let events = self.ledger.events(&EventFilter { after, kinds, limit: Some(PAGE), ..EventFilter::default() }).await?;
            for event in &events {
                self.follow(loaded, event, location).await?;
                self.ledger.commit(Batch::new().cursor(READER, event.position).under_lease(&lease.name, lease.token)).await?;
            }
            if events.len() < PAGE as usize {
                return Ok(());
            }
        }
    }

    async fn follow(&self, loaded: &Loaded, event: &Event, location: &str) -> Result<(), TaskError> {
        if event.kind == types::CANARY_HEARTBEAT {
            let Some(canary) = event.subject.as_deref().and_then(|name| loaded.graph.canaries.get(name)) else { return Ok(()) };
            let failure = event.data["error"].as_str().map(str::to_owned);
            let beat = Looked { failure, took: Duration::ZERO, readings: Vec::new() };
            self.metrics.append(record::samples(canary, location, &beat, event.time)).await?;
            return Ok(());
        }
        // A runner has told of its look itself.
        if event.data["recorded"] == true {
            return Ok(());
        }
        let initiator = event.data["initiator"].as_str().and_then(|actor| actor.strip_prefix(CANARY));
        let (Some(canary), Some(run)) = (initiator.and_then(|name| loaded.graph.canaries.get(name)), &event.run) else { return Ok(()) };
        let run = self.ledger.run(run).await?;
        let took = run.started_at.zip(run.finished_at).and_then(|(start, end)| Duration::try_from(end.duration_since(start)).ok());
        let failure = (event.kind == types::RUN_FAILED).then(|| run.error.clone().unwrap_or_else(|| "it failed".to_owned()));
        let looked = Looked { failure, took: took.unwrap_or_default(), readings: Vec::new() };
        self.record(canary, location, &looked, Some(run.id), event.time).await
    }
}
