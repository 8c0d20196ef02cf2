//! `mainstay load SCENARIO`

mod display;
mod html;
mod limit;
mod table;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use clap::ValueEnum;
use ledger::RunKind;
use prepare::runs::playable::MODE_LOAD;
use scenario::Program;
use scenario::load::{self, LoadOptions, Report};
use serde_json::json;
use tokio_util::sync::CancellationToken;
use wire::runs::RecordRun;

use super::EXIT_PROBLEMS;
use super::scenario::{Chosen, compile, fill};
use super::serve::wait_for_signal;
use crate::record::{self, RecordArgs};

#[derive(Debug, clap::Args)]
#[command(after_help = "Exit codes: 0 every threshold holds; 1 one does not, or the generator could not keep its rate; 2 it could not be played.")]
pub struct Args {
    #[command(flatten)]
    chosen: Chosen,

    /// How the report is printed
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,

    /// Also write the report as JSON, to compare a later run with it
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Also write the report as one HTML file
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,

    /// An earlier report; says whether this run differs from it
    #[arg(long, value_name = "FILE")]
    compare: Option<PathBuf>,

    /// Threads that produce the load; as many as the rate needs if absent
    #[arg(long, value_name = "COUNT")]
    workers: Option<u64>,

    #[command(flatten)]
    record: RecordArgs,

    #[command(flatten)]
    limit: limit::LimitArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
}

pub async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let cancel = CancellationToken::new();
    let interrupted = cancel.clone();
    tokio::spawn(async move {
        if wait_for_signal().await.is_ok() {
            interrupted.cancel();
        }
    });
    let client = args.record.client()?;
    let mut setup = args.chosen.read()?;
    fill(&mut setup, client.as_ref()).await?;
    if args.limit.find_limit {
        return limit::run(&args.limit, &setup, args.format == Format::Json, client, cancel).await;
    }
    let earlier = args.compare.as_deref().map(read_report).transpose()?;
    let program = Arc::new(compile(&setup)?);
    let started_at = record::now();
    let report = play(program, args.workers, &cancel).await?;
    let finished_at = record::now();
    if let Some(path) = &args.output {
        std::fs::write(path, serde_json::to_vec_pretty(&report)?).with_context(|| format!("the report {} cannot be written", path.display()))?;
    }
    if let Some(path) = &args.html {
        std::fs::write(path, html::page(&report)).with_context(|| format!("the report {} cannot be written", path.display()))?;
    }
    match args.format {
        Format::Json => println!("{}", serde_json::to_string_pretty(&report)?),
        Format::Text => print!("{}", table::text(&report)),
    }
    if let Some(earlier) = &earlier {
        eprint!("{}", table::comparison(&load::compare(earlier, &report)));
    }
    let mut told = json!(report);
    told["report"] = json!("load");
    told["finished"] = json!(true);
    let recorded = RecordRun {
        kind: RunKind::Scenario,
        document: report.name.clone(),
        title: None,
        digest: setup.script.digest.clone(),
        parameters: setup.parameters(MODE_LOAD),
        started_at,
        finished_at,
        error: report.failure(),
        outputs: Default::default(),
        lines: table::text(&report).lines().map(str::to_owned).collect(),
        report: told,
        attachments: Vec::new(),
    };
    record::keep(client.as_ref(), recorded).await;
    Ok(exit_code(&report))
}

/// Plays once, with a live display where somebody watches.
async fn play(program: Arc<Program>, workers: Option<u64>, cancel: &CancellationToken) -> anyhow::Result<Report> {
    let options = LoadOptions { workers, ..LoadOptions::default() };
    let late_after = options.late_after;
    let display = Arc::new(display::Display::new());
    let outcome = load::run(program.clone(), options, display.clone(), cancel.clone()).await;
    display.finish();
    Ok(Report::new(&program, &outcome?, late_after))
}

fn exit_code(report: &Report) -> ExitCode {
    if report.failure().is_none() { ExitCode::SUCCESS } else { ExitCode::from(EXIT_PROBLEMS) }
}

fn read_report(path: &std::path::Path) -> anyhow::Result<Report> {
    let text = std::fs::read(path).with_context(|| format!("the report {} cannot be read", path.display()))?;
    serde_json::from_slice(&text).with_context(|| format!("{} is not a report of `mainstay load --output`", path.display()))
}
