//! `mainstay postmortem INCIDENT`

use std::process::ExitCode;

use kernel::IncidentId;
use ledger::Postmortem;

use crate::cli::ServerArgs;
use crate::session::Session;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// e.g. INC-12
    incident: IncidentId,

    #[command(flatten)]
    server: ServerArgs,
}

pub async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let session = Session::open(&args.server).await?;
    let postmortem: Postmortem = session.client.post(&format!("api/incidents/{}/postmortem", args.incident), &()).await?;
    println!("{}", postmortem.path);
    session.close().await;
    Ok(ExitCode::SUCCESS)
}
