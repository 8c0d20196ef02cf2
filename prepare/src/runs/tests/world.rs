//! What the tests stand on.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use documents::Loaded;
use kernel::table::{Table, TableSchema};
use kernel::task::{Driver, Task};
use kernel::{ManualClock, RunId, SharedClock, SystemClock};
use ledger::{Actor, Event, EventFilter, Ledger, OutputKind, Run, RunStatus, Step};
use parking_lot::Mutex;
use telemetry::ports::{MatchOp, Matcher, Metadata, Series};
use telemetry::promql::Engine;
use telemetry::{Labels, MetricSource, SinkError, SourceError, SqlError, SqlSource};
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::runs::task::{Services, Tuning};
use crate::runs::{Executor, ExecutorSettings, Players, Request, Runs};
use crate::values::{Elsewhere, ValueSource};

/// Users `jo`, `ann` and `bob`; `ann` and `bob` are the group `oncall`, which owns `orders`.
const PEOPLE: &str = "
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: { name: orders }
spec: { type: service, lifecycle: production, owner: oncall }
---
apiVersion: backstage.io/v1alpha1
kind: Group
metadata: { name: oncall }
spec: { type: team, children: [], members: [ann, bob] }
---
apiVersion: backstage.io/v1alpha1
kind: User
metadata: { name: jo }
spec: { memberOf: [] }
---
apiVersion: backstage.io/v1alpha1
kind: User
metadata: { name: ann }
spec: { memberOf: [oncall] }
---
apiVersion: backstage.io/v1alpha1
kind: User
metadata: { name: bob }
spec: { memberOf: [oncall] }
";

pub struct World {
    pub folder: tempfile::TempDir,
    pub ledger: Ledger,
    pub runs: Runs,
    pub graph: watch::Sender<Arc<Loaded>>,
    pub queries: Arc<Answers>,
    pub players: Players,
    pub values: Arc<dyn ValueSource>,
    pub clock: SharedClock,
    /// Of runs; longer than what a test lets pass at once.
    pub lease_ttl: Duration,
    executor: Option<(Arc<Executor>, Arc<Driver>, CancellationToken)>,
}

impl World {
    /// Each document is a file's name without its ending, and its text.
    pub async fn with(documents: &[(&str, &str)]) -> Self {
        Self::at(Arc::new(SystemClock), documents).await
    }

    pub async fn at_noon(documents: &[(&str, &str)]) -> (Self, ManualClock) {
        let clock = ManualClock::at("2026-11-21T12:00:00Z".parse().unwrap());
        (Self::at(Arc::new(clock.clone()), documents).await, clock)
    }

    async fn at(clock: SharedClock, documents: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ops = folder.path().join("ops");
        std::fs::create_dir(&ops).unwrap();
        std::fs::write(ops.join("people.yaml"), PEOPLE).unwrap();
        for (name, text) in documents {
            let ending = if text.starts_with("---") { "md" } else { "yaml" };
            std::fs::write(ops.join(format!("{name}.{ending}")), text).unwrap();
        }
        let loaded = documents::load(&ops);
        for (name, _) in documents {
            let graph = &loaded.graph;
            let found = graph.runbooks.contains_key(*name) || graph.experiments.contains_key(*name) || graph.deployments.contains_key(*name);
            assert!(found, "{name}: {:?}", loaded.diagnostics);
        }
        let ledger = Ledger::open("sqlite::memory:", clock.clone()).await.unwrap();
        let graph = watch::Sender::new(Arc::new(loaded));
        let runs = Runs::new(ledger.clone(), graph.subscribe(), clock.clone());
        let mut world = Self { folder, ledger, runs, graph, queries: Arc::default(), players: Players::new(), values: Arc::new(Elsewhere::default()), clock, lease_ttl: Duration::from_secs(3), executor: None };
        world.start();
        world
    }

    /// Starts an executor, as a server does.
    pub fn start(&mut self) {
        let services = Services {
            ledger: self.ledger.clone(),
            graph: self.graph.subscribe(),
            engine: Engine::new(self.queries.clone()),
            sql: self.queries.clone(),
            values: self.values.clone(),
            players: self.players.clone(),
            clock: self.clock.clone(),
            settings: ExecutorSettings {
                holder: "here".to_owned(),
                data_dir: self.folder.path().join("data/runs"),
                base_url: "http://127.0.0.1:1".to_owned(),
                environment: BTreeMap::new(),
                max_runs: 4,
            },
            tuning: Tuning { lease_ttl: self.lease_ttl, kill_grace: Duration::from_millis(300) },
            stopping: CancellationToken::new(),
        };
        let executor = Arc::new(Executor::with_tuning(services));
        let cancel = CancellationToken::new();
        let driver = Arc::new(Driver::new(self.clock.clone(), cancel.clone()));
        driver.spawn(executor.clone() as Arc<dyn Task>, self.ledger.watch());
        self.executor = Some((executor, driver, cancel));
    }

    /// As kill -9 does: nothing is tidied up.
    pub async fn crash(&mut self) {
        if let Some((executor, driver, cancel)) = self.executor.take() {
            cancel.cancel();
            driver.drain().await;
            drop(driver);
            assert_eq!(Arc::strong_count(&executor), 1, "nobody else may hold the executor that dies");
        }
    }

    pub async fn stop(&mut self) {
        if let Some((executor, driver, cancel)) = self.executor.take() {
            cancel.cancel();
            driver.drain().await;
            executor.stop().await;
        }
    }

    pub async fn request(&self, document: &str, parameters: &[(&str, &str)]) -> Run {
        let parameters = parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        self.runs.request(Request { parameters, ..Request::new(document, user("jo")) }).await.unwrap()
    }

    /// Waits until the run is in this state; fails with all that is known if it comes to another end.
    pub async fn until(&self, run: &RunId, status: RunStatus) -> Run {
        let reached = self.runs.wait_until(run, |run| run.status == status || run.status.is_final());
        let run = match timeout(Duration::from_secs(30), reached).await {
            Ok(run) => run.unwrap(),
            Err(_) => panic!("never {status:?}: {:#?} {}", self.ledger.run(run).await, self.transcript(run).await),
        };
        assert_eq!(run.status, status, "{:?}\n{}", run.error, self.transcript(&run.id).await);
        run
    }

    pub async fn run(&self, document: &str, parameters: &[(&str, &str)], end: RunStatus) -> Run {
        let run = self.request(document, parameters).await;
        self.until(&run.id, end).await
    }

    pub async fn step(&self, run: &RunId, index: usize) -> Step {
        self.ledger.steps(run).await.unwrap()[index].clone()
    }

    pub async fn output(&self, run: &RunId, kind: OutputKind) -> String {
        let chunks = self.ledger.output(run, -1, 10_000).await.unwrap();
        assert!(chunks.iter().enumerate().all(|(index, chunk)| chunk.sequence == index as i64), "sequences have no gaps");
        chunks.into_iter().filter(|chunk| chunk.kind == kind).map(|chunk| chunk.data).collect()
    }

    pub async fn transcript(&self, run: &RunId) -> String {
        let chunks = self.ledger.output(run, -1, 10_000).await.unwrap();
        chunks.into_iter().map(|chunk| format!("{} {:?}: {}\n", chunk.step, chunk.kind, chunk.data)).collect()
    }

    pub async fn events(&self, run: &RunId) -> Vec<Event> {
        self.ledger.events(&EventFilter { run: Some(run.clone()), ..EventFilter::default() }).await.unwrap()
    }

    /// Waits until the live output holds the text.
    pub async fn until_output(&self, run: &RunId, text: &str) {
        let mut changes = self.ledger.watch_output();
        let shown = async {
            while !self.transcript(run).await.contains(text) {
                changes.changed().await.unwrap();
            }
        };
        if timeout(Duration::from_secs(20), shown).await.is_err() {
            panic!("{text:?} never came: {:#?} {}", self.ledger.run(run).await, self.transcript(run).await);
        }
    }
}

pub fn user(name: &str) -> Actor {
    Actor(format!("user:default/{name}"))
}

/// Waits for a condition that nobody tells of, such as the end of a process.
pub async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let held = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(Duration::from_secs(10), held).await.unwrap_or_else(|_| panic!("never: {what}"));
}

/// Whether a process runs; one that only waits to be reaped does not.
pub fn lives(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
}

/// Doubles of the lake: SQL answers with one table, metrics are one gauge that is always 1.
#[derive(Default)]
pub struct Answers {
    pub table: Mutex<Option<Table>>,
    pub asked: Mutex<Vec<String>>,
}

#[async_trait]
impl SqlSource for Answers {
    async fn sql(&self, query: &str, _limit: usize) -> Result<Table, SqlError> {
        self.asked.lock().push(query.to_owned());
        self.table.lock().clone().ok_or_else(|| SqlError::Invalid { message: "there is no table named nowhere".to_owned() })
    }

    fn tables(&self) -> Vec<TableSchema> {
        Vec::new()
    }
}

#[async_trait]
impl MetricSource for Answers {
    async fn select(&self, matchers: &[Matcher], window_ms: RangeInclusive<i64>) -> Result<Vec<Series>, SourceError> {
        let labels = Labels::from_pairs([("__name__", "up"), ("job", "orders"), ("LD_PRELOAD", "/tmp/evil.so")]);
        let fits = matchers.iter().all(|matcher| match matcher.op {
            MatchOp::Equal => matcher.matches(labels.get(&matcher.name).unwrap_or_default()),
            _ => true,
        });
        let times = window_ms.clone().step_by(15_000).chain([*window_ms.end()]);
        let samples = times.map(|time_ms| telemetry::ports::Sample { time_ms, value: 1.0 }).collect();
        let mut series = Series { labels, samples };
        series.samples.dedup_by_key(|sample| sample.time_ms);
        Ok(if fits { vec![series] } else { Vec::new() })
    }

    async fn series(&self, _: &[Vec<Matcher>], _: RangeInclusive<i64>) -> Result<Vec<Labels>, SourceError> {
        Ok(Vec::new())
    }

    async fn label_names(&self, _: &[Vec<Matcher>], _: RangeInclusive<i64>) -> Result<Vec<String>, SourceError> {
        Ok(Vec::new())
    }

    async fn label_values(&self, _: &str, _: &[Vec<Matcher>], _: RangeInclusive<i64>) -> Result<Vec<String>, SourceError> {
        Ok(Vec::new())
    }

    async fn metadata(&self) -> Result<Vec<Metadata>, SourceError> {
        Ok(Vec::new())
    }

    async fn append(&self, _: Vec<Series>) -> Result<(), SinkError> {
        Ok(())
    }
}

/// Parameters, as the ledger holds them.
pub fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}
