//! `mainstay query 'SQL'`

use std::process::ExitCode;

use wire::explore::SqlQuery;

use crate::cli::{Format, ServerArgs};
use crate::print::{self, Answer};
use crate::session::Session;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// One read-only statement, e.g. "SELECT service, count(*) FROM spans GROUP BY service"; `SHOW TABLES` lists what there is
    sql: String,

    /// At most this many rows
    #[arg(long, default_value_t = 1000)]
    limit: u32,

    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,

    #[command(flatten)]
    server: ServerArgs,
}

pub async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let session = Session::open(&args.server).await?;
    let query = SqlQuery { sql: args.sql, limit: Some(args.limit) };
    let answer: Answer = session.client.post("api/query", &query).await?;
    print::table(&answer, args.format)?;
    if answer.truncated {
        eprintln!("more rows than {} were left out; raise --limit", args.limit);
    }
    session.close().await;
    Ok(ExitCode::SUCCESS)
}
