//! `slicer`: data arrives in small pieces.

use std::time::Duration;

use fastrand::Rng;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::{Act, Effect, Item, LONGEST, Queue};

/// Cuts data into pieces of `average_size` ± `size_variation` bytes, with `delay` microseconds after each.
/// An average of 0 leaves the data whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Slicer {
    pub average_size: i64,
    pub size_variation: i64,
    pub delay: i64,
}

#[derive(Debug)]
pub struct Sliced {
    attributes: Slicer,
    /// When the next piece may leave.
    free_at: Instant,
}

impl Sliced {
    pub fn new(attributes: Slicer, now: Instant) -> Self {
        Self { attributes, free_at: now }
    }

    fn size(&self, rng: &mut Rng) -> usize {
        let Slicer { average_size: average, size_variation: variation, .. } = self.attributes;
        let size = match average {
            ..=0 => i64::MAX,
            _ if variation <= 0 => average,
            _ => rng.i64(average.saturating_sub(variation)..=average.saturating_add(variation)),
        };
        usize::try_from(size).unwrap_or_default().max(1)
    }
}

impl Act for Sliced {
    fn take(&mut self, item: Item, at: Instant, queue: &mut Queue, rng: &mut Rng) {
        self.free_at = self.free_at.max(at);
        let Item::Data(mut bytes) = item else {
            queue.put(item, at, at);
            return;
        };
        let delay = Duration::from_micros(self.attributes.delay.max(0).unsigned_abs()).min(LONGEST);
        while !bytes.is_empty() {
            let piece = bytes.split_to(bytes.len().min(self.size(rng)));
            queue.put(Item::Data(piece), at, self.free_at);
            self.free_at += delay;
        }
    }

    fn change(&mut self, effect: &Effect, now: Instant) {
        if let Effect::Slicer(attributes) = effect {
            *self = Self::new(*attributes, now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{data, play};
    use super::*;

    #[test]
    fn pieces_of_one_size_leave_at_even_distances() {
        let slicer = Effect::Slicer(Slicer { average_size: 40, size_variation: 0, delay: 10_000 });
        let left = play(&slicer, &[(0, data(100)), (0, Item::End)]);
        assert_eq!(left, [(0, data(40)), (10, data(40)), (20, data(20)), (20, Item::End)]);
    }

    #[test]
    fn sizes_vary_around_the_average() {
        let slicer = Effect::Slicer(Slicer { average_size: 100, size_variation: 20, delay: 0 });
        let left = play(&slicer, &[(0, data(100_000))]);
        let sizes: Vec<usize> = left.iter().map(|(_, item)| if let Item::Data(bytes) = item { bytes.len() } else { 0 }).collect();
        assert_eq!(sizes.iter().sum::<usize>(), 100_000);
        let (_last, cut) = sizes.split_last().unwrap();
        assert!(cut.iter().all(|size| (80..=120).contains(size)));
        assert!((950..=1050).contains(&sizes.len()), "{}", sizes.len());
    }
}
