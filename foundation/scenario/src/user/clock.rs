//! Wakes virtual users when it is time, to a few hundredths of a millisecond.
//!
//! The runtime's own timers are full milliseconds late, which is longer than many an answer takes, and would be
//! counted as the target's. All users of a worker share one that is better.

use std::cell::{Cell, RefCell};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::future::poll_fn;
use std::rc::Rc;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};
use std::time::Instant;

use tokio::sync::Notify;

/// Copies are handles of the same.
#[derive(Clone, Default)]
pub(crate) struct Clock(Rc<Parts>);

#[derive(Default)]
struct Parts {
    waiting: RefCell<BinaryHeap<Reverse<Waiting>>>,
    /// Whether a task watches the system's timer.
    started: Cell<bool>,
    timer: RefCell<Option<Rc<Timer>>>,
}

struct Waiting {
    until: Instant,
    waker: Waker,
}

impl Clock {
    pub async fn until(&self, instant: Instant) {
        self.start();
        let Some(timer) = self.0.timer.borrow().clone() else {
            return tokio::time::sleep_until(instant.into()).await;
        };
        let mut entered = false;
        poll_fn(|cx| {
            if Instant::now() >= instant {
                return Poll::Ready(());
            }
            // A user stays in its task, so its waker stays the same.
            if !entered {
                entered = true;
                let mut waiting = self.0.waiting.borrow_mut();
                let is_first = waiting.peek().is_none_or(|first| instant < first.0.until);
                waiting.push(Reverse(Waiting { until: instant, waker: cx.waker().clone() }));
                if is_first {
                    timer.set(instant);
                }
            }
            Poll::Pending
        })
        .await;
    }

    fn start(&self) {
        if self.0.started.replace(true) {
            return;
        }
        if let Some(timer) = Timer::start().map(Rc::new) {
            *self.0.timer.borrow_mut() = Some(timer.clone());
            let parts = Rc::downgrade(&self.0);
            tokio::task::spawn_local(async move {
                loop {
                    timer.rings().await;
                    let Some(parts) = parts.upgrade() else { return };
                    parts.wake_due(&timer);
                }
            });
        }
    }
}

impl Parts {
    fn wake_due(&self, timer: &Timer) {
        let mut waiting = self.waiting.borrow_mut();
        let now = Instant::now();
        while let Some(first) = waiting.peek() {
            if first.0.until > now {
                timer.set(first.0.until);
                return;
            }
            if let Some(Reverse(due)) = waiting.pop() {
                due.waker.wake();
            }
        }
    }
}

impl PartialEq for Waiting {
    fn eq(&self, other: &Self) -> bool {
        self.until == other.until
    }
}

impl Eq for Waiting {}

impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Waiting {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.until.cmp(&other.until)
    }
}

/// A thread that waits for one instant. A condition variable's timeout is as exact as the system's clock, where
/// the runtime waits for full milliseconds.
struct Timer(Arc<Shared>);

#[derive(Default)]
struct Shared {
    next: Mutex<Next>,
    changed: Condvar,
    rung: Notify,
}

#[derive(Default)]
struct Next {
    at: Option<Instant>,
    over: bool,
}

impl Timer {
    /// None if the system has no thread for it.
    fn start() -> Option<Self> {
        let shared = Arc::new(Shared::default());
        let watched = shared.clone();
        std::thread::Builder::new().name("clock".to_owned()).spawn(move || watched.watch()).ok()?;
        Some(Self(shared))
    }

    fn set(&self, instant: Instant) {
        self.0.lock().at = Some(instant);
        self.0.changed.notify_one();
    }

    async fn rings(&self) {
        self.0.rung.notified().await;
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        self.0.lock().over = true;
        self.0.changed.notify_one();
    }
}

impl Shared {
    fn watch(&self) {
        let mut next = self.lock();
        while !next.over {
            let Some(at) = next.at else {
                next = self.changed.wait(next).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let left = at.saturating_duration_since(Instant::now());
            if left.is_zero() {
                next.at = None;
                self.rung.notify_one();
            } else {
                let waited = self.changed.wait_timeout(next, left);
                next = waited.unwrap_or_else(PoisonError::into_inner).0;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Next> {
        self.next.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn who_waits_is_woken_in_order_and_not_before_time() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let woken = tokio::task::LocalSet::new().block_on(&runtime, async {
            let clock = Clock::default();
            let start = Instant::now();
            let woken = Rc::new(RefCell::new(Vec::new()));
            let sleepers: Vec<_> = [30, 10, 20]
                .into_iter()
                .map(|ms| {
                    let (clock, woken) = (clock.clone(), woken.clone());
                    tokio::task::spawn_local(async move {
                        clock.until(start + Duration::from_millis(ms)).await;
                        woken.borrow_mut().push((ms, start.elapsed() >= Duration::from_millis(ms)));
                    })
                })
                .collect();
            for sleeper in sleepers {
                sleeper.await.unwrap();
            }
            woken.take()
        });
        assert_eq!(woken, [(10, true), (20, true), (30, true)]);
    }
}
