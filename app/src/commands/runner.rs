//! `mainstay runner`

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::bail;
use tokio_util::sync::CancellationToken;

use super::serve::wait_for_signal;
use crate::client::Client;
use crate::observe;
use crate::runner::Runner;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The server that gives the work, e.g. http://127.0.0.1:4316
    #[arg(long, env = "MAINSTAY_SERVER", value_name = "URL")]
    server: String,

    /// The access token of that server, if it asks for one
    #[arg(long, env = "MAINSTAY_TOKEN", value_name = "TOKEN", hide_env_values = true)]
    token: Option<String>,

    /// Where it stands: canaries whose `locations` name it are looked at from here
    #[arg(long, env = "MAINSTAY_LOCATION", value_name = "NAME")]
    location: String,

    /// A checkout of the server's documents
    #[arg(long, env = "MAINSTAY_OPS", value_name = "DIR", default_value = "ops")]
    ops: PathBuf,
}

pub async fn run(args: Args) -> anyhow::Result<ExitCode> {
    observe::terminal_at("info");
    if args.location == documents::canary::SERVER {
        bail!("the location {:?} is the server's own; give this runner another, e.g. berlin", args.location);
    }
    if !args.ops.is_dir() {
        bail!("{} is no folder of documents; give the checkout by --ops DIR", args.ops.display());
    }
    let client = Client::new(&args.server, args.token.as_deref(), None)?;
    let stop = CancellationToken::new();
    let stopped = stop.clone();
    tokio::spawn(async move {
        if wait_for_signal().await.is_ok() {
            stopped.cancel();
        }
    });
    Runner::new(client, args.location, args.ops).run(stop).await?;
    Ok(ExitCode::SUCCESS)
}
