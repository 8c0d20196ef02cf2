//! What people and programs read of a run.

use std::collections::BTreeMap;
use std::time::Duration;

use documents::script::Arrivals;
use serde::{Deserialize, Serialize};

use super::distribution::Summary;
use super::measured::{Endpoint, Failures, Timing, Vusers};
use super::metrics::per_second;
use super::outcome::Outcome;
use super::plan::Plan;
use super::series::Point;
use super::verdict::{self, Verdict};
use crate::program::Program;
use crate::redact::Redactor;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Report {
    pub name: String,
    pub environment: Option<String>,
    pub test_id: String,
    pub seed: u64,
    pub target: Option<String>,
    pub phases: Vec<PhaseReport>,
    pub planned_ms: u64,
    pub elapsed_ms: u64,
    pub cancelled: bool,
    /// Arrivals of open workloads.
    pub asked_count: u64,
    pub delivered_count: u64,
    /// A second, over the phases that are not pauses.
    pub asked_rate: f64,
    pub delivered_rate: f64,
    pub vusers: Vusers,
    pub requests: u64,
    pub responses: u64,
    /// A second.
    pub request_rate: f64,
    pub downloaded_bytes: u64,
    pub codes: BTreeMap<u16, u64>,
    pub errors: BTreeMap<String, Failures>,
    pub expectations_met: u64,
    pub expectations_failed: BTreeMap<String, Failures>,
    pub captures_failed: u64,
    /// From the intended start of each request; see the decision record on latency.
    pub latency_ms: Timings,
    /// From when each request was sent: blind to requests that a stall kept from being sent.
    pub service_ms: Timings,
    pub session_ms: Summary,
    pub endpoints: Vec<EndpointReport>,
    pub counters: BTreeMap<String, f64>,
    pub histograms_ms: BTreeMap<String, Summary>,
    pub apdex: Option<Apdex>,
    pub slip: Slip,
    pub generator: Generator,
    pub verdicts: Vec<Verdict>,
    pub series: Vec<Point>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PhaseReport {
    pub name: Option<String>,
    pub begins_ms: u64,
    pub ends_ms: u64,
    /// `pause`, `rate`, `count` or `users`.
    pub kind: String,
    /// Users a second at its start and its end; how many for the others.
    pub from: f64,
    pub to: f64,
}

#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct Timings {
    pub first_byte: Summary,
    pub last_byte: Summary,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct EndpointReport {
    pub name: String,
    pub requests: u64,
    pub codes: BTreeMap<u16, u64>,
    pub errors: u64,
    pub latency_ms: Timings,
    /// To the last byte.
    pub service_ms: Summary,
}

/// How far the generator was behind its own plan.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Slip {
    /// Of the arrivals: those that began more than `late_after_ms` after their instant, or never.
    pub percent: f64,
    pub late_after_ms: f64,
    pub late: u64,
    /// Of arrivals and of the ends of pauses.
    pub ms: Summary,
}

/// How the machine that produced the load was doing.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Generator {
    /// Whether the figures are the generator's rather than the target's.
    pub limited: bool,
    pub reason: Option<String>,
    pub workers: u64,
    pub cpu_seconds: f64,
    /// Of one processor, for each worker.
    pub busy_percent: f64,
}

/// The Apdex of the time to first byte. Source: Apdex Technical Specification 1.1.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Apdex {
    pub threshold_ms: f64,
    pub satisfied: u64,
    pub tolerating: u64,
    pub frustrated: u64,
    pub score: f64,
}

/// More slip than this, in percent, and the generator is the limit.
const SLIP_PERCENT_MAX: f64 = 1.0;
/// A thread this busy, in percent, has no time to be punctual.
const BUSY_PERCENT_MAX: f64 = 95.0;

impl Report {
    pub fn new(program: &Program, outcome: &Outcome, late_after: Duration) -> Self {
        let measured = &outcome.measured;
        let plan = Plan::new(&program.phases, program.seed);
        let slip = slip(outcome, late_after);
        Self {
            name: program.name.clone(),
            environment: program.environment.clone(),
            test_id: program.test_id.clone(),
            seed: program.seed,
            target: program.target.as_ref().map(|target| target.endpoint().to_string()),
            phases: phases(program, &plan),
            planned_ms: outcome.planned.as_millis() as u64,
            elapsed_ms: outcome.elapsed.as_millis() as u64,
            cancelled: outcome.cancelled,
            asked_count: outcome.asked,
            delivered_count: measured.arrived,
            asked_rate: rate(outcome.asked, open_time(&plan)),
            delivered_rate: rate(measured.arrived, open_time(&plan) + overrun(&plan, outcome)),
            vusers: measured.vusers,
            requests: measured.requests,
            responses: measured.responses,
            request_rate: per_second(measured.requests, outcome),
            downloaded_bytes: measured.downloaded_bytes,
            codes: measured.codes.sorted(),
            errors: redacted(program, &measured.errors),
            expectations_met: measured.expectations_met,
            expectations_failed: redacted(program, &measured.expectations_unmet),
            captures_failed: measured.captures_failed,
            latency_ms: Timings::of(&measured.latency),
            service_ms: Timings::of(&measured.service),
            session_ms: measured.sessions.summary(),
            endpoints: endpoints(program, &measured.endpoints),
            counters: measured.counters.clone(),
            histograms_ms: measured.histograms.iter().map(|(name, of)| (name.clone(), of.summary())).collect(),
            apdex: program.apdex.map(|threshold| apdex(outcome, threshold)),
            generator: generator(outcome, &slip),
            slip,
            verdicts: verdict::judge(program, outcome),
            series: outcome.series.points(),
        }
    }

    /// Why the run did not succeed: it was cut short, its figures are the generator's own, or a threshold is broken.
    pub fn failure(&self) -> Option<String> {
        if self.cancelled {
            return Some("it was cancelled".to_owned());
        }
        if let Some(reason) = &self.generator.reason {
            return Some(format!("the generator was the limit: {reason}"));
        }
        let broken = self.verdicts.iter().filter(|verdict| verdict.strict && !verdict.holds);
        let broken: Vec<String> = broken.map(|verdict| format!("{} ({})", verdict.rule, verdict.actual)).collect();
        (!broken.is_empty()).then(|| format!("broken: {}", broken.join(", ")))
    }
}

impl Timings {
    fn of(timing: &Timing) -> Self {
        Self { first_byte: timing.first_byte.summary(), last_byte: timing.last_byte.summary() }
    }
}

fn redacted(program: &Program, failures: &BTreeMap<String, Failures>) -> BTreeMap<String, Failures> {
    let redactor = Redactor::new(program);
    let hidden = |failures: &Failures| Failures { count: failures.count, example: redactor.redacted(&failures.example) };
    failures.iter().map(|(name, failures)| (name.clone(), hidden(failures))).collect()
}

fn phases(program: &Program, plan: &Plan) -> Vec<PhaseReport> {
    let described = plan.phases().iter().zip(&program.phases).map(|(planned, written)| {
        let (kind, from, to) = match planned.arrivals {
            Arrivals::Pause { .. } => ("pause", 0.0, 0.0),
            Arrivals::Rate { from, to, .. } => ("rate", from, to),
            Arrivals::Count { count, .. } => ("count", count as f64, count as f64),
            Arrivals::Users { users, .. } => ("users", users as f64, users as f64),
        };
        PhaseReport {
            name: written.name.clone(),
            begins_ms: planned.begins.as_millis() as u64,
            ends_ms: planned.ends.as_millis() as u64,
            kind: kind.to_owned(),
            from,
            to,
        }
    });
    described.collect()
}

/// The length of the phases that bring users of an open workload.
fn open_time(plan: &Plan) -> Duration {
    let open = plan.phases().iter().filter(|phase| matches!(phase.arrivals, Arrivals::Rate { .. } | Arrivals::Count { .. }));
    open.map(|phase| phase.ends - phase.begins).sum()
}

/// How long after the end of the phases the last user arrived.
fn overrun(plan: &Plan, outcome: &Outcome) -> Duration {
    outcome.measured.last_arrival.saturating_sub(plan.length())
}

fn rate(count: u64, over: Duration) -> f64 {
    if over.is_zero() { 0.0 } else { count as f64 / over.as_secs_f64() }
}

fn endpoints(program: &Program, measured: &[Endpoint]) -> Vec<EndpointReport> {
    let plugin = program.settings.by_endpoint.as_ref();
    let only_named = plugin.is_some_and(|plugin| plugin.ignore_unnamed_requests || plugin.use_only_request_names);
    let mut merged: BTreeMap<&str, (usize, Endpoint)> = BTreeMap::new();
    for (number, (name, endpoint)) in program.endpoints.iter().zip(measured).enumerate() {
        if endpoint.requests > 0 && (name.named || !only_named) {
            merged.entry(&name.shown).or_insert((number, Endpoint::default())).1.merge(endpoint);
        }
    }
    let mut ordered: Vec<_> = merged.into_iter().collect();
    ordered.sort_by_key(|(_, (number, _))| *number);
    let report = |(name, (_, endpoint)): (&str, (usize, Endpoint))| EndpointReport {
        name: name.to_owned(),
        requests: endpoint.requests,
        codes: endpoint.codes.sorted(),
        errors: endpoint.errors,
        latency_ms: Timings::of(&endpoint.latency),
        service_ms: endpoint.service.summary(),
    };
    ordered.into_iter().map(report).collect()
}

fn slip(outcome: &Outcome, late_after: Duration) -> Slip {
    let measured = &outcome.measured;
    // Whoever cancels a run does not wait for the rest of it.
    let never = if outcome.cancelled { 0 } else { outcome.asked.saturating_sub(measured.arrived) };
    let late = measured.late + never;
    Slip {
        percent: 100.0 * late as f64 / outcome.asked.max(1) as f64,
        late_after_ms: late_after.as_secs_f64() * 1000.0,
        late,
        ms: measured.slip.summary(),
    }
}

fn generator(outcome: &Outcome, slip: &Slip) -> Generator {
    let cpu_seconds = outcome.measured.cpu.as_secs_f64();
    let available = outcome.elapsed.as_secs_f64() * outcome.workers.max(1) as f64;
    let busy_percent = 100.0 * cpu_seconds / available.max(0.001);
    let exhausted = outcome.measured.exhausted;
    let reason = if exhausted > 0 {
        Some(format!("{exhausted} requests could not be sent: this machine had no more files or ports"))
    } else if slip.percent > SLIP_PERCENT_MAX {
        Some(format!(
            "{:.1} % of the arrivals began more than {:.0} ms late; the generator's threads were {busy_percent:.0} % busy",
            slip.percent, slip.late_after_ms
        ))
    } else if busy_percent > BUSY_PERCENT_MAX {
        Some(format!("the generator's threads were {busy_percent:.0} % busy"))
    } else {
        None
    };
    Generator { limited: reason.is_some(), reason, workers: outcome.workers, cpu_seconds, busy_percent }
}

fn apdex(outcome: &Outcome, threshold: Duration) -> Apdex {
    let measured = &outcome.measured;
    let first_byte = &measured.latency.first_byte;
    let satisfied = first_byte.count_within(threshold);
    let tolerating = first_byte.count_within(threshold * 4) - satisfied;
    let all = measured.requests.max(first_byte.count());
    let score = (satisfied as f64 + tolerating as f64 / 2.0) / all.max(1) as f64;
    let threshold_ms = threshold.as_secs_f64() * 1000.0;
    Apdex { threshold_ms, satisfied, tolerating, frustrated: all - satisfied - tolerating, score }
}
