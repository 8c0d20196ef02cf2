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
