//! Mainstay beside its peers: the same data, in the same run, reported as figures and ratios.
//!
//! Rates are per second of the server's own processor time, so that the sender's share and the
//! machine's other work do not count.

mod documents;
mod flags;
mod generate;
mod ingest;
mod judge;
mod load;
mod nginx;
mod peer;
mod process;
mod promql;
mod proxy;
mod rates;
mod remote_write;
mod report;
mod scenarios;
mod start;
mod wrk;

use std::path::PathBuf;

use report::Report;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only these parts: start, ingest, promql, documents, scenarios, rates, judge, flags, proxy
    #[arg(value_name = "PART")]
    parts: Vec<String>,

    /// Series of the metric load; the figures in the decisions are for 10,000
    #[arg(long, default_value_t = 10_000)]
    series: usize,

    /// Where the figures go as JSON
    #[arg(long, default_value = "target/bench.json")]
    json: PathBuf,
}

pub async fn run(args: Args) -> anyhow::Result<()> {
    let wanted = |part: &str| args.parts.is_empty() || args.parts.iter().any(|given| given == part);
    let mut report = Report::default();
    if wanted("start") {
        start::run(&mut report).await?;
    }
    if wanted("documents") {
        documents::run(&mut report)?;
    }
    if wanted("judge") {
        judge::run(&mut report);
    }
    if wanted("flags") {
        flags::run(&mut report).await?;
    }
    if wanted("proxy") {
        proxy::run(&mut report).await?;
    }
    if wanted("scenarios") {
        scenarios::run(&mut report).await?;
    }
    if wanted("rates") {
        rates::run(&mut report).await?;
    }
    if wanted("ingest") || wanted("promql") {
        let load = load::Metrics::new(args.series);
        let mut servers = peer::Pair::start().await?;
        ingest::metrics(&mut servers, &load, &mut report).await?;
        if wanted("promql") {
            promql::run(&servers, &load, &mut report).await?;
        }
        if wanted("ingest") {
            ingest::logs_and_spans(&mut report).await?;
        }
    }
    print!("{}", report.markdown());
    report.write(&args.json)
}
