//! `bandwidth`: so many kilobytes pass in a second.

use std::time::Duration;

use fastrand::Rng;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::{Act, Effect, Item, LONGEST, Queue};

/// A chunk that takes longer than this leaves in pieces.
const PIECE_MS: u64 = 100;

/// Lets `rate` kilobytes (of 1000 bytes) through in a second; 0 lets nothing through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Bandwidth {
    pub rate: i64,
}

#[derive(Debug)]
pub struct Limited {
    attributes: Bandwidth,
    /// When the line is free again.
    free_at: Instant,
}

impl Limited {
    pub fn new(attributes: Bandwidth, now: Instant) -> Self {
        Self { attributes, free_at: now }
    }

    /// The rate in bytes of a millisecond, which is in kilobytes of a second.
    fn bytes_in_ms(&self) -> u64 {
        self.attributes.rate.max(0).unsigned_abs()
    }
}

impl Act for Limited {
    fn take(&mut self, item: Item, at: Instant, queue: &mut Queue, _rng: &mut Rng) {
        self.free_at = self.free_at.max(at);
        let Item::Data(mut bytes) = item else {
            queue.put(item, at, at);
            return;
        };
        let rate = self.bytes_in_ms();
        if rate == 0 {
            queue.put(Item::Data(bytes), at, at + LONGEST);
            return;
        }
        let largest = usize::try_from(rate.saturating_mul(PIECE_MS)).unwrap_or(usize::MAX);
        while !bytes.is_empty() {
            let piece = bytes.split_to(bytes.len().min(largest));
            self.free_at += Duration::from_nanos(piece.len() as u64 * 1_000_000 / rate);
            queue.put(Item::Data(piece), at, self.free_at);
        }
    }

    fn change(&mut self, effect: &Effect, now: Instant) {
        if let Effect::Bandwidth(attributes) = effect {
            self.attributes = *attributes;
            self.free_at = now;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{data, play};
    use super::*;

    #[test]
    fn a_kilobyte_a_second_is_a_byte_a_millisecond() {
        let line = Effect::Bandwidth(Bandwidth { rate: 1 });
        let left = play(&line, &[(0, data(250)), (10, data(50)), (20, Item::End)]);
        assert_eq!(left, [(100, data(100)), (200, data(100)), (250, data(50)), (300, data(50)), (300, Item::End)]);
    }

    #[test]
    fn an_idle_line_saves_nothing_up() {
        let line = Effect::Bandwidth(Bandwidth { rate: 10 });
        assert_eq!(play(&line, &[(0, data(100)), (1000, data(100))]), [(10, data(100)), (1010, data(100))]);
    }

    #[test]
    fn nothing_passes_at_rate_0() {
        let left = play(&Effect::Bandwidth(Bandwidth::default()), &[(0, data(1))]);
        assert!(left[0].0 > 1_000_000_000);
    }
}
