//! Time is injected, so that a rule's hour passes in a millisecond of a test.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
pub use jiff::Timestamp;
use jiff::SignedDuration;
use tokio::sync::watch;

/// Tells the time and waits for it.
#[async_trait]
pub trait Clock: Send + Sync + std::fmt::Debug {
    fn now(&self) -> Timestamp;

    /// Returns at `deadline`, or at once if it has passed.
    async fn sleep_until(&self, deadline: Timestamp);
}

pub type SharedClock = Arc<dyn Clock>;

/// The machine's wall clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

#[async_trait]
impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    async fn sleep_until(&self, deadline: Timestamp) {
        let left = deadline.duration_since(Timestamp::now());
        if let Ok(left) = Duration::try_from(left) {
            tokio::time::sleep(left).await;
        }
    }
}

/// A clock that moves only when a test moves it.
#[derive(Debug, Clone)]
pub struct ManualClock {
    now: watch::Sender<Timestamp>,
}

impl ManualClock {
    pub fn at(now: Timestamp) -> Self {
        Self { now: watch::Sender::new(now) }
    }

    pub fn advance(&self, by: Duration) {
        let by = SignedDuration::try_from(by).expect("a test's step fits a signed duration");
        self.now.send_modify(|now| *now += by);
    }

    pub fn set(&self, now: Timestamp) {
        self.now.send_replace(now);
    }
}

#[async_trait]
impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.now.borrow()
    }

    async fn sleep_until(&self, deadline: Timestamp) {
        let mut now = self.now.subscribe();
        // The sender lives as long as `self`, so waiting cannot fail.
        let _ = now.wait_for(|now| *now >= deadline).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_sleeper_wakes_when_the_test_moves_the_clock() {
        let clock = ManualClock::at(Timestamp::UNIX_EPOCH);
        let deadline = Timestamp::from_second(3600).unwrap();
        let sleeper = tokio::spawn({
            let clock = clock.clone();
            async move { clock.sleep_until(deadline).await }
        });
        clock.advance(Duration::from_secs(3600));
        sleeper.await.unwrap();
        assert_eq!(clock.now(), deadline);
    }
}
