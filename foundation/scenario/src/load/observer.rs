//! Who watches a run while it goes on.

use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::distribution::Summary;
use super::measured::Vusers;
use crate::trace::TraceContext;
use crate::user::Exchange;

/// Called by the run's collector, a few times a second; a slow one delays the next call only.
pub trait Observer: Send + Sync {
    fn snapshot(&self, _snapshot: &Snapshot) {}
    /// Requests whose traces are recorded; of too many, the slowest.
    fn finished(&self, _requests: &[Finished]) {}
    /// Lines of `log` steps and of the script's functions.
    fn logged(&self, _lines: &[String]) {}
}

/// Nobody.
pub struct Unobserved;

impl Observer for Unobserved {}

/// How a run stands.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Snapshot {
    pub elapsed_ms: u64,
    /// The planned length of all phases.
    pub planned_ms: u64,
    /// The index of the present phase; none before and after them.
    pub phase: Option<usize>,
    pub vusers: Vusers,
    pub active: u64,
    pub requests: u64,
    pub responses: u64,
    pub errors: u64,
    /// Over the last second.
    pub requests_per_second: f64,
    /// Of the whole run so far: from the intended start to the last byte.
    pub latency_ms: Summary,
    /// Of the last second.
    pub latency_ms_now: Summary,
    pub late_arrivals: u64,
}

/// One request with its trace.
#[derive(Debug, Clone)]
pub struct Finished {
    pub trace: TraceContext,
    pub method: String,
    pub url: String,
    /// The number of the request in its script.
    pub number: usize,
    pub intended: Instant,
    pub sent: Instant,
    /// None without an answer.
    pub first_byte: Option<Instant>,
    pub last_byte: Instant,
    pub status: Option<u16>,
    pub error: Option<String>,
}

impl Finished {
    pub(super) fn of(exchange: &Exchange<'_>, trace: TraceContext) -> Self {
        let answer = exchange.result.as_ref().ok();
        Self {
            trace,
            method: exchange.method.to_owned(),
            url: exchange.url.to_string(),
            number: exchange.number,
            intended: exchange.intended,
            sent: exchange.sent,
            first_byte: answer.map(|answer| answer.first_byte),
            last_byte: answer.map_or_else(Instant::now, |answer| answer.last_byte),
            status: answer.and_then(|answer| answer.status),
            error: exchange.result.err().map(|ended| ended.to_string()),
        }
    }
}
