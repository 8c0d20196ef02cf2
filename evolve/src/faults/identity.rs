//! A process, told apart from a later one with the same number.

use std::fs;
use std::path::Path;

use rustix::fd::OwnedFd;
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, getpid, pidfd_open, pidfd_send_signal};
use serde::{Deserialize, Serialize};

/// The kernel keeps so many bytes of a command's name (`proc_pid_comm(5)`).
const SHORT_NAME_BYTES: usize = 15;

#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Identity {
    pub pid: i32,
    /// In clock ticks since boot (`proc_pid_stat(5)`, field 22).
    started_ticks: u64,
    boot: String,
}

/// What `/proc` tells of a process.
#[derive(Debug, Clone)]
pub(super) struct Process {
    pub pid: Pid,
    pub parent: i32,
    /// The exact name of its command.
    pub command: String,
    pub owner_uid: u32,
    /// As `R`, `S`, `T`.
    pub state: char,
    started_ticks: u64,
}

impl Identity {
    pub fn own() -> Option<Self> {
        Self::of(&Process::read(getpid())?)
    }

    pub fn of(process: &Process) -> Option<Self> {
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
        Some(Self { pid: process.pid.as_raw_nonzero().get(), started_ticks: process.started_ticks, boot: boot.trim().to_owned() })
    }

    pub fn is_alive(&self) -> bool {
        self.process().is_some()
    }

    /// The process, if it is still the same and has not ended.
    pub fn process(&self) -> Option<Process> {
        let process = Process::read(pid(self.pid)?)?;
        (process.state != 'Z' && Self::of(&process)? == *self).then_some(process)
    }

    /// Sends a signal, unless the process is gone. The descriptor makes sure that it is this very process.
    pub fn signal(&self, signal: Signal) -> Result<(), Errno> {
        let Some(pid) = pid(self.pid) else { return Ok(()) };
        let descriptor: OwnedFd = match pidfd_open(pid, PidfdFlags::empty()) {
            Ok(descriptor) => descriptor,
            Err(Errno::SRCH) => return Ok(()),
            Err(error) => return Err(error),
        };
        if !self.is_alive() {
            return Ok(());
        }
        match pidfd_send_signal(&descriptor, signal) {
            Err(Errno::SRCH) => Ok(()),
            result => result,
        }
    }
}

impl Process {
    pub fn read(pid: Pid) -> Option<Self> {
        let folder = format!("/proc/{}", pid.as_raw_nonzero());
        let stat = fs::read_to_string(format!("{folder}/stat")).ok()?;
        // The name may hold anything, brackets and spaces too; the fields after it begin with the third.
        let (before, after) = stat.rsplit_once(')')?;
        let short = before.split_once('(')?.1;
        let fields: Vec<&str> = after.split_whitespace().collect();
        let status = fs::read_to_string(format!("{folder}/status")).ok()?;
        let uids = status.lines().find_map(|line| line.strip_prefix("Uid:"))?;
        Some(Self {
            pid,
            parent: fields.get(1)?.parse().ok()?,
            command: full_name(&folder, short),
            owner_uid: uids.split_whitespace().next()?.parse().ok()?,
            state: fields.first()?.chars().next()?,
            started_ticks: fields.get(19)?.parse().ok()?,
        })
    }

    /// All that run.
    pub fn all() -> impl Iterator<Item = Self> {
        let numbers = fs::read_dir("/proc").into_iter().flatten().flatten();
        let pids = numbers.filter_map(|entry| pid(entry.file_name().to_str()?.parse().ok()?));
        pids.filter_map(Self::read).filter(|process| process.state != 'Z')
    }
}

/// This process and all that it descends from.
pub(super) fn ourselves() -> Vec<i32> {
    let mut line = Vec::new();
    let mut next = Some(getpid());
    while let Some(process) = next.and_then(Process::read) {
        line.push(process.pid.as_raw_nonzero().get());
        next = pid(process.parent).filter(|parent| !line.contains(&parent.as_raw_nonzero().get()));
    }
    line
}

/// None for what is not the number of one process: negative ones are groups.
pub(super) fn pid(raw: i32) -> Option<Pid> {
    (raw > 0).then(|| Pid::from_raw(raw)).flatten()
}

/// The number of a user, by name or number.
pub(super) fn user(name: &str) -> Option<u32> {
    let number = || {
        let users = fs::read_to_string("/etc/passwd").ok()?;
        users.lines().find_map(|line| {
            let mut fields = line.split(':');
            (fields.next()? == name).then(|| fields.nth(1)?.parse().ok())?
        })
    };
    name.parse().ok().or_else(number)
}

/// A name that was cut is completed from the command line, where that begins with it.
fn full_name(folder: &str, short: &str) -> String {
    if short.len() < SHORT_NAME_BYTES {
        return short.to_owned();
    }
    let line = fs::read(format!("{folder}/cmdline")).unwrap_or_default();
    let program = line.split(|byte| *byte == 0).next().unwrap_or_default();
    let name = Path::new(std::str::from_utf8(program).unwrap_or_default()).file_name().and_then(|name| name.to_str());
    name.filter(|name| name.starts_with(short)).unwrap_or(short).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_known_and_another_time_is_another_process() {
        let own = Identity::own().unwrap();
        assert!(own.is_alive());
        let earlier = Identity { started_ticks: own.started_ticks - 1, ..own.clone() };
        assert!(!earlier.is_alive());
        // A signal to it would reach this process: it is not sent.
        earlier.signal(Signal::KILL).unwrap();
    }

    #[test]
    fn our_line_begins_with_us_and_ends_at_the_first_process() {
        let line = ourselves();
        assert_eq!(line[0], getpid().as_raw_nonzero().get());
        assert!(line.len() > 1);
    }

    #[test]
    fn users_by_name_and_number() {
        assert_eq!((user("root"), user("0"), user("no such user")), (Some(0), Some(0), None));
    }
}
