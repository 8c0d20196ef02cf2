//! The search for a scale point: trials at a rising rate, then narrower, until the rate that holds and the rate
//! that breaks are close.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use documents::script::{Arrivals, Phase, Spread};
use evolve::scale_points::saturation::{self, Saturated, Window};
use evolve::scale_points::search::{Bounds, Finding, Next, Outcome, Trial, next};
use evolve::scale_points::usl::{Peak, Point, Usl, fit};
use evolve::scale_points::{BROKE, HELD, REQUESTS, SATURATED};
use kernel::SharedClock;
use prepare::scenarios::{Setup, joined};
use scenario::load::{self, LoadOptions, Observer, Report};
use serde::Serialize;
use telemetry::SqlSource;
use tokio_util::sync::CancellationToken;


/// Without thresholds of its own, a script breaks when more requests than this fail …
const FAILED_MAX: f64 = 0.01;
/// … or when fewer of the arrivals than this are done in time: a queue grows somewhere.
const DONE_MIN: f64 = 0.95;
/// So that what one trial left behind does not burden the next.
const REST: Duration = Duration::from_millis(500);

/// How a search goes about it.
pub struct Search<'a> {
    pub setup: &'a Setup,
    pub bounds: Bounds,
    /// How long each trial lasts.
    pub trial: Duration,
    /// Users a second whose requests' traces are recorded.
    pub traced_rate: f64,
    pub clock: SharedClock,
    pub cancel: CancellationToken,
}

/// Whoever follows a search.
#[async_trait]
pub trait Follower: Send + Sync {
    /// For the next trial.
    fn observer(&self) -> Arc<dyn Observer>;
    /// After each trial.
    async fn tried(&self, so_far: &ScalePoint);
}

/// What the search came to so far.
#[derive(Debug, Clone, Serialize)]
pub struct ScalePoint {
    pub report: &'static str,
    pub finished: bool,
    pub scenario: String,
    pub environment: Option<String>,
    /// None while it goes on.
    pub finding: Option<Finding>,
    pub trials: Vec<Trial>,
    pub requests_per_arrival: f64,
    /// The Universal Scalability Law through the trials.
    pub usl: Option<Usl>,
    /// Why there is no curve, or how far it can be trusted.
    pub usl_note: Option<String>,
    pub saturated: Option<Saturated>,
    /// Why the lake could not say what saturated.
    pub saturated_note: Option<String>,
    #[serde(skip)]
    windows: Vec<Window>,
}

impl Search<'_> {
    /// The rate of the first trial that the script itself suggests.
    pub fn first_rate(setup: &Setup) -> f64 {
        let rates = setup.phases().iter().filter_map(|phase| match phase.arrivals {
            Arrivals::Rate { from, to, .. } => Some(from.min(to)).filter(|rate| *rate > 0.0),
            _ => None,
        });
        rates.min_by(f64::total_cmp).unwrap_or(10.0)
    }

    pub async fn run(&self, follower: &dyn Follower, sql: Option<&dyn SqlSource>) -> anyhow::Result<ScalePoint> {
        let mut so_far = ScalePoint::of(self.setup);
        loop {
            match next(&self.bounds, &so_far.trials) {
                Next::Finished(finding) => {
                    so_far.finish(finding);
                    break;
                }
                Next::Play { rate } => {
                    self.try_rate(rate, follower.observer(), &mut so_far).await?;
                    follower.tried(&so_far).await;
                    tokio::time::sleep(REST).await;
                }
            }
        }
        if let Some(sql) = sql {
            so_far.ask_what_saturated(sql).await;
        }
        Ok(so_far)
    }

    async fn try_rate(&self, rate: f64, observer: Arc<dyn Observer>, so_far: &mut ScalePoint) -> anyhow::Result<()> {
        let arrivals = Arrivals::Rate { duration: self.trial, from: rate, to: rate, spread: Spread::Uniform };
        let phase = Phase { name: Some(format!("{rate:.1}/s")), arrivals, max_vusers: None, origin: self.setup.script.origin.clone() };
        let program = Arc::new(self.setup.with_phases(vec![phase]).compile().map_err(|errors| anyhow::anyhow!(joined(&errors)))?);
        let options = LoadOptions { traced: (self.traced_rate / rate).min(1.0), ..LoadOptions::default() };
        let late_after = options.late_after;
        let start = self.clock.now();
        let outcome = load::run(program.clone(), options, observer, self.cancel.clone()).await?;
        let report = Report::new(&program, &outcome, late_after);
        anyhow::ensure!(!report.cancelled, "the search was ended before it found anything");
        so_far.windows.push(Window { start, end: self.clock.now() });
        so_far.requests_per_arrival = report.requests as f64 / report.delivered_count.max(1) as f64;
        so_far.trials.push(Trial { rate, point: point(&report), outcome: judge(&report) });
        Ok(())
    }
}

impl ScalePoint {
    fn of(setup: &Setup) -> Self {
        Self {
            report: "limit",
            finished: false,
            scenario: setup.script.name.clone(),
            environment: setup.environment().map(str::to_owned),
            finding: None,
            trials: Vec::new(),
            requests_per_arrival: 0.0,
            usl: None,
            usl_note: None,
            saturated: None,
            saturated_note: None,
            windows: Vec::new(),
        }
    }

    fn finish(&mut self, finding: Finding) {
        let measured = |point: &Point| point.concurrency > 0.0 && point.throughput > 0.0;
        let points: Vec<Point> = self.trials.iter().map(|trial| trial.point).filter(measured).collect();
        match fit(&points) {
            Ok(usl) => {
                self.usl_note = usl.extrapolates().then(|| "the peak lies beyond what was measured: the curve says little about it".to_owned());
                self.usl = Some(usl);
            }
            Err(error) => self.usl_note = Some(error.to_string()),
        }
        self.finding = Some(finding);
        self.finished = true;
    }

    /// Compares the first trial, which held, with one that broke.
    async fn ask_what_saturated(&mut self, sql: &dyn SqlSource) {
        let with = |wanted: fn(&Outcome) -> bool| self.trials.iter().zip(&self.windows).find(|(trial, _)| wanted(&trial.outcome)).map(|(_, window)| *window);
        let calm = with(|outcome| *outcome == Outcome::Held);
        let broken = with(|outcome| matches!(outcome, Outcome::Broke(_)));
        let (Some(calm), Some(broken)) = (calm, broken) else { return };
        match saturation::find(sql, calm, broken).await {
            Ok(Some(saturated)) => self.saturated = Some(saturated),
            Ok(None) => self.saturated_note = Some("no service's traces got worse between the first trial and the one that broke".to_owned()),
            Err(error) => self.saturated_note = Some(error.to_string()),
        }
    }

    /// Why it counts as failed: that there is no limit within reach is an answer too.
    pub fn failure(&self) -> Option<String> {
        match &self.finding {
            Some(Finding::BreaksAtOnce { broke, reason }) => Some(format!("it breaks even at {broke:.1} arrivals a second: {reason}")),
            _ => None,
        }
    }

    pub fn outputs(&self) -> BTreeMap<String, String> {
        let mut outputs = BTreeMap::new();
        if let Some(Finding::ScalePoint { held, broke, .. }) = &self.finding {
            outputs.insert(HELD.to_owned(), format!("{held:.2}"));
            outputs.insert(BROKE.to_owned(), format!("{broke:.2}"));
            outputs.insert(REQUESTS.to_owned(), format!("{:.4}", self.requests_per_arrival));
        }
        outputs.extend(self.saturated.iter().map(|saturated| (SATURATED.to_owned(), saturated.service.clone())));
        outputs
    }

    /// For people.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        match &self.finding {
            None => {}
            Some(Finding::ScalePoint { held, broke, reason }) => {
                lines.push(format!("scale point: {held:.1} arrivals a second hold, {broke:.1} do not: {reason}"));
            }
            Some(Finding::NoLimitWithinReach { held, reason }) => {
                lines.push(format!("no limit within reach: {held:.1} arrivals a second hold; {reason}"));
            }
            Some(Finding::BreaksAtOnce { broke, reason }) => lines.push(format!("it breaks even at {broke:.1} arrivals a second: {reason}")),
        }
        if let Some(Saturated { service, reason }) = &self.saturated {
            lines.push(format!("{service} saturated first: {reason}"));
        }
        lines.extend(self.saturated_note.iter().map(|note| format!("what saturated first is not known: {note}")));
        if let Some(usl) = &self.usl {
            lines.push(format!("scalability: contention {:.5}, coherence {:.3e}, {:.1}/s alone", usl.alpha.value, usl.beta.value, usl.gamma.value));
            lines.push(match usl.peak {
                Peak::At { concurrency, throughput, interval: (lower, upper), .. } => {
                    let upper = upper.map_or("no bound".to_owned(), |upper| format!("{upper:.1}"));
                    format!("  peak at {concurrency:.1} requests in flight ({lower:.1} to {upper}), {throughput:.1}/s")
                }
                Peak::None { limit: Some(limit) } => format!("  no peak; it levels off at {limit:.1}/s"),
                Peak::None { limit: None } => "  no peak and no contention: linear as far as it was measured".to_owned(),
            });
        }
        lines.extend(self.usl_note.iter().map(|note| format!("  {note}")));
        lines
    }
}

/// A trial in a line for people.
pub fn told(trial: &Trial) -> String {
    match &trial.outcome {
        Outcome::Held => format!("✓ {:.1}/s holds", trial.rate),
        Outcome::Broke(reason) => format!("✗ {:.1}/s breaks: {reason}", trial.rate),
        Outcome::GeneratorLimited(reason) => format!("? {:.1}/s is beyond this generator: {reason}", trial.rate),
    }
}

fn judge(report: &Report) -> Outcome {
    if let Some(reason) = &report.generator.reason {
        return Outcome::GeneratorLimited(reason.clone());
    }
    if let Some(verdict) = report.verdicts.iter().find(|verdict| verdict.strict && !verdict.holds) {
        return Outcome::Broke(format!("{}: {}", verdict.rule, verdict.actual));
    }
    let failed: u64 = report.errors.values().chain(report.expectations_failed.values()).map(|failures| failures.count).sum();
    let refused: u64 = report.codes.iter().filter(|(code, _)| **code >= 500 || **code == 429).map(|(_, count)| count).sum();
    let ratio = (failed + refused) as f64 / report.requests.max(1) as f64;
    if report.verdicts.is_empty() && ratio > FAILED_MAX {
        return Outcome::Broke(format!("{:.1} % of the requests failed", ratio * 100.0));
    }
    let (elapsed_s, planned_s) = (report.elapsed_ms as f64 / 1e3, report.planned_ms as f64 / 1e3);
    if report.verdicts.is_empty() && elapsed_s > planned_s / DONE_MIN + report.session_ms.p50 / 1e3 {
        return Outcome::Broke(format!("it took {elapsed_s:.1} s until all were done with what arrived in {planned_s:.1} s"));
    }
    Outcome::Held
}

/// By Little's law.
fn point(report: &Report) -> Point {
    let throughput = report.responses as f64 / (report.elapsed_ms.max(1) as f64 / 1e3);
    Point { concurrency: throughput * report.service_ms.last_byte.mean / 1e3, throughput }
}
