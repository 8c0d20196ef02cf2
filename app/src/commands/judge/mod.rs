//! `mainstay judge`: two columns of numbers, or two PromQL ranges.

mod points;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::ValueEnum;
use prepare::judge::kayenta::{Class, Classifier};
use prepare::judge::{Direction, Judgement, Plan, Verdict, judge};
use serde_json::{Value, json};

use super::EXIT_PROBLEMS;
use crate::cli::ServerArgs;

#[derive(Debug, clap::Args)]
#[command(after_help = "Exit codes: 0 pass; 1 fail; 2 it could not judge; 3 not enough data.")]
pub struct Args {
    /// The old version's points: a number a line, a JSON array, or a column of a CSV file as FILE#COLUMN
    #[arg(long, value_name = "FILE", required_unless_present = "control_query", conflicts_with = "control_query")]
    control: Option<PathBuf>,

    /// The new version's points, in the same forms
    #[arg(long, value_name = "FILE", required_unless_present = "canary_query", conflicts_with = "canary_query")]
    canary: Option<PathBuf>,

    /// The old version's points as a PromQL expression with one series; with --start and --step
    #[arg(long, value_name = "PROMQL", requires = "start", requires = "step")]
    control_query: Option<String>,

    /// The new version's points as a PromQL expression
    #[arg(long, value_name = "PROMQL", requires = "start", requires = "step")]
    canary_query: Option<String>,

    /// Begin of the range, RFC 3339 or seconds since the epoch
    #[arg(long)]
    start: Option<String>,

    /// End of the range; now if absent
    #[arg(long)]
    end: Option<String>,

    /// Between two points of the range, e.g. 1m
    #[arg(long)]
    step: Option<String>,

    #[arg(long, value_enum, default_value_t = Mode::Sequential)]
    mode: Mode,

    /// Which way is worse
    #[arg(long, value_enum, default_value_t = Worse::Either)]
    direction: Worse,

    /// How many points the canary is meant to give in the end
    #[arg(long, value_name = "COUNT", default_value_t = Plan::default().points)]
    points: usize,

    /// Pass once a worse change than this is excluded; 0.25 is a quarter
    #[arg(long, value_name = "SHARE", default_value_t = Plan::default().tolerance)]
    tolerance: f64,

    /// Never fail for a smaller change than this
    #[arg(long, value_name = "SHARE", default_value_t = Plan::default().floor)]
    floor: f64,

    /// How many metrics are judged beside each other and share the chance of a false alarm
    #[arg(long, value_name = "COUNT", default_value_t = 1)]
    metrics: usize,

    /// Draw the judgement into this SVG file
    #[arg(long, value_name = "FILE")]
    picture: Option<PathBuf>,

    #[arg(long, value_enum, default_value_t = Output::Text)]
    format: Output,

    #[command(flatten)]
    server: ServerArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Mode {
    /// Valid at any number of looks, for points that depend on their neighbours
    Sequential,
    /// As Kayenta's NetflixACAJudge-v1.0
    Kayenta,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Worse {
    Increase,
    Decrease,
    Either,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    Text,
    Json,
}

/// Neither good nor bad: whoever waits may look again.
const EXIT_NOT_ENOUGH_DATA: u8 = 3;

pub async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let (control, canary) = points::read(&args).await?;
    let direction = match args.direction {
        Worse::Increase => Direction::Increase,
        Worse::Decrease => Direction::Decrease,
        Worse::Either => Direction::Either,
    };
    match args.mode {
        Mode::Sequential => sequential(&args, direction, &control, &canary),
        Mode::Kayenta => Ok(kayenta(&args, direction, &control, &canary)),
    }
}

fn sequential(args: &Args, direction: Direction, control: &[f64], canary: &[f64]) -> anyhow::Result<ExitCode> {
    let plan = Plan { direction, points: args.points, tolerance: args.tolerance, floor: args.floor, metrics: args.metrics };
    anyhow::ensure!(plan.tolerance > 0.0 && (0.0..=plan.tolerance).contains(&plan.floor), "--tolerance must be above 0, and --floor between 0 and it");
    let judgement = judge(control, canary, &plan);
    if let Some(path) = &args.picture {
        std::fs::write(path, judgement.picture(&plan, control, canary)).with_context(|| format!("{} cannot be written", path.display()))?;
    }
    match args.format {
        Output::Json => println!("{}", serde_json::to_string_pretty(&judgement)?),
        Output::Text => print!("{}", told(&judgement)),
    }
    Ok(ExitCode::from(match judgement.verdict {
        Verdict::Pass => 0,
        Verdict::Fail => EXIT_PROBLEMS,
        Verdict::NotEnoughData => EXIT_NOT_ENOUGH_DATA,
    }))
}

fn told(judgement: &Judgement) -> String {
    let mut text = format!("{}: {}\n", judgement.verdict, judgement.reason);
    for (name, sample) in [("control", &judgement.control), ("canary", &judgement.canary)] {
        let figure = |value: Option<f64>| value.map_or("–".to_owned(), |value| format!("{value:.4}"));
        text += &format!(
            "  {name:8} {} points, {} missing, mean {}, median {}, autocorrelation {}\n",
            sample.points,
            sample.missing,
            figure(sample.mean),
            figure(sample.median),
            figure(sample.autocorrelation)
        );
    }
    for test in &judgement.tests {
        let name = format!("{:?}", test.test).to_lowercase();
        let statistic = test.statistic.map_or("infinite".to_owned(), |statistic| format!("{statistic:.2}"));
        text += &format!("  {name:9} {statistic} of {:.2}{}\n", test.boundary, if test.failed { ": failed" } else { "" });
    }
    text
}

fn kayenta(args: &Args, direction: Direction, control: &[f64], canary: &[f64]) -> ExitCode {
    let present = |values: &[f64]| values.iter().copied().filter(|value| value.is_finite()).collect::<Vec<f64>>();
    let (control, canary) = (present(control), present(canary));
    let found = Classifier { direction, ..Classifier::default() }.classify(&control, &canary);
    let (verdict, code) = match found.class {
        Class::Pass => ("pass", 0),
        Class::High | Class::Low => ("fail", EXIT_PROBLEMS),
        Class::Nodata => ("not_enough_data", EXIT_NOT_ENOUGH_DATA),
    };
    let shift = |pick: fn(&prepare::judge::kayenta::Shift) -> f64| found.shift.as_ref().map_or(Value::Null, |shift| json!(pick(shift)));
    let answer = json!({
        "verdict": verdict,
        "classification": found.class,
        "deviation": found.deviation,
        "effect": { "measure": "difference", "estimate": shift(|s| s.estimate), "lower": shift(|s| s.lower), "upper": shift(|s| s.upper) },
        "control": { "points": control.len() },
        "canary": { "points": canary.len() },
    });
    match args.format {
        Output::Json => println!("{answer:#}"),
        Output::Text => println!("{verdict}: Kayenta classifies the canary as {:?}; its mean is {:.3} times the control's", found.class, found.deviation),
    }
    ExitCode::from(code)
}
