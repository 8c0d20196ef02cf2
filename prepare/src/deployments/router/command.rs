//! Any program that sets a weight, e.g. one that writes HAProxy's or nginx's configuration and has it read again.

use std::path::PathBuf;
use std::process::Stdio;

use async_trait::async_trait;
use documents::deployment::CommandRouter as Described;
use kernel::format_duration;
use tokio::process::Command;

use super::{Router, RouterError, Shares};

pub struct CommandRouter {
    described: Described,
    root: PathBuf,
}

/// Of what a failing program said.
const SAID_MAX: usize = 2_000;

impl CommandRouter {
    pub fn new(described: Described, root: PathBuf) -> Self {
        Self { described, root }
    }
}

#[async_trait]
impl Router for CommandRouter {
    async fn set(&self, shares: &Shares) -> Result<(), RouterError> {
        let (name, arguments) = self.described.set.split_first().map_or(("", &[][..]), |(name, rest)| (name.as_str(), rest));
        let program = || name.to_owned();
        let started = Command::new(name)
            .args(arguments)
            .current_dir(&self.root)
            .env("MAINSTAY_WEIGHT", shares.weight.as_percent().to_string())
            .env("MAINSTAY_VERSION", &shares.new)
            .env("MAINSTAY_OLD_VERSION", shares.old.as_deref().unwrap_or_default())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| RouterError::NotStarted { program: program(), reason: error.to_string() })?;
        let limit = self.described.timeout;
        let ended = tokio::time::timeout(limit, started.wait_with_output()).await.map_err(|_| RouterError::TimedOut { program: program(), limit: format_duration(limit) })?;
        let output = ended.map_err(|error| RouterError::NotStarted { program: program(), reason: error.to_string() })?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(if output.stderr.is_empty() { &output.stdout } else { &output.stderr });
        let said: String = said.trim().chars().take(SAID_MAX).collect();
        Err(RouterError::Failed { program: program(), status: output.status.to_string(), said: if said.is_empty() { said } else { format!(": {said}") } })
    }
}
