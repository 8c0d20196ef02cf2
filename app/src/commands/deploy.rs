//! `mainstay deploy COMPONENT --version V`: a deployment, started and followed.

use std::process::ExitCode;

use anyhow::bail;
use prepare::deployments::{FROM, TO, VERSION};
use wire::deployments::DeploymentSummary;

use super::run;
use crate::cli::ServerArgs;
use crate::session::Session;

#[derive(Debug, clap::Args)]
#[command(disable_version_flag = true, after_help = "Exit codes: 0 it has arrived; 1 it was rolled back, cancelled or refused; 2 it could not be started.")]
pub struct Args {
    /// The component, or the name of the deployment's document
    component: String,

    /// What goes out
    #[arg(long, value_name = "VERSION")]
    version: String,

    /// The last environment; all of them if absent
    #[arg(long, value_name = "ENVIRONMENT")]
    to: Option<String>,

    /// What has the traffic now, if no earlier deployment tells
    #[arg(long, value_name = "VERSION")]
    from: Option<String>,

    /// Start it and leave
    #[arg(long)]
    detach: bool,

    #[command(flatten)]
    server: ServerArgs,
}

pub async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let session = Session::open(&args.server).await?;
    let all: Vec<DeploymentSummary> = session.client.get("api/deployments", &[]).await?;
    let named = |one: &&DeploymentSummary| one.name == args.component || one.component.name() == args.component || one.component.to_string() == args.component;
    let document = match all.iter().filter(named).collect::<Vec<_>>()[..] {
        [one] => one.name.clone(),
        [] => bail!("no document describes a deployment of {}; there are {}", args.component, names(&all)),
        _ => bail!("several documents describe a deployment of {}; name one: {}", args.component, names(&all)),
    };
    let given = [(VERSION, Some(args.version)), (FROM, args.from), (TO, args.to)];
    let parameters = given.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect();
    let code = run::request_and_follow(&session, document, parameters, args.detach).await?;
    session.close().await;
    Ok(code)
}

fn names(all: &[DeploymentSummary]) -> String {
    if all.is_empty() { "none".to_owned() } else { all.iter().map(|one| one.name.as_str()).collect::<Vec<_>>().join(", ") }
}
