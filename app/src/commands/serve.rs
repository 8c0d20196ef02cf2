//! `mainstay serve`

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use serde::Serialize;
use tokio::signal::unix::{SignalKind, signal};

use crate::wiring::Server;
use crate::settings::{ServeArgs, Settings};

pub async fn run(args: ServeArgs) -> anyhow::Result<ExitCode> {
    let settings = Settings::resolve(args)?;
    let ready_file = settings.ready_file.clone();
    let server = Server::start(settings).await?;
    if let Some(path) = ready_file {
        write_ready_file(&path, &server.addresses)?;
    }
    tracing::info!(page = server.addresses.http_url(), otlp_grpc = %server.addresses.otlp_grpc, otlp_http = %server.addresses.otlp_http, "ready");
    wait_for_signal().await?;
    tracing::info!("draining");
    server.stop().await;
    Ok(ExitCode::SUCCESS)
}

pub async fn wait_for_signal() -> std::io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted,
        _ = terminate.recv() => Ok(()),
    }
}

/// Tells whoever waits for it where the server answers.
pub fn write_ready_file(path: &Path, addresses: &impl Serialize) -> anyhow::Result<()> {
    write_atomically(path, &serde_json::to_vec(addresses)?).with_context(|| format!("the ready file {} cannot be written", path.display()))
}

/// A reader sees the old file or the new one, never a part.
fn write_atomically(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(".".as_ref());
    let file = tempfile::NamedTempFile::new_in(folder)?;
    std::fs::write(file.path(), bytes)?;
    file.persist(path)?;
    Ok(())
}
