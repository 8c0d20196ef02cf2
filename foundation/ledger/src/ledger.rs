//! The handle that every room holds.

use std::sync::Arc;
use std::time::Duration;

use kernel::{IncidentId, SharedClock};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use crate::backend::Database;
use crate::changes::{AcquireLease, CommitBatch, NextIncident, ReleaseLease, RenewLease};
use crate::limits::{WAITING_BYTES_MAX, WAITING_JOBS_MAX};
use crate::writer::{Change, Job, Signals, Writer, job};
use crate::*;

type Result<T> = std::result::Result<T, LedgerError>;

/// Cheap to clone; all clones share the one writer. The reads are in `reads.rs`.
#[derive(Clone)]
pub struct Ledger {
    shared: Arc<Shared>,
}

struct Shared {
    database: Arc<Database>,
    jobs: mpsc::Sender<Box<dyn Job>>,
    /// Bytes that may wait for the writer.
    room: Arc<Semaphore>,
    signals: Signals,
    closing: CancellationToken,
    tasks: TaskTracker,
    /// Ends the tasks with the last clone.
    _guard: DropGuard,
}

impl std::fmt::Debug for Ledger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ledger").field("position", &*self.shared.signals.position.borrow()).finish_non_exhaustive()
    }
}

impl Ledger {
    /// Opens or creates: `sqlite:PATH` (or `sqlite::memory:`), `postgres://…`.
    pub async fn open(url: &str, clock: SharedClock) -> Result<Self> {
        let database = Arc::new(Database::open(url).await?);
        let signals = Signals { position: watch::Sender::new(0), output: watch::Sender::new(0) };
        let (sender, jobs) = mpsc::channel(WAITING_JOBS_MAX);
        let closing = CancellationToken::new();
        let tasks = TaskTracker::new();
        // The follower listens before the position is read: no commit falls between the two.
        if let Some(follower) = database.follow().await? {
            let follow = follow::follow(database.clone(), follower, signals.clone());
            tasks.spawn(closing.clone().run_until_cancelled_owned(follow));
        }
        let writer = Writer { database: database.clone(), clock, jobs, signals: signals.clone(), closing: closing.clone() };
        tasks.spawn(writer.work());
        let shared = Shared {
            database,
            jobs: sender,
            room: Arc::new(Semaphore::new(WAITING_BYTES_MAX)),
            signals,
            _guard: closing.clone().drop_guard(),
            closing,
            tasks,
        };
        let ledger = Self { shared: Arc::new(shared) };
        ledger.shared.signals.announce(ledger.position().await?, false);
        Ok(ledger)
    }

    /// Writes all or nothing; returns when it is durable.
    ///
    /// A caller that stops waiting does not stop the write. Limits: [`limits`].
    pub async fn commit(&self, batch: Batch) -> Result<Committed> {
        let batch = CommitBatch::new(batch)?;
        let size_bytes = batch.size_bytes;
        self.write(batch, size_bytes).await
    }

    /// The number of a new incident; never given twice.
    pub async fn next_incident_id(&self) -> Result<IncidentId> {
        self.write(NextIncident, 0).await
    }

    /// The highest position that a reader may rely on; changes within 50 ms of a commit, by any server.
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.shared.signals.position.subscribe()
    }

    /// Changes whenever output is written to any run by this server, or an event is appended by any.
    pub fn watch_output(&self) -> watch::Receiver<u64> {
        self.shared.signals.output.subscribe()
    }

    /// `None` if somebody else holds it. A holder that acquires its own lease again gets a new token,
    /// and its old one no longer counts; to keep a lease, renew it.
    pub async fn acquire_lease(&self, name: &str, holder: &str, ttl: Duration) -> Result<Option<Lease>> {
        self.write(AcquireLease { name: name.to_owned(), holder: holder.to_owned(), ttl }, 0).await
    }

    /// `None` if it was lost meanwhile: taken by another, or released.
    pub async fn renew_lease(&self, lease: &Lease, ttl: Duration) -> Result<Option<Lease>> {
        self.write(RenewLease { lease: lease.clone(), ttl }, 0).await
    }

    pub async fn release_lease(&self, lease: &Lease) -> Result<()> {
        self.write(ReleaseLease { lease: lease.clone() }, 0).await
    }

    /// Finishes what is under way and closes the files.
    pub async fn close(&self) {
        self.shared.closing.cancel();
        self.shared.tasks.close();
        self.shared.tasks.wait().await;
        self.shared.database.close().await;
    }

    pub(crate) fn database(&self) -> &Database {
        &self.shared.database
    }

    async fn write<C: Change>(&self, change: C, size_bytes: usize) -> Result<C::Outcome> {
        let bytes = u32::try_from(size_bytes).map_err(|_| LedgerError::Closed)?;
        let permit = self.shared.room.clone().acquire_many_owned(bytes).await.map_err(|_| LedgerError::Closed)?;
        let (job, answer) = job(change, Some(permit));
        self.shared.jobs.send(job).await.map_err(|_| LedgerError::Closed)?;
        answer.await.map_err(|_| LedgerError::Closed)?
    }
}
