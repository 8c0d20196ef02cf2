//! `timeout`: nothing passes, and in the end the connection is closed.

use fastrand::Rng;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::{Act, Effect, Item, Queue, milliseconds};

/// Drops all data, and closes the connection after `timeout` milliseconds; 0 leaves it open until the toxic
/// is removed, which closes it too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Timeout {
    pub timeout: i64,
}

#[derive(Debug)]
pub struct Silenced {
    closes_at: Option<Instant>,
}

impl Silenced {
    pub fn new(attributes: Timeout, now: Instant) -> Self {
        Self { closes_at: (attributes.timeout > 0).then(|| now + milliseconds(attributes.timeout)) }
    }
}

impl Act for Silenced {
    fn take(&mut self, item: Item, at: Instant, queue: &mut Queue, _rng: &mut Rng) {
        match item {
            Item::Data(_) => {}
            Item::End | Item::Close | Item::Reset => queue.put(item, at, at),
        }
    }

    fn change(&mut self, effect: &Effect, now: Instant) {
        if let Effect::Timeout(attributes) = effect {
            *self = Self::new(*attributes, now);
        }
    }

    fn closes_at(&self) -> Option<Instant> {
        self.closes_at
    }

    fn closes_when_removed(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{data, play};
    use super::*;

    #[test]
    fn data_is_dropped_and_the_end_passes() {
        let left = play(&Effect::Timeout(Timeout { timeout: 0 }), &[(0, data(1)), (10, Item::End)]);
        assert_eq!(left, [(10, Item::End)]);
    }

    #[test]
    fn it_closes_when_its_time_is_over_and_not_at_0() {
        let now = Instant::now();
        assert_eq!(Silenced::new(Timeout { timeout: 20 }, now).closes_at(), Some(now + milliseconds(20)));
        assert_eq!(Silenced::new(Timeout { timeout: 0 }, now).closes_at(), None);
    }
}
