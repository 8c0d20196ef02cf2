//! `slow_close`: the end of the connection arrives late.

use fastrand::Rng;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::{Act, Effect, Item, Queue, milliseconds};

/// Keeps the connection open for `delay` milliseconds after its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SlowClose {
    pub delay: i64,
}

#[derive(Debug)]
pub struct Lingering {
    attributes: SlowClose,
}

impl Lingering {
    pub fn new(attributes: SlowClose) -> Self {
        Self { attributes }
    }
}

impl Act for Lingering {
    fn take(&mut self, item: Item, at: Instant, queue: &mut Queue, _rng: &mut Rng) {
        let due = match item {
            Item::Data(_) | Item::Reset => at,
            Item::End | Item::Close => at + milliseconds(self.attributes.delay),
        };
        queue.put(item, at, due);
    }

    fn change(&mut self, effect: &Effect, _now: Instant) {
        if let Effect::SlowClose(attributes) = effect {
            self.attributes = *attributes;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{data, play};
    use super::*;

    #[test]
    fn only_the_end_is_late() {
        let left = play(&Effect::SlowClose(SlowClose { delay: 50 }), &[(0, data(1)), (10, Item::End)]);
        assert_eq!(left, [(0, data(1)), (60, Item::End)]);
    }
}
