//! `stop`, `pause`, `kill`: a signal to a process that the document lists.

use std::time::Duration;

use rustix::process::Signal;
use serde::{Deserialize, Serialize};

use super::command::{DEFAULT_TIMEOUT, begin_detached};
use super::{Begin, Prepared};
use crate::faults::identity::{Identity, Process, ourselves, pid, user};
use crate::faults::undo::Undo;
use crate::faults::{Bounds, FaultError, ProcessFault, ProcessTarget};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    Stop,
    Pause,
    Kill,
}

#[derive(Debug)]
pub struct SendSignal {
    fault: &'static str,
    how: How,
    targets: Vec<Identity>,
}

/// Lets frozen processes go on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Resume {
    targets: Vec<Identity>,
}

/// Starts a process again, unless one of that command and owner runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Restart {
    program: Vec<String>,
    command: String,
    owner_uid: u32,
    /// Those that the fault ends, and that may take a moment to do so.
    ended: Vec<Identity>,
}

pub fn prepare(fault: &'static str, how: How, written: &ProcessFault, bounds: &Bounds) -> Result<Prepared, FaultError> {
    let found = find(fault, &written.process)?;
    for process in &found {
        check(fault, process, bounds)?;
    }
    let targets: Vec<Identity> = found.iter().filter_map(Identity::of).collect();
    let undo = match (how, written.restart.first(), found.first()) {
        (How::Pause, _, _) => Some(Undo::Resume(Resume { targets: targets.clone() })),
        (How::Stop | How::Kill, Some(program), Some(process)) => {
            bounds.permit_command(program)?;
            let program = written.restart.clone();
            let (command, owner_uid) = (process.command.clone(), process.owner_uid);
            Some(Undo::Restart(Restart { program, command, owner_uid, ended: targets.clone() }))
        }
        _ => None,
    };
    Ok(Prepared { undo, begin: Begin::Signal(SendSignal { fault, how, targets }) })
}

impl SendSignal {
    pub fn begin(&self) -> Result<(), FaultError> {
        let signal = match self.how {
            How::Stop => Signal::TERM,
            How::Pause => Signal::STOP,
            How::Kill => Signal::KILL,
        };
        for target in &self.targets {
            target.signal(signal).map_err(|error| FaultError::NotPermitted {
                fault: self.fault,
                message: format!("process {} cannot be signalled: {error}", target.pid),
            })?;
        }
        Ok(())
    }
}

impl Resume {
    pub async fn lift(&self) -> Result<(), String> {
        let failed = self.targets.iter().filter_map(|target| target.signal(Signal::CONT).err().map(|error| (target.pid, error)));
        let failed: Vec<String> = failed.map(|(pid, error)| format!("process {pid} cannot be resumed: {error}")).collect();
        if failed.is_empty() { Ok(()) } else { Err(failed.join("; ")) }
    }
}

impl Restart {
    pub async fn lift(&self) -> Result<(), String> {
        let wait = async {
            while self.ended.iter().any(Identity::is_alive) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        if tokio::time::timeout(DEFAULT_TIMEOUT, wait).await.is_err() {
            return Err(format!("{} has not ended yet", self.command));
        }
        let runs = |process: Process| process.command == self.command && process.owner_uid == self.owner_uid;
        if Process::all().any(runs) {
            return Ok(());
        }
        begin_detached(&self.program).map_err(|error| format!("{} cannot be started: {error}", self.program.join(" ")))
    }
}

fn find(fault: &'static str, target: &ProcessTarget) -> Result<Vec<Process>, FaultError> {
    let not_found = |message: String| FaultError::NotFound { fault, message };
    let by_number = |number: i32| match pid(number).filter(|_| number > 1).and_then(Process::read) {
        Some(process) => Ok(vec![process]),
        None if number <= 1 => Err(FaultError::Invalid { fault, message: format!("{number} is not the number of a process that may be touched") }),
        None => Err(not_found(format!("there is no process {number}"))),
    };
    match target {
        ProcessTarget::Pid { pid } => by_number(*pid),
        ProcessTarget::PidFile { pid_file } => {
            let text = std::fs::read_to_string(pid_file).map_err(|source| FaultError::File { path: pid_file.clone(), source })?;
            let number = text.trim().parse().map_err(|_| FaultError::Invalid {
                fault,
                message: format!("{} does not hold the number of a process", pid_file.display()),
            })?;
            by_number(number)
        }
        ProcessTarget::Command { command, owner } => {
            let uid = user(owner).ok_or_else(|| not_found(format!("there is no user {owner:?}")))?;
            let found: Vec<Process> = Process::all().filter(|process| process.command == *command && process.owner_uid == uid).collect();
            if found.is_empty() { Err(not_found(format!("no process {command:?} of {owner} runs"))) } else { Ok(found) }
        }
    }
}

fn check(fault: &'static str, process: &Process, bounds: &Bounds) -> Result<(), FaultError> {
    let number = process.pid.as_raw_nonzero().get();
    if number <= 1 || ourselves().contains(&number) {
        return Err(FaultError::Invalid { fault, message: format!("process {number} runs this fault, and is not touched") });
    }
    bounds.permit_process(&process.command)
}
