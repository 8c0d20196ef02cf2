//! `limit_data`: the connection closes after so many bytes.

use fastrand::Rng;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::{Act, Effect, Item, Queue};

/// Closes the connection when `bytes` have passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct LimitData {
    pub bytes: i64,
}

#[derive(Debug)]
pub struct Counted {
    attributes: LimitData,
    passed: u64,
    closed: bool,
}

impl Counted {
    pub fn new(attributes: LimitData) -> Self {
        Self { attributes, passed: 0, closed: false }
    }
}

impl Act for Counted {
    fn take(&mut self, item: Item, at: Instant, queue: &mut Queue, _rng: &mut Rng) {
        let Item::Data(mut bytes) = item else {
            queue.put(item, at, at);
            return;
        };
        if self.closed {
            return;
        }
        let limit = self.attributes.bytes.max(0).unsigned_abs();
        let left = limit.saturating_sub(self.passed);
        bytes.truncate(usize::try_from(left).unwrap_or(usize::MAX));
        self.passed += bytes.len() as u64;
        if !bytes.is_empty() {
            queue.put(Item::Data(bytes), at, at);
        }
        if self.passed >= limit {
            self.closed = true;
            queue.put(Item::Close, at, at);
        }
    }

    /// What has passed still counts.
    fn change(&mut self, effect: &Effect, _now: Instant) {
        if let Effect::LimitData(attributes) = effect {
            self.attributes = *attributes;
        }
    }

    fn holds_back(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{data, play};
    use super::*;

    #[test]
    fn to_the_byte() {
        let limit = Effect::LimitData(LimitData { bytes: 150 });
        assert_eq!(play(&limit, &[(0, data(100)), (5, data(100)), (6, data(1))]), [(0, data(100)), (5, data(50)), (5, Item::Close)]);
        assert_eq!(play(&limit, &[(0, data(150))]), [(0, data(150)), (0, Item::Close)]);
        assert_eq!(play(&limit, &[(0, data(149)), (1, Item::End)]), [(0, data(149)), (1, Item::End)]);
    }
}
