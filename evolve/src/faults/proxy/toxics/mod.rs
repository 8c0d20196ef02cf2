//! The toxics: each decides, for one direction of one connection, what leaves it when.
//!
//! None of them knows a clock or a socket. What comes in is given an instant at which it may leave.

mod bandwidth;
mod latency;
mod limit_data;
mod reset_peer;
mod slicer;
mod slow_close;
mod timeout;

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use fastrand::Rng;
use tokio::time::Instant;

use super::toxic::Effect;

pub use bandwidth::Bandwidth;
pub use latency::Latency;
pub use limit_data::LimitData;
pub use reset_peer::ResetPeer;
pub use slicer::Slicer;
pub use slow_close::SlowClose;
pub use timeout::Timeout;

/// What passes through one direction of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Item {
    Data(Bytes),
    /// The sender has ended its half.
    End,
    /// A toxic closes the connection.
    Close,
    /// A toxic resets the connection.
    Reset,
}

/// A toxic at work.
pub(super) trait Act: std::fmt::Debug + Send {
    /// Takes what comes in at `at`, and schedules what leaves.
    fn take(&mut self, item: Item, at: Instant, queue: &mut Queue, rng: &mut Rng);

    /// Goes on with other attributes from `now`.
    fn change(&mut self, effect: &Effect, now: Instant);

    /// Whether what waits in the queue is to be taken again after a change.
    fn holds_back(&self) -> bool {
        true
    }

    /// How many items may wait in the queue before the sender has to.
    fn room(&self) -> usize {
        2
    }

    /// When it closes the connection, whatever passes.
    fn closes_at(&self) -> Option<Instant> {
        None
    }

    /// Whether removing it closes the connection.
    fn closes_when_removed(&self) -> bool {
        false
    }
}

/// What a toxic holds back: in order, each with the instant at which it may leave.
#[derive(Debug, Default)]
pub(super) struct Queue {
    waiting: VecDeque<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    item: Item,
    arrived: Instant,
    due: Instant,
}

/// None for the toxics that act on requests and not on bytes.
pub(super) fn act(effect: &Effect, now: Instant) -> Option<Box<dyn Act>> {
    Some(match effect {
        Effect::Latency(latency) => Box::new(latency::Delayed::new(*latency)),
        Effect::Bandwidth(bandwidth) => Box::new(bandwidth::Limited::new(*bandwidth, now)),
        Effect::SlowClose(slow_close) => Box::new(slow_close::Lingering::new(*slow_close)),
        Effect::Timeout(timeout) => Box::new(timeout::Silenced::new(*timeout, now)),
        Effect::ResetPeer(reset_peer) => Box::new(reset_peer::Resetting::new(*reset_peer)),
        Effect::Slicer(slicer) => Box::new(slicer::Sliced::new(*slicer, now)),
        Effect::LimitData(limit_data) => Box::new(limit_data::Counted::new(*limit_data)),
        Effect::HttpStatus(_) | Effect::HttpDelay(_) => return None,
    })
}

impl Queue {
    /// Nothing overtakes: what is due before something that waits leaves right after it.
    pub fn put(&mut self, item: Item, arrived: Instant, due: Instant) {
        let due = self.waiting.back().map_or(due, |last| due.max(last.due));
        self.waiting.push_back(Waiting { item, arrived, due });
    }

    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// The instant at which the first item may leave.
    pub fn due(&self) -> Option<Instant> {
        self.waiting.front().map(|first| first.due)
    }

    /// The first item, if it may leave at `now`, with the instant at which it was due.
    pub fn take_due(&mut self, now: Instant) -> Option<(Item, Instant)> {
        let first = self.waiting.pop_front_if(|first| first.due <= now)?;
        Some((first.item, first.due))
    }

    /// Everything that waits, with the instants at which it came in.
    pub fn drain(&mut self) -> Vec<(Item, Instant)> {
        self.waiting.drain(..).map(|waiting| (waiting.item, waiting.arrived)).collect()
    }
}

/// Attributes are at most this long, so that no instant overflows.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 3600);

pub(super) fn milliseconds(count: i64) -> Duration {
    Duration::from_millis(count.max(0).unsigned_abs()).min(LONGEST)
}

#[cfg(test)]
mod testing {
    use super::*;

    /// Feeds items in at milliseconds, and answers what leaves at which.
    pub fn play(effect: &Effect, items: &[(u64, Item)]) -> Vec<(u64, Item)> {
        let start = Instant::now();
        let mut act = act(effect, start).expect("acts on bytes");
        let mut queue = Queue::default();
        let mut rng = Rng::with_seed(7);
        for (at, item) in items {
            act.take(item.clone(), start + Duration::from_millis(*at), &mut queue, &mut rng);
        }
        queue.waiting.drain(..).map(|waiting| ((waiting.due - start).as_millis() as u64, waiting.item)).collect()
    }

    pub fn data(bytes: usize) -> Item {
        Item::Data(Bytes::from(vec![b'x'; bytes]))
    }
}
