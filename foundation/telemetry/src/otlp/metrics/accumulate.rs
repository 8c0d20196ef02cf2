//! From delta to cumulative: what came so far, for each stream.

use std::mem;

use ahash::AHashMap;

/// Remembers a bounded number of streams; the ones not heard of for longest are forgotten, which
/// PromQL sees as a counter that was reset. The same points in the same order give the same totals.
#[derive(Debug)]
pub(super) struct Accumulator<T> {
    /// Streams heard of since the last turn. When half of the bound is reached, they become `older`,
    /// and what was there is forgotten.
    recent: AHashMap<u64, Stream<T>>,
    older: AHashMap<u64, Stream<T>>,
    max_recent: usize,
}

#[derive(Debug)]
struct Stream<T> {
    time_unix_ns: u64,
    total: T,
}

/// A point that is not after the last one of its stream: a repetition, or out of order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NotNewer;

impl<T: Default> Accumulator<T> {
    pub fn new(max_streams: usize) -> Self {
        Self { recent: AHashMap::new(), older: AHashMap::new(), max_recent: (max_streams / 2).max(1) }
    }

    /// Adds a point to its stream, which is empty if it is new, and gives the total.
    pub fn add(&mut self, stream: u64, time_unix_ns: u64, add: impl FnOnce(&mut T)) -> Result<&T, NotNewer> {
        if !self.recent.contains_key(&stream) {
            let known = self.older.remove(&stream);
            if self.recent.len() >= self.max_recent {
                self.older = mem::take(&mut self.recent);
            }
            self.recent.insert(stream, known.unwrap_or_else(|| Stream { time_unix_ns: 0, total: T::default() }));
        }
        let Some(known) = self.recent.get_mut(&stream) else { return Err(NotNewer) };
        if time_unix_ns <= known.time_unix_ns {
            return Err(NotNewer);
        }
        known.time_unix_ns = time_unix_ns;
        add(&mut known.total);
        Ok(&known.total)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_grow_and_repetitions_do_not_count() {
        let mut sums = Accumulator::<f64>::new(10);
        assert_eq!(sums.add(1, 10, |total| *total += 2.0), Ok(&2.0));
        assert_eq!(sums.add(1, 20, |total| *total += 3.0), Ok(&5.0));
        assert_eq!(sums.add(1, 20, |total| *total += 3.0), Err(NotNewer));
        assert_eq!(sums.add(1, 15, |total| *total += 3.0), Err(NotNewer));
        assert_eq!(sums.add(2, 15, |total| *total += 1.0), Ok(&1.0));
    }

    #[test]
    fn the_memory_is_bounded_and_keeps_what_is_in_use() {
        let mut sums = Accumulator::<f64>::new(100);
        for round in 1..=1_000 {
            sums.add(0, round, |total| *total += 1.0).expect("newer");
            sums.add(round, round, |total| *total += 1.0).expect("newer");
            assert!(sums.recent.len() + sums.older.len() <= 100);
        }
        assert_eq!(sums.add(0, 1_001, |total| *total += 1.0), Ok(&1_001.0));
    }
}
