//! `mainstay load SCENARIO --find-limit`

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use evolve::scale_points::search::Bounds;
use kernel::SystemClock;
use ledger::RunKind;
use prepare::runs::playable::MODE_LIMIT;
use prepare::scenarios::{Setup, TRACED_RATE};
use scenario::load::Observer;
use serde_json::json;
use telemetry::SqlSource;
use tokio_util::sync::CancellationToken;
use wire::runs::RecordRun;

use super::display::Display;
use crate::client::Client;
use crate::commands::EXIT_PROBLEMS;
use crate::players::limit::{Follower, ScalePoint, Search, told};
use crate::record;
use crate::remote_sql::RemoteSql;

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

pub async fn run(args: &LimitArgs, setup: &Setup, json: bool, client: Option<Client>, cancel: CancellationToken) -> anyhow::Result<ExitCode> {
    // Faults of the script are told with their mends before anything is played.
    crate::commands::scenario::compile(setup)?;
    let search = Search {
        setup,
        bounds: Bounds {
            start: args.start_rate.unwrap_or_else(|| Search::first_rate(setup)),
            max: args.max_rate,
            precision: args.precision / 100.0,
            ..Bounds::default()
        },
        trial: args.trial,
        traced_rate: if client.is_some() { TRACED_RATE } else { 0.0 },
        clock: Arc::new(SystemClock),
        cancel,
    };
    let started_at = record::now();
    let sql = client.clone().map(RemoteSql);
    let found = search.run(&Terminal, sql.as_ref().map(|sql| sql as &dyn SqlSource)).await?;
    match json {
        true => println!("{}", serde_json::to_string_pretty(&found)?),
        false => found.lines().iter().for_each(|line| println!("{line}")),
    }
    let recorded = RecordRun {
        kind: RunKind::Scenario,
        document: found.scenario.clone(),
        title: None,
        digest: setup.script.digest.clone(),
        parameters: setup.parameters(MODE_LIMIT),
        started_at,
        finished_at: record::now(),
        error: found.failure(),
        outputs: found.outputs(),
        lines: found.trials.iter().map(told).chain(found.lines()).collect(),
        report: json!(found),
        attachments: Vec::new(),
    };
    record::keep(client.as_ref(), recorded).await;
    Ok(if found.failure().is_none() { ExitCode::SUCCESS } else { ExitCode::from(EXIT_PROBLEMS) })
}

/// Shows each trial while it goes on, and tells what came of it.
struct Terminal;

#[async_trait]
impl Follower for Terminal {
    fn observer(&self) -> Arc<dyn Observer> {
        Arc::new(Display::new())
    }

    async fn tried(&self, so_far: &ScalePoint) {
        so_far.trials.last().into_iter().for_each(|trial| eprintln!("{}", told(trial)));
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    kernel::parse_duration(text).map_err(|error| error.to_string())
}
