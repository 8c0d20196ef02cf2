//! Moves heads into files when they are large or old.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use kernel::Timestamp;
use kernel::task::{Pass, Task, TaskError};
use tokio::sync::watch;

use crate::lake::{Inner, Lake};
use crate::shelf::{Head, Shelf};

pub struct Flushes {
    lake: Arc<Inner>,
}

impl Flushes {
    pub fn new(lake: &Lake) -> Self {
        Self { lake: lake.inner.clone() }
    }

    /// Changes when a head is full.
    pub fn wake(&self) -> watch::Receiver<u64> {
        self.lake.wake.subscribe()
    }
}

#[async_trait]
impl Task for Flushes {
    fn name(&self) -> &'static str {
        "lake flush"
    }

    fn interval(&self) -> Duration {
        Duration::from_secs(60)
    }

    async fn pass(&self) -> Result<Pass, TaskError> {
        let now = self.lake.clock.now();
        let logs = flush_if_due(&self.lake.logs, now).await;
        let spans = flush_if_due(&self.lake.spans, now).await;
        let metrics = flush_if_due(&self.lake.metrics, now).await;
        let (logs, spans, metrics) = (logs?, spans?, metrics?);
        let next = [self.lake.logs.flush_at(), self.lake.spans.flush_at(), self.lake.metrics.flush_at()].into_iter().flatten().min();
        Ok(Pass { summary: format!("{logs} log records, {spans} spans and {metrics} samples flushed"), next })
    }
}

async fn flush_if_due<H: Head>(shelf: &Shelf<H>, now: Timestamp) -> Result<u64, TaskError> {
    match shelf.flush_at() {
        Some(at) if at <= now => Ok(shelf.flush().await?),
        _ => Ok(0),
    }
}
