//! The processes of runs: a private folder for each run, and the record of its process groups.
//!
//! A server that is killed cannot end what it started. The next one on the same data folder does, but
//! only where it is certain that a process is of such a run: its group's leader began at the recorded
//! instant of this boot, or its environment names the run's folder.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use kernel::RunId;
use rustix::process::{Pid, Signal, getpgrp, getpid, kill_process_group, test_kill_process_group};
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep};

/// Of a group that has been asked to end, until it is made to.
const SWEEP_GRACE: Duration = Duration::from_secs(1);
const POLL: Duration = Duration::from_millis(10);
const OWNER_FILE: &str = "server.json";
const GROUP_PREFIX: &str = "group-";

/// The folder of one run, readable for the server's user alone.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
}

/// A process, told apart from a later one with the same number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Identity {
    pid: i32,
    /// In clock ticks since boot; `proc_pid_stat(5)`, field 22.
    started_ticks: u64,
    boot: String,
}

impl RunFolder {
    pub fn create(data: &Path, run: &RunId) -> io::Result<Self> {
        let path = std::path::absolute(data)?.join(run.as_str());
        if path.exists() {
            fs::remove_dir_all(&path)?;
        }
        DirBuilder::new().recursive(true).mode(0o700).create(&path)?;
        let folder = Self { path };
        if let Some(server) = Identity::of(getpid()) {
            folder.write(OWNER_FILE, &serde_json::to_vec(&server)?)?;
        }
        Ok(folder)
    }

    /// Writes a private file and returns its absolute path.
    pub fn write(&self, name: &str, content: &[u8]) -> io::Result<PathBuf> {
        let path = self.path.join(name);
        let mut file: File = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&path)?;
        file.write_all(content)?;
        Ok(path)
    }

    /// At most `limit` bytes of a file.
    pub fn read(&self, name: &str, limit: usize) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        File::open(self.path.join(name))?.take(limit as u64).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    pub fn record(&self, group: Pid) -> io::Result<()> {
        match Identity::of(group) {
            Some(leader) => self.write(&group_file(group), &serde_json::to_vec(&leader)?).map(drop),
            None => Ok(()),
        }
    }

    pub fn forget(&self, group: Pid) {
        // Never recorded where the system does not tell when a process began.
        let _ = fs::remove_file(self.path.join(group_file(group)));
    }

    pub fn remove(&self) {
        if let Err(error) = fs::remove_dir_all(&self.path) {
            tracing::warn!(folder = %self.path.display(), %error, "the folder of a run could not be removed");
        }
    }

    fn groups_to_end(&self) -> Vec<Pid> {
        let recorded = entries(&self.path).filter(|path| file_name(path).starts_with(GROUP_PREFIX));
        let led = recorded.filter_map(|path| Identity::read(&path)).filter(Identity::is_alive).filter_map(|leader| Pid::from_raw(leader.pid));
        let mark = format!("{}={}/", super::cell::OUTPUT_VARIABLE, self.path.display()).into_bytes();
        let marked = processes().filter(|process| has_variable(process.pid, &mark)).map(|process| process.group);
        let mut groups: Vec<Pid> = led.chain(marked).filter(|group| *group != getpgrp()).collect();
        groups.sort_by_key(|group| group.as_raw_nonzero());
        groups.dedup();
        groups
    }
}

/// Ends what a server that is gone left running in this data folder, and removes its files. Answers how
/// many groups there were.
pub async fn sweep(data: &Path) -> usize {
    let mut ended = 0;
    for path in entries(data) {
        let Ok(path) = std::path::absolute(path) else { continue };
        let owner = Identity::read(&path.join(OWNER_FILE));
        let other_server = owner.is_some_and(|owner| owner.pid != getpid().as_raw_nonzero().get() && owner.is_alive());
        if other_server {
            continue;
        }
        let folder = RunFolder { path };
        for group in folder.groups_to_end() {
            tracing::info!(group = group.as_raw_nonzero(), folder = %folder.path.display(), "ending what a stopped server left running");
            end_group(group, SWEEP_GRACE).await;
            ended += 1;
        }
        folder.remove();
    }
    ended
}

/// Asks all processes of the group to end, and makes them when the grace is over.
pub async fn end_group(group: Pid, grace: Duration) {
    if kill_process_group(group, Signal::TERM).is_err() {
        return;
    }
    let deadline = Instant::now() + grace;
    while group_lives(group) {
        if Instant::now() >= deadline {
            // It may have ended in this very moment.
            let _ = kill_process_group(group, Signal::KILL);
            return;
        }
        sleep(POLL).await;
    }
}

/// Whether a process of the group still runs; those that are only waiting to be reaped do not.
fn group_lives(group: Pid) -> bool {
    test_kill_process_group(group).is_ok()
        && (!Path::new("/proc/self/stat").exists() || processes().any(|process| process.group == group && !process.ended))
}

impl Identity {
    fn of(pid: Pid) -> Option<Self> {
        let process = Process::read(pid)?;
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
        Some(Self { pid: pid.as_raw_nonzero().get(), started_ticks: process.started_ticks, boot: boot.trim().to_owned() })
    }

    fn read(path: &Path) -> Option<Self> {
        serde_json::from_slice(&fs::read(path).ok()?).ok()
    }

    fn is_alive(&self) -> bool {
        Pid::from_raw(self.pid).and_then(Self::of).is_some_and(|now| now == *self)
    }
}

struct Process {
    pid: Pid,
    group: Pid,
    ended: bool,
    started_ticks: u64,
}

impl Process {
    fn read(pid: Pid) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).ok()?;
        // The second field, the name, may hold anything; the fields after its bracket start with the third.
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        Some(Self {
            pid,
            group: positive(fields.get(2)?)?,
            ended: matches!(*fields.first()?, "Z" | "X"),
            started_ticks: fields.get(19)?.parse().ok()?,
        })
    }
}

/// None where there is no `/proc`.
fn processes() -> impl Iterator<Item = Process> {
    entries(Path::new("/proc")).filter_map(|path| Process::read(positive(file_name(&path))?))
}

/// None also for the -1 that the system gives as the group of a process that is being reaped.
fn positive(number: &str) -> Option<Pid> {
    number.parse().ok().filter(|raw| *raw > 0).and_then(Pid::from_raw)
}

fn has_variable(pid: Pid, beginning: &[u8]) -> bool {
    fs::read(format!("/proc/{}/environ", pid.as_raw_nonzero()))
        .is_ok_and(|environment| environment.split(|byte| *byte == 0).any(|variable| variable.starts_with(beginning)))
}

fn group_file(group: Pid) -> String {
    format!("{GROUP_PREFIX}{}.json", group.as_raw_nonzero())
}

fn entries(folder: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path())
}

fn file_name(path: &Path) -> &str {
    path.file_name().and_then(|name| name.to_str()).unwrap_or_default()
}
