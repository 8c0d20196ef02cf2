//! Faults from outside: real processes, the guard as a program of its own.

mod begin;
mod deaths;
mod written;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::identity::Process;
use super::{Active, Bounds, FaultError, FaultSpec, Injector, Settings};

/// Faults lift within this.
const SOON: Duration = Duration::from_secs(5);

/// The example program, which `cargo test` builds beside this one.
fn program() -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    let program = tests.parent().unwrap().parent().unwrap().join("examples/faults");
    assert!(program.exists(), "{} is missing: build it with `cargo build -p mainstay-evolve --examples`", program.display());
    program
}

fn spec(written: Value) -> FaultSpec {
    serde_json::from_value(written).unwrap()
}

fn bounds(written: Value) -> Bounds {
    serde_json::from_value(written).unwrap()
}

/// An injector with a data folder of its own.
struct Place {
    folder: TempDir,
    injector: Injector,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let settings = Settings { data: folder.path().to_owned(), guard: vec![program().into(), "guard".into(), folder.path().into()] };
        Self { folder, injector: Injector::new(settings) }
    }

    async fn begin(&self, written: Value, allowed: Value) -> Result<Active, FaultError> {
        self.injector.begin(&spec(written), &bounds(allowed)).await
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The undos on disk.
    fn records(&self) -> usize {
        records(self.folder.path())
    }

    fn guard(&self) -> Option<Process> {
        guard_of(std::process::id() as i32, self.folder.path())
    }
}

fn records(data: &Path) -> usize {
    std::fs::read_dir(data.join("faults")).map_or(0, Iterator::count)
}

/// A process to touch, whose command has a name that no other has.
struct Nap {
    name: String,
    child: Child,
}

impl Nap {
    fn new(folder: &Path, name: &str) -> Self {
        let name = format!("{name}-{}", std::process::id());
        let path = folder.join(&name);
        std::fs::copy("/bin/sleep", &path).unwrap();
        // Another test that forks meanwhile may hold the copy open for a moment.
        let start = Instant::now();
        let child = loop {
            match Command::new(&path).arg("60").spawn() {
                Err(error) if error.kind() == std::io::ErrorKind::ExecutableFileBusy && start.elapsed() < SOON => {}
                other => break other.unwrap(),
            }
        };
        Self { name, child }
    }

    fn pid(&self) -> i32 {
        self.child.id() as i32
    }

    fn state(&self) -> char {
        process(self.pid()).map_or('-', |process| process.state)
    }
}

impl Drop for Nap {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn process(pid: i32) -> Option<Process> {
    Process::read(super::identity::pid(pid)?)
}

fn kill(pid: i32, signal: Signal) {
    kill_process(Pid::from_raw(pid).unwrap(), signal).unwrap();
}

fn children(parent: i32) -> Vec<Process> {
    Process::all().filter(|process| process.parent == parent).collect()
}

/// The guard that a server has started for this data folder: its last argument tells it from those of other
/// tests.
fn guard_of(server: i32, data: &Path) -> Option<Process> {
    let arguments = |process: &Process| std::fs::read(format!("/proc/{}/cmdline", process.pid.as_raw_nonzero())).unwrap_or_default();
    let its = format!("\0guard\0{}\0", data.display());
    children(server).into_iter().find(|process| arguments(process).ends_with(its.as_bytes()))
}

/// Waits for a condition, and answers how long that took.
async fn soon(what: &str, condition: impl Fn() -> bool) -> Duration {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < SOON, "{what} has not come within {SOON:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    start.elapsed()
}
