//! `mainstay proxy`

use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::json;

use super::serve::{wait_for_signal, write_ready_file};
use crate::observe;
use crate::proxies::{Collector, Running};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// What it listens on and whom it asks, in JSON; docs/proxy.md describes it
    #[arg(long, value_name = "FILE")]
    config: PathBuf,

    /// Where it tells what went through it: a server's address for OTLP over HTTP
    #[arg(long, env = "OTEL_EXPORTER_OTLP_ENDPOINT", value_name = "URL")]
    otlp: Option<String>,

    /// The access token of that server, if it asks for one
    #[arg(long, env = "MAINSTAY_TOKEN", value_name = "TOKEN", hide_env_values = true)]
    token: Option<String>,

    /// Receives the addresses as JSON once it accepts connections
    #[arg(long, env = "MAINSTAY_READY_FILE", value_name = "FILE")]
    ready_file: Option<PathBuf>,
}

pub async fn run(args: Args) -> anyhow::Result<ExitCode> {
    observe::terminal_at("info");
    let collector = args.otlp.map(|endpoint| Collector { endpoint, token: args.token });
    let running = Running::start(&args.config, None, collector)?;
    let (address, control) = (running.proxy().address(), running.proxy().control_address());
    if let Some(path) = &args.ready_file {
        write_ready_file(path, &json!({ "listen": address, "control": control }))?;
    }
    tracing::info!(%address, control = control.map(tracing::field::display), "the proxy is ready");
    wait_for_signal().await?;
    tracing::info!("draining");
    running.stop().await;
    Ok(ExitCode::SUCCESS)
}
