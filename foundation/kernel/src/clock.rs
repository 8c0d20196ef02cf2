//! Time is injected, so that a rule's hour passes in a millisecond of a test.

use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use async_trait::async_trait;
pub use jiff::Timestamp;
use jiff::SignedDuration;
use tokio::sync::watch;

/// Tells the time and waits for it.
#[async_trait]
pub trait Clock: Send + Sync + std::fmt::Debug {
    fn now(&self) -> Timestamp;

    /// Since some instant in the past. Never goes back or jumps, whatever is done to the wall clock.
    fn steady(&self) -> Duration;

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

    fn steady(&self) -> Duration {
        static ORIGIN: LazyLock<Instant> = LazyLock::new(Instant::now);
        ORIGIN.elapsed()
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
    hands: watch::Sender<Hands>,
}

#[derive(Debug, Clone, Copy)]
struct Hands {
    wall: Timestamp,
    steady: Duration,
}

impl ManualClock {
    pub fn at(now: Timestamp) -> Self {
        Self { hands: watch::Sender::new(Hands { wall: now, steady: Duration::ZERO }) }
    }

    pub fn advance(&self, by: Duration) {
        self.hands.send_modify(|hands| {
            hands.wall += by;
            hands.steady += by;
        });
    }

    /// Time passes until `now`, which must not lie in the past.
    pub fn set(&self, now: Timestamp) {
        self.advance(now.duration_since(self.now()).unsigned_abs());
    }

    /// Somebody sets the wall clock; no time passes.
    pub fn jump(&self, by: SignedDuration) {
        self.hands.send_modify(|hands| hands.wall += by);
    }
}

#[async_trait]
impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        self.hands.borrow().wall
    }

    fn steady(&self) -> Duration {
        self.hands.borrow().steady
    }

    async fn sleep_until(&self, deadline: Timestamp) {
        let mut hands = self.hands.subscribe();
        let begun = *hands.borrow_and_update();
        let Ok(left) = Duration::try_from(deadline.duration_since(begun.wall)) else { return };
        // The sender lives as long as `self`, so waiting cannot fail.
        let _ = hands.wait_for(|hands| hands.steady >= begun.steady + left).await;
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
