//! The one writer: changes that arrive together share a transaction, and so one wait for the disk.
//!
//! Each change is atomic by a savepoint: one that fails leaves the others of its group alone. A change
//! is answered only when the transaction of its group is durable.

use std::sync::Arc;

use async_trait::async_trait;
use kernel::{SharedClock, Timestamp};
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

use crate::backend::{Database, Row, Transaction, Value};
use crate::limits::GROUP_JOBS_MAX;
use crate::statements::{EventColumns, Statement};
use crate::{Event, LedgerError, Position};

type Result<T> = std::result::Result<T, LedgerError>;

/// Something to write; on an error everything it wrote is undone.
#[async_trait]
pub(crate) trait Change: Sized + Send + 'static {
    type Outcome: Send + 'static;

    async fn apply(self, write: &mut Write) -> Result<Self::Outcome>;
}

/// What a change writes through.
pub(crate) struct Write {
    transaction: Transaction,
    /// Of the newest event, with those of this group.
    position: Position,
    wrote_output: bool,
    now: Timestamp,
}

impl Write {
    pub fn now(&self) -> Timestamp {
        self.now
    }

    pub async fn query(&mut self, sql: &'static str, values: Vec<Value>) -> Result<Vec<Row>> {
        self.transaction.query(sql, values).await
    }

    pub async fn execute(&mut self, statement: Statement) -> Result<()> {
        let Statement { sql, values, conflict } = statement;
        match (self.transaction.execute(sql, values).await, conflict) {
            (Ok(0), Some(what)) => Err(LedgerError::Conflict(what)),
            (Ok(_), _) => Ok(()),
            (Err(LedgerError::Database(sqlx::Error::Database(error))), Some(what)) if error.is_unique_violation() => {
                Err(LedgerError::Conflict(what))
            }
            (Err(error), _) => Err(error),
        }
    }

    /// Gives the event the next position.
    pub async fn append(&mut self, columns: EventColumns) -> Result<Event> {
        let position = Position(self.position.0 + 1);
        let time = columns.event.time.unwrap_or(self.now);
        self.execute(columns.append(position, time)).await?;
        self.position = position;
        Ok(columns.event.at(position, time))
    }

    pub fn note_output(&mut self) {
        self.wrote_output = true;
    }
}

/// What the rest of the server watches.
#[derive(Debug, Clone)]
pub(crate) struct Signals {
    pub position: watch::Sender<u64>,
    pub output: watch::Sender<u64>,
}

impl Signals {
    /// The position only grows, whoever tells of it first.
    pub fn announce(&self, position: Position, wrote_output: bool) {
        let position = position.0.unsigned_abs();
        let grew = self.position.send_if_modified(|known| {
            let grew = position > *known;
            *known = position.max(*known);
            grew
        });
        if grew || wrote_output {
            self.output.send_modify(|changes| *changes += 1);
        }
    }
}

/// A change on its way to the writer, with the way back.
#[async_trait]
pub(crate) trait Job: Send {
    async fn apply(&mut self, write: &mut Write) -> std::result::Result<(), Undo>;

    /// Tells the waiting caller; `lost` if the group's transaction failed.
    fn settle(self: Box<Self>, lost: Option<&Arc<LedgerError>>);
}

/// The change failed: undo what it wrote.
pub(crate) struct Undo;

struct Waiting<C: Change> {
    /// Until it is applied.
    change: Option<C>,
    outcome: Option<Result<C::Outcome>>,
    reply: oneshot::Sender<Result<C::Outcome>>,
    /// Its share of the memory for waiting changes; free again when it is answered.
    _permit: Option<OwnedSemaphorePermit>,
}

pub(crate) fn job<C: Change>(
    change: C,
    permit: Option<OwnedSemaphorePermit>,
) -> (Box<dyn Job>, oneshot::Receiver<Result<C::Outcome>>) {
    let (reply, answer) = oneshot::channel();
    (Box::new(Waiting { change: Some(change), outcome: None, reply, _permit: permit }), answer)
}

#[async_trait]
impl<C: Change> Job for Waiting<C> {
    async fn apply(&mut self, write: &mut Write) -> std::result::Result<(), Undo> {
        let change = self.change.take().ok_or(Undo)?;
        let outcome = change.apply(write).await;
        let applied = outcome.as_ref().map(drop).map_err(|_| Undo);
        self.outcome = Some(outcome);
        applied
    }

    fn settle(self: Box<Self>, lost: Option<&Arc<LedgerError>>) {
        let outcome = match (lost, self.outcome) {
            // Even a conflict may have been with a change that is lost now.
            (Some(error), _) => Err(shared(error)),
            (None, Some(outcome)) => outcome,
            (None, None) => Err(LedgerError::Closed),
        };
        // A caller that went away does not need the answer.
        let _ = self.reply.send(outcome);
    }
}

/// One failure for every change of a group.
fn shared(error: &Arc<LedgerError>) -> LedgerError {
    LedgerError::Database(sqlx::Error::Io(std::io::Error::other(error.clone())))
}

pub(crate) struct Writer {
    pub database: Arc<Database>,
    pub clock: SharedClock,
    pub jobs: mpsc::Receiver<Box<dyn Job>>,
    pub signals: Signals,
    pub closing: CancellationToken,
}

impl Writer {
    /// Works until the ledger is closed and everything accepted is answered.
    pub async fn work(mut self) {
        while let Some(first) = self.next().await {
            let mut group = vec![first];
            // Callers that were just answered get a chance to come again before the group leaves.
            tokio::task::yield_now().await;
            while group.len() < GROUP_JOBS_MAX
                && let Ok(job) = self.jobs.try_recv()
            {
                group.push(job);
            }
            let lost = self.write(&mut group).await.err().map(Arc::new);
            if let Some(error) = &lost {
                tracing::error!(%error, cause = ?error, changes = group.len(), "changes to the ledger were lost");
            }
            for job in group {
                job.settle(lost.as_ref());
            }
        }
    }

    async fn next(&mut self) -> Option<Box<dyn Job>> {
        tokio::select! {
            biased;
            _ = self.closing.cancelled(), if !self.jobs.is_closed() => {
                self.jobs.close();
                self.jobs.recv().await
            }
            job = self.jobs.recv() => job,
        }
    }

    async fn write(&self, group: &mut [Box<dyn Job>]) -> Result<()> {
        let mut transaction = self.database.begin().await?;
        let before = match position(&mut transaction).await {
            Ok(position) => position,
            Err(error) => {
                transaction.abandon().await;
                return Err(error);
            }
        };
        let mut write = Write { transaction, position: before, wrote_output: false, now: self.clock.now() };
        let written = self.fill(&mut write, group, before).await;
        let Write { transaction, position, wrote_output, .. } = write;
        if let Err(error) = written {
            transaction.abandon().await;
            return Err(error);
        }
        transaction.commit().await?;
        self.signals.announce(position, wrote_output);
        Ok(())
    }

    async fn fill(&self, write: &mut Write, group: &mut [Box<dyn Job>], before: Position) -> Result<()> {
        for job in group {
            let undone = (write.position, write.wrote_output);
            write.transaction.run_script("SAVEPOINT change").await?;
            if job.apply(write).await.is_ok() {
                write.transaction.run_script("RELEASE SAVEPOINT change").await?;
            } else {
                write.transaction.run_script("ROLLBACK TO SAVEPOINT change; RELEASE SAVEPOINT change").await?;
                (write.position, write.wrote_output) = undone;
            }
        }
        if write.position > before {
            let position = Value::integer(write.position.0);
            write
                .transaction
                .execute("UPDATE counters SET value = $1 WHERE name = 'position'", vec![position.clone()])
                .await?;
            if let Some(notify) = self.database.notification() {
                write.transaction.query(notify, vec![position]).await?;
            }
        }
        Ok(())
    }
}

async fn position(transaction: &mut Transaction) -> Result<Position> {
    let rows = transaction.query(crate::reads::POSITION, Vec::new()).await?;
    crate::reads::counter(&rows).map(Position)
}
