//! Databases for tests, and short ways to say what a test is about.

pub mod postgres;
pub mod server;

use std::sync::Arc;

use kernel::{EventId, IncidentId, ManualClock, RunId, Severity, SystemClock, Timestamp};
use ledger::*;
use serde_json::json;
use sqlx::{Connection, Executor};

/// A fresh database of one backend; gone when it is dropped.
pub struct TestDatabase {
    pub url: String,
    /// Whether a second handle opens the same records.
    pub shared: bool,
    _keep: Keep,
}

enum Keep {
    Nothing,
    Folder(#[allow(dead_code, reason = "deletes the folder when dropped")] tempfile::TempDir),
}

impl TestDatabase {
    pub async fn sqlite_file() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("ledger.db").display());
        Self { url, shared: true, _keep: Keep::Folder(folder) }
    }

    pub async fn sqlite_memory() -> Self {
        Self { url: "sqlite::memory:".to_owned(), shared: false, _keep: Keep::Nothing }
    }

    pub async fn postgres() -> Self {
        Self { url: postgres::fresh_schema().await, shared: true, _keep: Keep::Nothing }
    }

    /// One statement behind the ledger's back.
    pub async fn execute(&self, sql: &str) {
        if self.url.starts_with("sqlite") {
            let mut connection = sqlx::SqliteConnection::connect(&self.url).await.unwrap();
            connection.execute(sqlx::AssertSqlSafe(sql)).await.unwrap();
            connection.close().await.unwrap();
        } else {
            postgres::execute(&self.url, sql).await;
        }
    }

    pub async fn open(&self) -> Ledger {
        Ledger::open(&self.url, Arc::new(SystemClock)).await.unwrap()
    }

    pub async fn open_at(&self, clock: &ManualClock) -> Ledger {
        Ledger::open(&self.url, Arc::new(clock.clone())).await.unwrap()
    }
}

/// Runs every case on each backend that several processes can open.
macro_rules! on_every_shared_backend {
    ($($case:ident),* $(,)?) => {
        mod shared_sqlite_file { $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)] async fn $case() {
            super::$case(crate::support::TestDatabase::sqlite_file().await).await;
        })* }
        mod shared_postgres { $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)] async fn $case() {
            super::$case(crate::support::TestDatabase::postgres().await).await;
        })* }
    };
}
pub(crate) use on_every_shared_backend;

/// Runs every case on each backend.
macro_rules! on_every_backend {
    ($($case:ident),* $(,)?) => {
        mod sqlite_file { $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)] async fn $case() {
            super::$case(crate::support::TestDatabase::sqlite_file().await).await;
        })* }
        mod sqlite_memory { $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)] async fn $case() {
            super::$case(crate::support::TestDatabase::sqlite_memory().await).await;
        })* }
        mod postgres { $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)] async fn $case() {
            super::$case(crate::support::TestDatabase::postgres().await).await;
        })* }
    };
}
pub(crate) use on_every_backend;

pub fn instant(second: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + second).unwrap()
}

pub fn happened(kind: &str) -> NewEvent {
    NewEvent::new("/test", kind, json!({"kind": kind}))
}

pub fn a_run() -> Run {
    Run {
        id: RunId::random(),
        kind: RunKind::Runbook,
        document: "restart-orders".to_owned(),
        title: "Restart orders".to_owned(),
        document_digest: "d1".to_owned(),
        status: RunStatus::Requested,
        initiator: Actor::system(),
        incident: None,
        component: None,
        parameters: [("zone".to_owned(), "a\0b".to_owned())].into(),
        outputs: Default::default(),
        requested_at: instant(0),
        started_at: None,
        finished_at: None,
        deadline: None,
        error: None,
        cancel_requested: false,
        revision: 0,
    }
}

pub fn a_step(run: &RunId, index: u32) -> Step {
    Step {
        run: run.clone(),
        index,
        name: format!("step-{index}"),
        language: "bash".to_owned(),
        source: "true".to_owned(),
        status: StepStatus::Pending,
        attempt: 0,
        started_at: None,
        finished_at: None,
        exit_code: None,
        error: None,
        approval: None,
    }
}

pub fn a_chunk(run: &RunId, sequence: i64, data: &str) -> OutputChunk {
    let (run, data) = (run.clone(), data.to_owned());
    OutputChunk { run, step: 0, sequence, kind: OutputKind::Stdout, time: instant(sequence), data }
}

pub fn an_incident(number: i64) -> Incident {
    Incident {
        id: IncidentId::from_number(number),
        title: "orders fails".to_owned(),
        summary: String::new(),
        severity: Severity::Sev2,
        status: IncidentStatus::Open,
        commander: None,
        roles: Default::default(),
        components: Vec::new(),
        practice: false,
        fingerprint: None,
        opened_at: instant(0),
        acknowledged_at: None,
        mitigated_at: None,
        resolved_at: None,
        revision: 0,
    }
}

pub fn an_alarm(id: &str) -> AlarmRecord {
    AlarmRecord {
        id: id.to_owned(),
        group: "orders".to_owned(),
        name: id.to_owned(),
        expression: "up == 0".to_owned(),
        component: None,
        severity: None,
        runbook: None,
        state: AlarmState::Inactive,
        since: instant(0),
        error: None,
        instances: Vec::new(),
        verdict: None,
    }
}

pub fn a_delivery(created_second: i64) -> Delivery {
    Delivery {
        id: kernel::DeliveryId::random(),
        channel: Channel::Webhook,
        rule: "page".to_owned(),
        target: "https://example.com/hook".to_owned(),
        headers: Default::default(),
        body: json!({"text": "hello"}),
        status: DeliveryStatus::Pending,
        attempts: 0,
        next_attempt_at: Some(instant(created_second)),
        last_error: None,
        created_at: instant(created_second),
        delivered_at: None,
        cause: EventId::random(),
        incident: None,
    }
}
