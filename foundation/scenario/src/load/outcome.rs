//! What is left of a run when it is over; parts of several processes merge to the whole.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::measured::Measured;
use super::series::Series;

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Outcome {
    pub measured: Measured,
    pub series: Series,
    /// The planned length of all phases.
    pub planned: Duration,
    /// From the start until the last user was done.
    pub elapsed: Duration,
    /// Arrivals of open workloads that this part was asked for.
    pub asked: u64,
    /// Threads.
    pub workers: u64,
    pub cancelled: bool,
}

impl Outcome {
    pub fn merge(&mut self, other: &Self) {
        self.measured.merge(&other.measured);
        self.series.merge(&other.series);
        self.planned = self.planned.max(other.planned);
        self.elapsed = self.elapsed.max(other.elapsed);
        self.asked += other.asked;
        self.workers += other.workers;
        self.cancelled |= other.cancelled;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::load::series::Added;

    /// An answer: when it came in seconds, how long it took in microseconds, its status, and who counted it.
    type Answer = (usize, u64, u16, usize);

    fn of<'a>(answers: impl Iterator<Item = &'a Answer>) -> Outcome {
        let mut outcome = Outcome::default();
        for (second, took_us, status, _) in answers {
            let took = Duration::from_micros(*took_us);
            let measured = &mut outcome.measured;
            measured.requests += 1;
            measured.codes.add(*status, 1);
            measured.latency.record(took / 2, took);
            measured.sessions.record(took);
            measured.classes.entry(status / 100).or_default().record(took);
            measured.endpoint(usize::from(*status) % 3).latency.record(took, took);
            measured.count("own".to_owned(), 1.0);
            if *status >= 500 {
                measured.error("ERR", || "refused".to_owned());
            }
            let mut latency = crate::load::Distribution::default();
            latency.record(took);
            outcome.series.add(*second, Added { requests: 1, responses: 1, latency: Some(&latency), ..Added::default() });
            outcome.asked += 1;
        }
        outcome.series.close_before(usize::MAX);
        outcome
    }

    /// All that a report reads, in an order of its own.
    fn told(outcome: &Outcome) -> serde_json::Value {
        let measured = &outcome.measured;
        let classes: Vec<_> = measured.classes.iter().map(|(class, times)| (class, times.counts())).collect();
        let endpoints: Vec<_> = measured.endpoints.iter().map(|endpoint| endpoint.latency.last_byte.counts()).collect();
        serde_json::json!({
            "counts": [measured.requests, outcome.asked],
            "codes": measured.codes.sorted(),
            "errors": measured.errors,
            "first_byte": [serde_json::json!(measured.latency.first_byte.counts()), serde_json::json!(measured.latency.first_byte.summary())],
            "last_byte": [serde_json::json!(measured.latency.last_byte.counts()), serde_json::json!(measured.latency.last_byte.summary())],
            "sessions": measured.sessions.counts(),
            "classes": classes,
            "endpoints": endpoints,
            "counters": measured.counters,
            "series": outcome.series.points(),
        })
    }

    proptest! {
        // A report of all distributions takes a while.
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn shares_that_have_travelled_merge_to_what_one_would_have_counted(
            answers in prop::collection::vec((0usize..6, 0u64..10_000_000, prop::sample::select(vec![200u16, 201, 404, 500]), 0usize..4), 0..80),
        ) {
            let mut merged = Outcome::default();
            for share in 0..4 {
                let outcome = of(answers.iter().filter(|answer| answer.3 == share));
                let travelled = serde_json::to_vec(&outcome).unwrap();
                merged.merge(&serde_json::from_slice(&travelled).unwrap());
            }
            prop_assert_eq!(told(&merged), told(&of(answers.iter())));
        }
    }
}
