//! What a run has counted. Parts of several workers merge to the same as if one had counted it all.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::distribution::Distribution;

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Measured {
    pub vusers: Vusers,
    pub requests: u64,
    pub responses: u64,
    pub codes: Counts<u16>,
    /// Of bodies, as sent.
    pub downloaded_bytes: u64,
    /// By code.
    pub errors: BTreeMap<String, Failures>,
    pub expectations_met: u64,
    /// By what was expected.
    pub expectations_unmet: BTreeMap<String, Failures>,
    /// Captures that found nothing and were not strict.
    pub captures_failed: u64,
    /// From the intended start of a request.
    pub latency: Timing,
    /// From when a request was sent.
    pub service: Timing,
    /// From a user's arrival to the end of its journey.
    pub sessions: Distribution,
    /// How late the generator itself was against its plan.
    pub slip: Distribution,
    /// Arrivals of an open workload that have begun, or were skipped.
    pub arrived: u64,
    /// Those that began later than the limit.
    pub late: u64,
    /// When the last of them began, since the run's start.
    pub last_arrival: Duration,
    /// Like `latency.first_byte`, by the first digit of the status.
    pub classes: BTreeMap<u16, Distribution>,
    /// By the number of the request in its script.
    pub endpoints: Vec<Endpoint>,
    /// The script's own metrics.
    pub counters: BTreeMap<String, f64>,
    pub histograms: BTreeMap<String, Distribution>,
    /// Errors whose cause is this machine.
    pub exhausted: u64,
    /// By the worker's own threads.
    pub cpu: Duration,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vusers {
    pub created: u64,
    pub completed: u64,
    pub failed: u64,
    /// Beyond `maxVusers`.
    pub skipped: u64,
    /// Under way when the run was over.
    pub stopped: u64,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Timing {
    pub first_byte: Distribution,
    pub last_byte: Distribution,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failures {
    pub count: u64,
    pub example: String,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Endpoint {
    pub requests: u64,
    pub codes: Counts<u16>,
    pub errors: u64,
    pub latency: Timing,
    pub service: Distribution,
}

/// A few numbers and how often each came.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts<K>(Vec<(K, u64)>);

/// A script can make up names while it runs; more of them are counted together.
const NAMES_MAX: usize = 200;
const OTHERS: &str = "others";

impl<K: Copy + Eq + Ord> Counts<K> {
    pub fn add(&mut self, key: K, count: u64) {
        match self.0.iter_mut().find(|(known, _)| *known == key) {
            Some((_, counted)) => *counted += count,
            None => self.0.push((key, count)),
        }
    }

    pub fn sorted(&self) -> BTreeMap<K, u64> {
        self.0.iter().copied().collect()
    }

    fn merge(&mut self, other: &Self) {
        other.0.iter().for_each(|(key, count)| self.add(*key, *count));
    }
}

impl Timing {
    pub fn record(&mut self, first_byte: Duration, last_byte: Duration) {
        self.first_byte.record(first_byte);
        self.last_byte.record(last_byte);
    }

    pub fn merge(&mut self, other: &Self) {
        self.first_byte.merge(&other.first_byte);
        self.last_byte.merge(&other.last_byte);
    }
}

impl Endpoint {
    pub fn merge(&mut self, other: &Self) {
        self.requests += other.requests;
        self.codes.merge(&other.codes);
        self.errors += other.errors;
        self.latency.merge(&other.latency);
        self.service.merge(&other.service);
    }
}

impl Vusers {
    pub fn merge(&mut self, other: Self) {
        self.created += other.created;
        self.completed += other.completed;
        self.failed += other.failed;
        self.skipped += other.skipped;
        self.stopped += other.stopped;
    }
}

impl Measured {
    /// The counts of one request of the script.
    pub fn endpoint(&mut self, number: usize) -> &mut Endpoint {
        if self.endpoints.len() <= number {
            self.endpoints.resize_with(number + 1, Endpoint::default);
        }
        &mut self.endpoints[number]
    }

    pub fn error(&mut self, code: &str, example: impl FnOnce() -> String) {
        fail(&mut self.errors, code, example);
    }

    pub fn unmet(&mut self, what: &str, example: impl FnOnce() -> String) {
        fail(&mut self.expectations_unmet, what, example);
    }

    pub fn count(&mut self, name: String, value: f64) {
        let name = known_or_others(&self.counters, name);
        *self.counters.entry(name).or_default() += value;
    }

    /// In milliseconds, as scripts count.
    pub fn histogram(&mut self, name: String, value_ms: f64) {
        let name = known_or_others(&self.histograms, name);
        let value = Duration::try_from_secs_f64(value_ms / 1000.0).unwrap_or_default();
        self.histograms.entry(name).or_default().record(value);
    }

    pub fn merge(&mut self, other: &Self) {
        self.vusers.merge(other.vusers);
        self.requests += other.requests;
        self.responses += other.responses;
        self.codes.merge(&other.codes);
        self.downloaded_bytes += other.downloaded_bytes;
        merge_failures(&mut self.errors, &other.errors);
        self.expectations_met += other.expectations_met;
        merge_failures(&mut self.expectations_unmet, &other.expectations_unmet);
        self.captures_failed += other.captures_failed;
        self.latency.merge(&other.latency);
        self.service.merge(&other.service);
        self.sessions.merge(&other.sessions);
        self.slip.merge(&other.slip);
        self.arrived += other.arrived;
        self.late += other.late;
        self.last_arrival = self.last_arrival.max(other.last_arrival);
        for (class, distribution) in &other.classes {
            self.classes.entry(*class).or_default().merge(distribution);
        }
        for (number, endpoint) in other.endpoints.iter().enumerate() {
            self.endpoint(number).merge(endpoint);
        }
        for (name, value) in &other.counters {
            self.count(name.clone(), *value);
        }
        for (name, histogram) in &other.histograms {
            let name = known_or_others(&self.histograms, name.clone());
            self.histograms.entry(name).or_default().merge(histogram);
        }
        self.exhausted += other.exhausted;
        self.cpu += other.cpu;
    }
}

fn fail(failures: &mut BTreeMap<String, Failures>, name: &str, example: impl FnOnce() -> String) {
    if let Some(known) = failures.get_mut(name) {
        known.count += 1;
        return;
    }
    let name = known_or_others(failures, name.to_owned());
    let failure = failures.entry(name).or_insert_with(|| Failures { count: 0, example: example() });
    failure.count += 1;
}

fn merge_failures(into: &mut BTreeMap<String, Failures>, other: &BTreeMap<String, Failures>) {
    for (name, failure) in other {
        let name = known_or_others(into, name.clone());
        let example = || Failures { count: 0, example: failure.example.clone() };
        into.entry(name).or_insert_with(example).count += failure.count;
    }
}

fn known_or_others<V>(known: &BTreeMap<String, V>, name: String) -> String {
    if known.len() < NAMES_MAX || known.contains_key(&name) { name } else { OTHERS.to_owned() }
}
