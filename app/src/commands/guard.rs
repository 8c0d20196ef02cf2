//! `mainstay guard`, which people do not call.

use std::process::ExitCode;

pub async fn run() -> anyhow::Result<ExitCode> {
    evolve::faults::guard::run().await?;
    Ok(ExitCode::SUCCESS)
}
