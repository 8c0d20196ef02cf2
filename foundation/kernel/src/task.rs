//! Background work as reconcilers: each pass compares what should be with what is, takes no input,
//! may be repeated at any time, and shows its own status.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use serde::Serialize;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use utoipa::ToSchema;

use crate::{SharedClock, Timestamp};

pub type TaskError = Box<dyn std::error::Error + Send + Sync>;

/// What one pass did, and when the next is due at the latest.
#[derive(Debug, Clone, Default)]
pub struct Pass {
    /// A few words for people: `3 rules evaluated, 1 firing`.
    pub summary: String,
    /// Earlier than the task's interval, if the pass knows of something due earlier.
    pub next: Option<Timestamp>,
}

#[async_trait]
pub trait Task: Send + Sync + 'static {
    fn name(&self) -> &'static str;

    /// The longest pause between two passes.
    fn interval(&self) -> Duration;

    async fn pass(&self) -> Result<Pass, TaskError>;
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct TaskStatus {
    pub name: String,
    pub passes: u64,
    pub failures: u64,
    pub last_summary: String,
    pub last_error: Option<String>,
    pub last_started: Option<Timestamp>,
    pub last_duration_ms: f64,
}

/// Runs tasks until it is cancelled; a pass that has begun is finished.
#[derive(Debug)]
pub struct Driver {
    clock: SharedClock,
    cancel: CancellationToken,
    tracker: TaskTracker,
    statuses: Mutex<Vec<Arc<Mutex<TaskStatus>>>>,
}

impl Driver {
    pub fn new(clock: SharedClock, cancel: CancellationToken) -> Self {
        Self { clock, cancel, tracker: TaskTracker::new(), statuses: Mutex::default() }
    }

    /// Starts a task. Every change of `wake` (for example the ledger's position) begins a pass at once.
    pub fn spawn(&self, task: Arc<dyn Task>, wake: watch::Receiver<u64>) {
        let status = Arc::new(Mutex::new(TaskStatus {
            name: task.name().to_owned(),
            passes: 0,
            failures: 0,
            last_summary: String::new(),
            last_error: None,
            last_started: None,
            last_duration_ms: 0.0,
        }));
        self.statuses.lock().push(status.clone());
        let clock = self.clock.clone();
        let cancel = self.cancel.clone();
        self.tracker.spawn(drive(task, wake, clock, cancel, status));
    }

    pub fn statuses(&self) -> Vec<TaskStatus> {
        self.statuses.lock().iter().map(|status| status.lock().clone()).collect()
    }

    /// Waits for the passes under way. Cancel first.
    pub async fn drain(&self) {
        self.tracker.close();
        self.tracker.wait().await;
    }
}

async fn drive(
    task: Arc<dyn Task>,
    mut wake: watch::Receiver<u64>,
    clock: SharedClock,
    cancel: CancellationToken,
    status: Arc<Mutex<TaskStatus>>,
) {
    let mut wakes = true;
    while !cancel.is_cancelled() {
        wake.mark_unchanged();
        let started = clock.now();
        let timer = std::time::Instant::now();
        let outcome = task.pass().await;
        let latest = started + jiff::SignedDuration::try_from(task.interval()).unwrap_or(jiff::SignedDuration::MAX);
        let next = {
            let mut status = status.lock();
            status.passes += 1;
            status.last_started = Some(started);
            status.last_duration_ms = timer.elapsed().as_secs_f64() * 1e3;
            match outcome {
                Ok(pass) => {
                    status.last_summary = pass.summary;
                    status.last_error = None;
                    pass.next.map_or(latest, |next| next.min(latest))
                }
                Err(error) => {
                    tracing::warn!(task = task.name(), %error, "a pass failed and will be repeated");
                    status.failures += 1;
                    status.last_error = Some(error.to_string());
                    latest
                }
            }
        };
        tokio::select! {
            _ = cancel.cancelled() => break,
            _ = clock.sleep_until(next) => {}
            changed = wake.changed(), if wakes => wakes = changed.is_ok(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ManualClock;
    use std::sync::atomic::{AtomicU64, Ordering};
    use tokio::sync::Notify;

    struct Counting {
        passes: AtomicU64,
        passed: Notify,
    }

    #[async_trait]
    impl Task for Counting {
        fn name(&self) -> &'static str {
            "counting"
        }

        fn interval(&self) -> Duration {
            Duration::from_secs(60)
        }

        async fn pass(&self) -> Result<Pass, TaskError> {
            let n = self.passes.fetch_add(1, Ordering::SeqCst);
            self.passed.notify_one();
            if n == 1 { Err("the second pass fails".into()) } else { Ok(Pass::default()) }
        }
    }

    #[tokio::test]
    async fn passes_by_timer_and_by_wake_and_survives_a_failure() {
        let clock = ManualClock::at(Timestamp::UNIX_EPOCH);
        let cancel = CancellationToken::new();
        let driver = Driver::new(Arc::new(clock.clone()), cancel.clone());
        let task = Arc::new(Counting { passes: AtomicU64::new(0), passed: Notify::new() });
        let wake = watch::Sender::new(0);
        driver.spawn(task.clone(), wake.subscribe());
        task.passed.notified().await;
        // Let the driver reach its wait, so that the change of the clock is what wakes it.
        tokio::task::yield_now().await;
        clock.advance(Duration::from_secs(60));
        task.passed.notified().await;
        tokio::task::yield_now().await;
        wake.send_replace(1);
        task.passed.notified().await;
        cancel.cancel();
        driver.drain().await;
        let status = &driver.statuses()[0];
        assert_eq!((status.passes, status.failures), (3, 1));
    }
}
