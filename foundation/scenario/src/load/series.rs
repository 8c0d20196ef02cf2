//! What happened in each second, for charts.

use serde::{Deserialize, Serialize};

use super::distribution::Distribution;

/// The seconds of a run. The distributions of those that are over are kept in short form.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Series {
    seconds: Vec<Second>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Second {
    arrivals: u64,
    requests: u64,
    responses: u64,
    errors: u64,
    /// Users under way at its end.
    active: u64,
    latency: Latency,
}

/// From the intended start to the last byte. It travels as its counts, since a histogram for each second would
/// fill whoever reads it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(from = "Vec<(u64, u64)>", into = "Vec<(u64, u64)>")]
enum Latency {
    Short(Vec<(u64, u64)>),
    Open(Box<Distribution>),
}

/// One second of a chart.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Since the run's start, at the second's beginning.
    pub second: u64,
    pub arrivals: u64,
    pub requests: u64,
    pub responses: u64,
    pub errors: u64,
    pub active: u64,
    pub p50_ms: f64,
    pub p95_ms: f64,
    pub p99_ms: f64,
    pub max_ms: f64,
}

/// What a part of a second adds.
#[derive(Debug, Clone, Copy, Default)]
pub struct Added<'a> {
    pub arrivals: u64,
    pub requests: u64,
    pub responses: u64,
    pub errors: u64,
    pub latency: Option<&'a Distribution>,
}

/// A longer run is charted by its first day.
const SECONDS_MAX: usize = 24 * 3600;

impl Default for Latency {
    fn default() -> Self {
        Self::Short(Vec::new())
    }
}

impl From<Vec<(u64, u64)>> for Latency {
    fn from(counts: Vec<(u64, u64)>) -> Self {
        Self::Short(counts)
    }
}

impl From<Latency> for Vec<(u64, u64)> {
    fn from(latency: Latency) -> Self {
        match latency {
            Latency::Short(counts) => counts,
            Latency::Open(distribution) => distribution.counts(),
        }
    }
}

impl Latency {
    fn open(&mut self) -> &mut Distribution {
        if let Self::Short(counts) = self {
            *self = Self::Open(Box::new(Distribution::from_counts(counts)));
        }
        match self {
            Self::Open(distribution) => distribution,
            Self::Short(_) => unreachable!("it has just been opened"),
        }
    }

    fn shorten(&mut self) {
        if let Self::Open(distribution) = self {
            *self = Self::Short(distribution.counts());
        }
    }
}

impl Series {
    pub fn add(&mut self, second: usize, added: Added<'_>) {
        let Some(second) = self.at(second) else { return };
        second.arrivals += added.arrivals;
        second.requests += added.requests;
        second.responses += added.responses;
        second.errors += added.errors;
        if let Some(latency) = added.latency.filter(|latency| !latency.is_empty()) {
            second.latency.open().merge(latency);
        }
    }

    pub fn set_active(&mut self, second: usize, active: u64) {
        if let Some(second) = self.at(second) {
            second.active = active;
        }
    }

    /// No more is expected of the seconds before this one.
    pub fn close_before(&mut self, second: usize) {
        for second in self.seconds.iter_mut().take(second).rev() {
            if matches!(second.latency, Latency::Short(_)) && second.responses > 0 {
                break;
            }
            second.latency.shorten();
        }
    }

    pub fn merge(&mut self, other: &Self) {
        for (at, theirs) in other.seconds.iter().enumerate() {
            let Some(ours) = self.at(at) else { return };
            ours.arrivals += theirs.arrivals;
            ours.requests += theirs.requests;
            ours.responses += theirs.responses;
            ours.errors += theirs.errors;
            ours.active += theirs.active;
            ours.latency.open().merge(theirs.latency.clone().open());
            ours.latency.shorten();
        }
    }

    pub fn points(&self) -> Vec<Point> {
        let seconds = self.seconds.iter().enumerate();
        seconds.map(|(at, second)| second.point(at as u64)).collect()
    }

    fn at(&mut self, second: usize) -> Option<&mut Second> {
        if second >= SECONDS_MAX {
            return None;
        }
        if self.seconds.len() <= second {
            self.seconds.resize_with(second + 1, Second::default);
        }
        self.seconds.get_mut(second)
    }
}

impl Second {
    fn point(&self, second: u64) -> Point {
        let latency = self.latency.clone().open().summary();
        Point {
            second,
            arrivals: self.arrivals,
            requests: self.requests,
            responses: self.responses,
            errors: self.errors,
            active: self.active,
            p50_ms: latency.p50,
            p95_ms: latency.p95,
            p99_ms: latency.p99,
            max_ms: latency.max,
        }
    }
}
