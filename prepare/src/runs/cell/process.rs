//! A process of a cell, with the group that it leads.

use std::io;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use ledger::OutputKind;
use rustix::process::Pid;
use tokio::process::{Child, Command};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::runs::groups::{RunFolder, end_group};
use crate::runs::output::Output;

/// How long the output of a process that has ended may still take; longer only if something that left
/// the group holds it open.
const LAST_OUTPUT: Duration = Duration::from_millis(500);

#[derive(Debug)]
pub struct Process {
    child: Child,
    group: Pid,
    copies: JoinSet<()>,
    folder: Arc<RunFolder>,
}

impl Process {
    /// Starts it in a process group of its own, without input, its output copied to the run's.
    pub fn start(mut command: Command, step: u32, output: &Output, folder: Arc<RunFolder>) -> io::Result<Self> {
        let mut child = command.process_group(0).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let group = child
            .id()
            .and_then(|id| Pid::from_raw(id.try_into().ok()?))
            .ok_or_else(|| io::Error::other("the process ended before it could be looked after"))?;
        if let Err(error) = folder.record(group) {
            tracing::warn!(%error, "a process group could not be recorded; it would outlive a killed server");
        }
        let mut copies = JoinSet::new();
        if let Some(stdout) = child.stdout.take() {
            let output = output.clone();
            copies.spawn(async move { output.copy(step, OutputKind::Stdout, stdout).await });
        }
        if let Some(stderr) = child.stderr.take() {
            let output = output.clone();
            copies.spawn(async move { output.copy(step, OutputKind::Stderr, stderr).await });
        }
        Ok(Self { child, group, copies, folder })
    }

    /// Until its leader ends. May be dropped and called again.
    pub async fn wait(&mut self) -> io::Result<ExitStatus> {
        self.child.wait().await
    }

    /// `None` while its leader runs.
    pub fn try_wait(&mut self) -> io::Result<Option<ExitStatus>> {
        self.child.try_wait()
    }

    /// Ends whatever is left of the group, and takes the last of its output.
    pub async fn end(mut self, grace: Duration) {
        // The leader is waited for at the same time, so that it does not stay behind as a zombie.
        let (_, waited) = tokio::join!(end_group(self.group, grace), self.child.wait());
        if let Err(error) = waited {
            tracing::warn!(%error, "a process could not be waited for");
        }
        let last = async { while self.copies.join_next().await.is_some() {} };
        // What is still to come after this belongs to something that left the group on purpose.
        let _ = timeout(LAST_OUTPUT, last).await;
        self.folder.forget(self.group);
    }
}
