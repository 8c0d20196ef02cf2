//! `mainstay demo`: the whole loop once, on a real workload.
//!
//! The server is embedded, the shop's services are processes of their own, and the story acts and
//! looks only through the public API. What it tells comes from the ledger and the lake.

mod narrator;
mod shop;
mod story;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use rust_embed::RustEmbed;

use self::narrator::Narrator;
use self::shop::Shop;
use self::story::Story;
use super::EXIT_PROBLEMS;
use super::serve::{wait_for_signal, write_ready_file};
use crate::client::Client;
use crate::settings::Settings;
use crate::wiring::Server;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Wait no longer than the story needs; for tests
    #[arg(long)]
    fast: bool,

    /// End with the story instead of staying up until Ctrl-C
    #[arg(long)]
    no_wait: bool,

    /// The API and the page; a free port if absent
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0", hide_default_value = true)]
    listen: SocketAddr,

    /// OTLP over gRPC; a free port if absent
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0", hide_default_value = true)]
    otlp_grpc: SocketAddr,

    /// OTLP over HTTP; a free port if absent
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0", hide_default_value = true)]
    otlp_http: SocketAddr,

    /// Receives the addresses as JSON once everything answers
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,
}

/// The reference documents that users copy from.
#[derive(RustEmbed)]
#[folder = "../examples/shop/ops"]
struct Documents;

/// The person at this terminal, in the shop's catalogue.
const ACTOR: &str = "user:default/alex";

pub async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let narrator = Narrator::new();
    let folder = tempfile::Builder::new().prefix("mainstay-demo-").tempdir().context("a temporary folder cannot be made")?;
    let repository = folder.path().join("shop");
    write_documents(&repository.join("ops"))?;

    let step = narrator.step("starting the server");
    let shop = Shop::reserve().await?;
    let proxy = folder.path().join("orders-proxy.json");
    std::fs::write(&proxy, shop.proxy().to_string()).with_context(|| format!("{} cannot be written", proxy.display()))?;
    let server = Server::start(settings(&args, folder.path(), &repository, &shop, proxy)).await?;
    if let Some(path) = &args.ready_file {
        write_ready_file(path, &server.addresses)?;
    }
    let page = server.addresses.http_url();
    step.done(&format!("Mainstay is up: {page}"));
    narrator.note(&format!("the workload's repository: {}", repository.display()));

    let step = narrator.step("starting the shop: web, orders and worker");
    let shop = shop.start(&page, &format!("http://{}", server.addresses.otlp_grpc), &repository).await?;
    step.done("the shop is open, and people come: web → orders → queue → worker");

    let client = Client::new(&page, None, Some(ACTOR))?;
    let story = Story::new(&client, &narrator, &shop, args.fast);
    let outcome = tokio::select! {
        told = story.tell() => told.map(|()| true),
        signal = wait_for_signal() => signal.map(|()| false).map_err(Into::into),
    };
    match &outcome {
        Ok(true) if !args.no_wait => {
            narrator.note(&format!("look around at {page}; Ctrl-C ends the demo and removes its files"));
            wait_for_signal().await?;
        }
        Ok(_) => {}
        Err(error) => narrator.failure(&format!("{error:#}")),
    }
    shop.stop().await;
    server.stop().await;
    Ok(if outcome.is_ok() { ExitCode::SUCCESS } else { ExitCode::from(EXIT_PROBLEMS) })
}

fn settings(args: &Args, folder: &Path, repository: &Path, shop: &Shop<shop::Reserved>, proxy: PathBuf) -> Settings {
    Settings {
        listen: args.listen,
        otlp_grpc: args.otlp_grpc,
        otlp_http: args.otlp_http,
        repository: repository.to_owned(),
        // The remediation reaches the services as a user's would: by what its environment says.
        run_environment: shop.environment(),
        proxies: vec![proxy],
        observe_itself: Some("error"),
        ..Settings::embedded(&repository.join("ops"), &folder.join("data"))
    }
}

fn write_documents(ops: &Path) -> anyhow::Result<()> {
    for name in Documents::iter() {
        let path = ops.join(name.as_ref());
        let file = Documents::get(&name).context("a listed file is there")?;
        std::fs::create_dir_all(path.parent().unwrap_or(ops))
            .and_then(|()| std::fs::write(&path, &file.data))
            .with_context(|| format!("{} cannot be written", path.display()))?;
    }
    Ok(())
}
