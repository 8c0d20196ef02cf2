//! Counts what a worker's virtual users do. No lock: each worker has its own, and hands over what it has
//! counted a few times a second.

use std::cell::RefCell;
use std::time::Duration;

use super::measured::Measured;
use super::observer::Finished;
use crate::user::{Ended, Exchange, Witness};
use crate::value::{CaptureError, Emitted, Mismatch, Response};

pub(super) struct Counter {
    pub counts: RefCell<Measured>,
    /// Recorded requests; of too many, the slowest are kept.
    pub finished: RefCell<Vec<Finished>>,
    pub printed: RefCell<Vec<String>>,
}

/// Between two hand-overs.
const FINISHED_MAX: usize = 200;
const PRINTED_MAX: usize = 100;

impl Counter {
    pub fn new() -> Self {
        Self { counts: RefCell::default(), finished: RefCell::default(), printed: RefCell::default() }
    }

    fn finish(&self, finished: Finished) {
        let mut kept = self.finished.borrow_mut();
        if kept.len() < FINISHED_MAX {
            return kept.push(finished);
        }
        if let Some(quickest) = kept.iter_mut().min_by_key(|kept| kept.last_byte)
            && quickest.last_byte < finished.last_byte
        {
            *quickest = finished;
        }
    }
}

impl Witness for Counter {
    fn sent(&self, number: usize) {
        let mut counts = self.counts.borrow_mut();
        counts.requests += 1;
        counts.endpoint(number).requests += 1;
    }

    fn exchanged(&self, exchange: &Exchange<'_>) {
        let mut counts = self.counts.borrow_mut();
        match exchange.result {
            Ok(answer) => {
                counts.responses += 1;
                counts.downloaded_bytes += answer.body_bytes;
                let latency = (answer.first_byte - exchange.intended, answer.last_byte - exchange.intended);
                let service = (answer.first_byte - exchange.sent, answer.last_byte - exchange.sent);
                counts.latency.record(latency.0, latency.1);
                counts.service.record(service.0, service.1);
                if let Some(code) = answer.status {
                    counts.codes.add(code, 1);
                    // Only HTTP has classes.
                    if code >= 100 {
                        counts.classes.entry(code / 100).or_default().record(latency.0);
                    }
                    counts.endpoint(exchange.number).codes.add(code, 1);
                }
                let endpoint = counts.endpoint(exchange.number);
                endpoint.latency.record(latency.0, latency.1);
                endpoint.service.record(service.1);
            }
            Err(ended) => {
                counts.error(ended.code(), || ended.to_string());
                counts.endpoint(exchange.number).errors += 1;
                counts.exhausted += u64::from(match ended {
                    Ended::Request(error) => error.is_ours(),
                    Ended::Browser(error) => error.is_ours(),
                    _ => false,
                });
            }
        }
        drop(counts);
        if let Some(trace) = exchange.trace.filter(|trace| trace.sampled) {
            self.finish(Finished::of(exchange, trace));
        }
    }

    fn not_captured(&self, _number: usize, error: &CaptureError, strict: bool) {
        let mut counts = self.counts.borrow_mut();
        if strict {
            counts.error(Ended::Capture(error.clone()).code(), || error.to_string());
        } else {
            counts.captures_failed += 1;
        }
    }

    fn met(&self, _number: usize) {
        self.counts.borrow_mut().expectations_met += 1;
    }

    fn unmet(&self, _number: usize, mismatch: &Mismatch, _response: &Response) {
        self.counts.borrow_mut().unmet(&mismatch.what, || mismatch.to_string());
    }

    fn logged(&self, line: &str) {
        let mut printed = self.printed.borrow_mut();
        if printed.len() < PRINTED_MAX {
            printed.push(line.to_owned());
        }
    }

    fn emitted(&self, emitted: Emitted) {
        let mut counts = self.counts.borrow_mut();
        match emitted {
            Emitted::Counter { name, value } => counts.count(name, value),
            Emitted::Histogram { name, value } => counts.histogram(name, value),
            Emitted::Rate { name } => counts.count(name, 1.0),
        }
    }

    fn failed(&self, ended: &Ended) {
        self.counts.borrow_mut().error(ended.code(), || ended.to_string());
    }

    fn woke_late(&self, by: Duration) {
        self.counts.borrow_mut().slip.record(by);
    }
}
