//! `latency`: all data arrives later. Bandwidth stays: many chunks are under way at the same time.

use fastrand::Rng;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::{Act, Effect, Item, Queue, milliseconds};

/// Chunks under way before the sender has to wait, as in Toxiproxy.
const UNDER_WAY: usize = 1024;

/// Delays all data by `latency` ± `jitter`, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Latency {
    pub latency: i64,
    pub jitter: i64,
}

#[derive(Debug)]
pub struct Delayed {
    attributes: Latency,
}

impl Delayed {
    pub fn new(attributes: Latency) -> Self {
        Self { attributes }
    }
}

impl Act for Delayed {
    fn take(&mut self, item: Item, at: Instant, queue: &mut Queue, rng: &mut Rng) {
        let Latency { latency, jitter } = self.attributes;
        let due = match item {
            Item::Data(_) => {
                let off = if jitter > 0 { rng.i64(-jitter..jitter) } else { 0 };
                at + milliseconds(latency.saturating_add(off))
            }
            // The end follows the last data.
            Item::End | Item::Close | Item::Reset => at,
        };
        queue.put(item, at, due);
    }

    fn change(&mut self, effect: &Effect, _now: Instant) {
        if let Effect::Latency(attributes) = effect {
            self.attributes = *attributes;
        }
    }

    fn room(&self) -> usize {
        UNDER_WAY
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{data, play};
    use super::*;

    #[test]
    fn each_chunk_is_late_by_itself_and_the_end_follows_the_last() {
        let latency = Effect::Latency(Latency { latency: 100, jitter: 0 });
        let left = play(&latency, &[(0, data(1)), (5, data(2)), (7, Item::End)]);
        assert_eq!(left, [(100, data(1)), (105, data(2)), (105, Item::End)]);
    }

    #[test]
    fn jitter_spreads_both_ways_and_never_reorders() {
        let latency = Effect::Latency(Latency { latency: 100, jitter: 10 });
        let apart: Vec<_> = (0..200).map(|chunk| (chunk * 1000, data(1))).collect();
        let late: Vec<u64> = play(&latency, &apart).iter().zip(&apart).map(|((left, _), (came, _))| left - came).collect();
        assert!(late.iter().all(|late| (90..110).contains(late)), "{late:?}");
        assert!(late.iter().any(|late| *late < 95) && late.iter().any(|late| *late > 105), "{late:?}");

        let together: Vec<_> = (0..200).map(|size| (0, data(size))).collect();
        let sizes: Vec<Item> = play(&latency, &together).into_iter().map(|(_, item)| item).collect();
        assert_eq!(sizes, (0..200).map(data).collect::<Vec<_>>());
    }
}
