//! `mainstay load SCENARIO --find-limit`

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use documents::script::{Arrivals, Phase, Spread};
use evolve::scale_points::search::{Bounds, Finding, Next, Outcome, Trial, next};
use evolve::scale_points::usl::{Peak, Point, Usl, fit};
use scenario::load::Report;
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::commands::EXIT_PROBLEMS;
use crate::commands::scenario::Played;

#[derive(Debug, clap::Args)]
pub struct LimitArgs {
    /// Raise the rate until a threshold breaks, and narrow down to the scale point
    #[arg(long)]
    pub find_limit: bool,

    /// Arrivals a second of the first trial; the script's first rate if absent
    #[arg(long, value_name = "RATE", requires = "find_limit")]
    start_rate: Option<f64>,

    /// No trial goes beyond this many arrivals a second
    #[arg(long, value_name = "RATE", requires = "find_limit", default_value_t = 100_000.0)]
    max_rate: f64,

    /// How long each trial lasts
    #[arg(long, value_name = "DURATION", requires = "find_limit", default_value = "10s", value_parser = duration)]
    trial: Duration,

    /// How near the rate that holds and the rate that breaks must come, in percent
    #[arg(long, value_name = "PERCENT", requires = "find_limit", default_value_t = 2.0)]
    precision: f64,
}

/// Without thresholds of its own, a script breaks when more requests than this fail …
const FAILED_MAX: f64 = 0.01;
/// … or when fewer of the arrivals than this are done in time: a queue grows somewhere.
const DONE_MIN: f64 = 0.95;
/// So that what one trial left behind does not burden the next.
const REST: Duration = Duration::from_millis(500);

/// What the search came to.
#[derive(Debug, Serialize)]
struct ScalePoint {
    scenario: String,
    environment: Option<String>,
    finding: Finding,
    trials: Vec<Trial>,
    /// The Universal Scalability Law through the trials.
    usl: Option<Usl>,
    /// Why there is no curve, or how far it can be trusted.
    usl_note: Option<String>,
}

pub async fn run(args: &LimitArgs, played: &Played, json: bool, cancel: &CancellationToken) -> anyhow::Result<ExitCode> {
    let bounds = Bounds {
        start: args.start_rate.unwrap_or_else(|| first_rate(played)),
        max: args.max_rate,
        precision: args.precision / 100.0,
        ..Bounds::default()
    };
    let mut trials: Vec<Trial> = Vec::new();
    let finding = loop {
        match next(&bounds, &trials) {
            Next::Finished(finding) => break finding,
            Next::Play { rate } => {
                let report = trial(played, rate, args.trial, cancel).await?;
                anyhow::ensure!(!report.cancelled, "the search was ended before it found anything");
                let trial = Trial { rate, point: point(&report), outcome: judge(&report) };
                eprintln!("{}", told(&trial));
                trials.push(trial);
                tokio::time::sleep(REST).await;
            }
        }
    };
    let points: Vec<Point> = trials.iter().map(|trial| trial.point).filter(|point| point.concurrency > 0.0 && point.throughput > 0.0).collect();
    let (usl, usl_note) = match fit(&points) {
        Ok(usl) => {
            let note = usl.extrapolates().then(|| "the peak lies beyond what was measured: the curve says little about it".to_owned());
            (Some(usl), note)
        }
        Err(error) => (None, Some(error.to_string())),
    };
    let found = matches!(finding, Finding::ScalePoint { .. });
    let environment = played.environment().map(str::to_owned);
    let result = ScalePoint { scenario: played.script.name.clone(), environment, finding, trials, usl, usl_note };
    if json {
        println!("{}", serde_json::to_string_pretty(&result)?);
    } else {
        print!("{}", text(&result));
    }
    // That there is no limit within reach is an answer too; that it breaks at once is a failure.
    let fine = found || matches!(result.finding, Finding::NoLimitWithinReach { .. });
    Ok(if fine { ExitCode::SUCCESS } else { ExitCode::from(EXIT_PROBLEMS) })
}

async fn trial(played: &Played, rate: f64, length: Duration, cancel: &CancellationToken) -> anyhow::Result<Report> {
    let arrivals = Arrivals::Rate { duration: length, from: rate, to: rate, spread: Spread::Uniform };
    let phase = Phase { name: Some(format!("{rate:.1}/s")), arrivals, max_vusers: None, origin: played.script.origin.clone() };
    let program = Arc::new(played.with_phases(vec![phase]).compile()?);
    super::play(program, None, cancel).await
}

fn first_rate(played: &Played) -> f64 {
    let rates = played.phases().iter().filter_map(|phase| match phase.arrivals {
        Arrivals::Rate { from, to, .. } => Some(from.min(to)).filter(|rate| *rate > 0.0),
        _ => None,
    });
    rates.min_by(f64::total_cmp).unwrap_or(10.0)
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
    let late = report.elapsed_ms as f64 > report.planned_ms as f64 / DONE_MIN + report.session_ms.p50;
    if report.verdicts.is_empty() && late {
        return Outcome::Broke(format!("it took {:.1} s until all were done with what arrived in {:.1} s", report.elapsed_ms as f64 / 1e3, report.planned_ms as f64 / 1e3));
    }
    Outcome::Held
}

/// By Little's law.
fn point(report: &Report) -> Point {
    let throughput = report.responses as f64 / (report.elapsed_ms.max(1) as f64 / 1e3);
    Point { concurrency: throughput * report.service_ms.last_byte.mean / 1e3, throughput }
}

fn told(trial: &Trial) -> String {
    match &trial.outcome {
        Outcome::Held => format!("✓ {:.1}/s holds", trial.rate),
        Outcome::Broke(reason) => format!("✗ {:.1}/s breaks: {reason}", trial.rate),
        Outcome::GeneratorLimited(reason) => format!("? {:.1}/s is beyond this generator: {reason}", trial.rate),
    }
}

fn text(result: &ScalePoint) -> String {
    let mut text = match &result.finding {
        Finding::ScalePoint { held, broke, reason } => format!("scale point: {held:.1} arrivals a second hold, {broke:.1} do not: {reason}\n"),
        Finding::NoLimitWithinReach { held, reason } => format!("no limit within reach: {held:.1} arrivals a second hold; {reason}\n"),
        Finding::BreaksAtOnce { broke, reason } => format!("it breaks even at {broke:.1} arrivals a second: {reason}\n"),
    };
    if let Some(usl) = &result.usl {
        text += &format!("scalability: contention {:.5}, coherence {:.3e}, {:.1}/s alone\n", usl.alpha.value, usl.beta.value, usl.gamma.value);
        text += &match usl.peak {
            Peak::At { concurrency, throughput, interval: (lower, upper), .. } => {
                let upper = upper.map_or("no bound".to_owned(), |upper| format!("{upper:.1}"));
                format!("  peak at {concurrency:.1} requests in flight ({lower:.1} to {upper}), {throughput:.1}/s\n")
            }
            Peak::None { limit: Some(limit) } => format!("  no peak; it levels off at {limit:.1}/s\n"),
            Peak::None { limit: None } => "  no peak and no contention: linear as far as it was measured\n".to_owned(),
        };
    }
    if let Some(note) = &result.usl_note {
        text += &format!("  {note}\n");
    }
    text
}

fn duration(text: &str) -> Result<Duration, String> {
    kernel::parse_duration(text).map_err(|error| error.to_string())
}
