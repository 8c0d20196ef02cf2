//! `reset_peer`: the connection breaks, as when the other machine has lost it.

use fastrand::Rng;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::{Act, Effect, Item, Queue, milliseconds};

/// Resets the connection (TCP RST) `timeout` milliseconds after the first data, which is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ResetPeer {
    pub timeout: i64,
}

#[derive(Debug)]
pub struct Resetting {
    attributes: ResetPeer,
}

impl Resetting {
    pub fn new(attributes: ResetPeer) -> Self {
        Self { attributes }
    }
}

impl Act for Resetting {
    fn take(&mut self, _item: Item, at: Instant, queue: &mut Queue, _rng: &mut Rng) {
        if queue.len() == 0 {
            queue.put(Item::Reset, at, at + milliseconds(self.attributes.timeout));
        }
    }

    fn change(&mut self, effect: &Effect, _now: Instant) {
        if let Effect::ResetPeer(attributes) = effect {
            self.attributes = *attributes;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{data, play};
    use super::*;

    #[test]
    fn the_first_data_sets_it_off() {
        let left = play(&Effect::ResetPeer(ResetPeer { timeout: 30 }), &[(5, data(1)), (10, data(1)), (20, Item::End)]);
        assert_eq!(left, [(35, Item::Reset)]);
    }
}
