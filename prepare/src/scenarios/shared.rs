//! A load that several runners produce together.

use std::sync::Arc;

use jiff::SignedDuration;
use scenario::Program;
use scenario::load::{self, Observer, Outcome, Plan, Share, Snapshot, Summary};
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use super::live::{Slow, slowest_of};
use crate::runners::{Offer, Opened, Part, Refusal, Runners, Shares, Standing, State};

/// How long a load waits for as many runners as were asked for.
const GATHERING: SignedDuration = SignedDuration::from_secs(30);
/// And then until each of them has played the journey before all.
const PREPARING: SignedDuration = SignedDuration::from_secs(120);
/// From when all are ready until they begin, besides what each needs itself: longer than the word takes to reach them.
const WORD: SignedDuration = SignedDuration::from_millis(1500);

/// What the runners came to.
pub struct Shared {
    /// Of the traced requests.
    pub slowest: Vec<Slow>,
    /// Of those that handed in a result.
    pub outcome: Outcome,
    pub shares: Vec<ShareReport>,
    /// Why this is not the load that was asked for.
    pub broken: Option<String>,
    /// Whether the seconds of some were too long to be handed in; then there are none.
    pub without_seconds: bool,
}

/// One share, for people.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ShareReport {
    /// From 1.
    pub number: usize,
    pub location: Option<String>,
    pub runner: Option<String>,
    /// `played`, `failed` or `lost`.
    pub state: &'static str,
    /// Arrivals of open workloads.
    pub asked: u64,
    /// Of a lost share, what its runner said last.
    pub delivered: u64,
    pub requests: u64,
    pub error: Option<String>,
}

/// Plays a load by as many runners as the offer says; the reason if it did not begin.
pub async fn play(runners: &Runners, offer: Offer, program: &Arc<Program>, observer: Arc<dyn Observer>, ending: &CancellationToken) -> Result<Shared, String> {
    let of = offer.of;
    let opened = runners.open(offer);
    let lead = WORD + SignedDuration::try_from(load::lead(program)).unwrap_or_default();
    gather(&opened, of, lead, ending).await?;
    follow(&opened, &*observer, ending).await;
    let plan = Plan::new(&program.phases, program.seed);
    opened.with(|shares, _| conclude(shares, &plan)).ok_or_else(gone)
}

/// Until all are ready and know when they begin.
async fn gather(opened: &Opened, of: u64, lead: SignedDuration, ending: &CancellationToken) -> Result<(), String> {
    enum Step {
        Wait,
        Begin,
        GiveUp(String),
    }
    let begun = opened.with(|_, now| now).ok_or_else(gone)?;
    loop {
        let step = opened.with(|shares, now| {
            let waited = now.duration_since(begun);
            if let Some(reason) = shares.broken() {
                return Step::GiveUp(reason);
            }
            match shares.standing() {
                Standing::Gathering { open } if waited >= GATHERING => Step::GiveUp(too_few(shares, of, open)),
                Standing::Preparing if waited >= GATHERING + PREPARING => Step::GiveUp("the runners were not ready in time".to_owned()),
                Standing::Ready => {
                    shares.start_at(now + lead);
                    Step::Begin
                }
                _ => Step::Wait,
            }
        });
        match step.ok_or_else(gone)? {
            Step::Begin => return Ok(()),
            Step::GiveUp(reason) => return Err(reason),
            Step::Wait if ending.is_cancelled() => return Err("it was cancelled before its start".to_owned()),
            Step::Wait => opened.changed().await,
        }
    }
}

/// Until every share has ended. When one breaks, or the run ends, the others are stopped: what they would go on
/// with is not the load that was asked for.
async fn follow(opened: &Opened, observer: &dyn Observer, ending: &CancellationToken) {
    loop {
        let now = opened.with(|shares, _| {
            if ending.is_cancelled() || shares.broken().is_some() {
                shares.stop();
            }
            (shares.standing(), together(shares.parts().iter().filter_map(|part| part.snapshot.as_ref())))
        });
        let Some((standing, snapshot)) = now else { return };
        if let Some(snapshot) = snapshot {
            observer.snapshot(&snapshot);
        }
        if standing == Standing::Over {
            return;
        }
        opened.changed().await;
    }
}

fn conclude(shares: &Shares, plan: &Plan) -> Shared {
    let mut outcome = Outcome::default();
    let mut without_seconds = false;
    for part in shares.parts() {
        if let State::Played(played) = &part.state {
            without_seconds |= played.measured.requests > 0 && played.series.points().is_empty();
            outcome.merge(played);
        }
    }
    if without_seconds {
        outcome.series = Default::default();
    }
    let mut slowest: Vec<Slow> = shares.parts().iter().flat_map(|part| part.slowest.iter().cloned()).collect();
    slowest_of(&mut slowest);
    let broken = shares.broken();
    if broken.is_some() {
        // What nobody delivers was asked for all the same.
        outcome.asked = plan.asked(Share::WHOLE);
        outcome.planned = plan.length();
    }
    let of = shares.parts().len() as u64;
    let reports = shares.parts().iter().enumerate().map(|(index, part)| ShareReport::of(index, part, plan.asked(Share { index: index as u64, of })));
    Shared { slowest, shares: reports.collect(), broken, outcome, without_seconds }
}

impl ShareReport {
    fn of(index: usize, part: &Part, asked: u64) -> Self {
        let told = part.snapshot.as_ref().map_or((0, 0), |snapshot| (snapshot.vusers.created + snapshot.vusers.skipped, snapshot.requests));
        let (state, (delivered, requests), error) = match &part.state {
            State::Played(outcome) => ("played", (outcome.measured.arrived, outcome.measured.requests), None),
            State::Failed(reason) => ("failed", told, Some(reason.clone())),
            State::Open | State::Taken | State::Ready | State::Lost => ("lost", told, None),
        };
        Self { number: index + 1, location: part.location.clone(), runner: part.runner.clone(), state, asked, delivered, requests, error }
    }
}

fn too_few(shares: &Shares, of: u64, open: usize) -> String {
    let come: Vec<&str> = shares.parts().iter().filter_map(|part| part.location.as_deref()).collect();
    let came = of - open as u64;
    let mut reason = format!("it is to be shared by {of} runners, and {came} came within {} s", GATHERING.as_secs());
    if !come.is_empty() {
        reason += &format!(" ({})", come.join(", "));
    }
    for Refusal { location, reason: refused, .. } in shares.refusals() {
        reason += &format!("; the runner at {location} refused: {refused}");
    }
    reason + "; start more by `mainstay runner --server URL --location NAME`"
}

/// Several snapshots as one. Percentiles of parts do not make one of the whole: the worst stands until the end.
fn together<'a>(snapshots: impl Iterator<Item = &'a Snapshot>) -> Option<Snapshot> {
    snapshots.cloned().reduce(|mut all, one| {
        all.elapsed_ms = all.elapsed_ms.max(one.elapsed_ms);
        all.phase = all.phase.max(one.phase);
        all.vusers.merge(one.vusers);
        all.active += one.active;
        all.requests += one.requests;
        all.responses += one.responses;
        all.errors += one.errors;
        all.requests_per_second += one.requests_per_second;
        all.latency_ms = worst(all.latency_ms, one.latency_ms);
        all.latency_ms_now = worst(all.latency_ms_now, one.latency_ms_now);
        all.late_arrivals += one.late_arrivals;
        all
    })
}

fn worst(a: Summary, b: Summary) -> Summary {
    let count = a.count + b.count;
    let mean = (a.mean * a.count as f64 + b.mean * b.count as f64) / count.max(1) as f64;
    let min = if a.count == 0 || (b.count > 0 && b.min < a.min) { b.min } else { a.min };
    Summary {
        count,
        min,
        mean,
        p50: a.p50.max(b.p50),
        p75: a.p75.max(b.p75),
        p90: a.p90.max(b.p90),
        p95: a.p95.max(b.p95),
        p99: a.p99.max(b.p99),
        p999: a.p999.max(b.p999),
        max: a.max.max(b.max),
    }
}

fn gone() -> String {
    "the load is no longer open to runners".to_owned()
}
