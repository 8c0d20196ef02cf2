//! `command`: a program of the team's own that begins a fault, and one that undoes it.

use std::io;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use serde::{Deserialize, Serialize};
use tokio::io::AsyncReadExt;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::{Begin, Prepared};
use crate::faults::guard::Burn;
use crate::faults::undo::Undo;
use crate::faults::{Bounds, CommandFault, FaultError};

pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);
/// Of what a program that failed has said.
const LAST_WORDS_BYTES: u64 = 4096;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UndoCommand {
    program: Vec<String>,
    timeout_ms: u64,
}

pub fn prepare(written: &CommandFault, bounds: &Bounds) -> Result<Prepared, FaultError> {
    for (name, program) in [("begin", &written.begin), ("undo", &written.undo)] {
        let Some(first) = program.first() else {
            return Err(FaultError::Invalid { fault: "command", message: format!("`{name}` has no program") });
        };
        bounds.permit_command(first)?;
    }
    let timeout = written.timeout.unwrap_or(DEFAULT_TIMEOUT);
    let timeout_ms = u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX);
    Ok(Prepared {
        undo: Some(Undo::Command(UndoCommand { program: written.undo.clone(), timeout_ms })),
        begin: Begin::Burn(Burn::Command { program: written.begin.clone(), timeout_ms }),
    })
}

impl UndoCommand {
    pub fn takes(&self) -> Duration {
        Duration::from_millis(self.timeout_ms)
    }

    pub async fn lift(&self) -> Result<(), String> {
        run(&self.program, self.takes()).await
    }
}

/// Runs it to its end, in a process group of its own that does not outlive the timeout.
pub async fn run(program: &[String], limit: Duration) -> Result<(), String> {
    let [name, arguments @ ..] = program else { return Err("no program".to_owned()) };
    let mut command = Command::new(name);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).process_group(0).kill_on_drop(true);
    let mut child = command.spawn().map_err(|error| format!("{name} cannot be started: {error}"))?;
    let group = Group::of(&child);
    let ended = timeout(limit, end_of(&mut child)).await;
    drop(group);
    match ended {
        Err(_) => Err(format!("{name} has not ended within {}", kernel::format_duration(limit))),
        Ok(Err(error)) => Err(format!("{name}: {error}")),
        Ok(Ok((true, _))) => Ok(()),
        Ok(Ok((false, words))) => Err(format!("{name} failed: {}", words.trim())),
    }
}

/// Starts it and lets it run, in a process group of its own.
pub fn begin_detached(program: &[String]) -> io::Result<()> {
    let [name, arguments @ ..] = program else { return Err(io::Error::other("no program")) };
    let mut command = Command::new(name);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
    command.spawn().map(drop)
}

/// Whether it succeeded, and what it said last.
async fn end_of(child: &mut Child) -> io::Result<(bool, String)> {
    let mut words = Vec::new();
    if let Some(stderr) = child.stderr.take() {
        stderr.take(LAST_WORDS_BYTES).read_to_end(&mut words).await?;
    }
    let status = child.wait().await?;
    let words = if words.is_empty() { status.to_string() } else { String::from_utf8_lossy(&words).into_owned() };
    Ok((status.success(), words))
}

/// Ends what is left of a program's group.
struct Group(Option<Pid>);

impl Group {
    fn of(child: &Child) -> Self {
        Self(child.id().and_then(|id| Pid::from_raw(id.try_into().ok()?)))
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            // It may have ended by itself.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}
