//! Brings together what the workers count, and tells the observer.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use tokio::sync::mpsc;

use super::distribution::Distribution;
use super::measured::Measured;
use super::observer::{Observer, Snapshot};
use super::plan::Plan;
use super::series::{Added, Series};
use super::worker::{Part, QUARTER};
use crate::redact::Redactor;

pub(super) struct Collector {
    pub plan: Arc<Plan>,
    pub start: Instant,
    pub active: Arc<AtomicU64>,
    pub observer: Arc<dyn Observer>,
    pub measured: Measured,
    pub series: Series,
    pub recent: VecDeque<Recent>,
    pub redactor: Redactor,
}

/// A part of the last second.
pub(super) struct Recent {
    at: Instant,
    requests: u64,
    latency: Distribution,
}

impl Collector {
    /// Until all workers have said their last.
    pub async fn collect(&mut self, mut parts: mpsc::UnboundedReceiver<Part>) {
        let mut next = Instant::now() + QUARTER;
        while let Some(part) = parts.recv().await {
            self.take(part);
            if Instant::now() >= next {
                self.tell();
                next = Instant::now() + QUARTER;
            }
        }
        self.tell();
        self.series.close_before(usize::MAX);
        self.redact();
    }

    /// Whoever reads the result elsewhere does not know this process's secrets.
    fn redact(&mut self) {
        let Measured { errors, expectations_unmet, .. } = &mut self.measured;
        for failures in errors.values_mut().chain(expectations_unmet.values_mut()) {
            failures.example = self.redactor.redacted(&failures.example);
        }
    }

    fn take(&mut self, mut part: Part) {
        let second = (part.quarter / 4) as usize;
        let counts = &part.counts;
        self.series.add(second, Added {
            arrivals: counts.vusers.created,
            requests: counts.requests,
            responses: counts.responses,
            errors: counts.errors.values().map(|failures| failures.count).sum(),
            latency: Some(&counts.latency.last_byte),
        });
        self.series.set_active(second, self.active.load(Ordering::Relaxed));
        // Workers report within a quarter of a second of each other unless the machine is overrun.
        self.series.close_before(second.saturating_sub(5));
        self.measured.merge(counts);
        let latency = counts.latency.last_byte.clone();
        self.recent.push_back(Recent { at: Instant::now(), requests: counts.requests, latency });
        part.finished.iter_mut().for_each(|request| request.url = self.redactor.redacted(&request.url));
        part.printed.iter_mut().for_each(|line| *line = self.redactor.redacted(line));
        if !part.finished.is_empty() {
            self.observer.finished(&part.finished);
        }
        if !part.printed.is_empty() {
            self.observer.logged(&part.printed);
        }
    }

    fn tell(&mut self) {
        let now = Instant::now();
        while self.recent.front().is_some_and(|oldest| now - oldest.at > QUARTER * 4) {
            self.recent.pop_front();
        }
        let mut latency_now = Distribution::default();
        self.recent.iter().for_each(|recent| latency_now.merge(&recent.latency));
        let elapsed = now.saturating_duration_since(self.start);
        let window = elapsed.min(QUARTER * 4).as_secs_f64().max(QUARTER.as_secs_f64());
        let requests: u64 = self.recent.iter().map(|recent| recent.requests).sum();
        let phase = self.plan.phases().iter().find(|phase| phase.begins <= elapsed && elapsed < phase.ends);
        self.observer.snapshot(&Snapshot {
            elapsed_ms: elapsed.as_millis() as u64,
            planned_ms: self.plan.length().as_millis() as u64,
            phase: phase.map(|phase| phase.index),
            vusers: self.measured.vusers,
            active: self.active.load(Ordering::Relaxed),
            requests: self.measured.requests,
            responses: self.measured.responses,
            errors: self.measured.errors.values().map(|failures| failures.count).sum(),
            requests_per_second: requests as f64 / window,
            latency_ms: self.measured.latency.last_byte.summary(),
            latency_ms_now: latency_now.summary(),
            late_arrivals: self.measured.late,
        });
    }
}
