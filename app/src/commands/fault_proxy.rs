//! `mainstay fault-proxy`

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use evolve::faults::proxy::{DEFAULT_PORT, Proxies, Wanted, router};
use tokio::net::TcpListener;

use super::serve::wait_for_signal;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Where Toxiproxy's HTTP API answers; it has no log-in, so loopback only
    #[arg(long, value_name = "ADDR", default_value_t = SocketAddr::from(([127, 0, 0, 1], DEFAULT_PORT)))]
    listen: SocketAddr,

    /// The proxies to begin with: a list of {name, listen, upstream}, in JSON
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

pub async fn run(args: Args) -> anyhow::Result<ExitCode> {
    if !args.listen.ip().is_loopback() {
        bail!("--listen {} is not this machine alone, and whoever reaches the API may cut connections; choose a loopback address", args.listen);
    }
    let proxies = Proxies::new();
    if let Some(path) = &args.config {
        populate(&proxies, path).await?;
    }
    let listener = TcpListener::bind(args.listen).await.with_context(|| format!("--listen {} cannot be listened on", args.listen))?;
    eprintln!("fault proxies: http://{}/proxies", listener.local_addr()?);
    for (name, proxy) in proxies.list().await {
        eprintln!("  {name}: {} → {}", proxy.listen, proxy.upstream);
    }
    let stopped = async {
        if let Err(error) = wait_for_signal().await {
            tracing::error!(%error, "signals cannot be waited for");
        }
    };
    axum::serve(listener, router(proxies)).with_graceful_shutdown(stopped).await?;
    Ok(ExitCode::SUCCESS)
}

async fn populate(proxies: &Proxies, path: &Path) -> anyhow::Result<()> {
    let text = std::fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let wanted: Vec<Wanted> = serde_json::from_slice(&text).with_context(|| format!("{} is not a list of proxies", path.display()))?;
    match proxies.populate(wanted).await {
        (_, None) => Ok(()),
        (_, Some(error)) => Err(error).with_context(|| path.display().to_string()),
    }
}
