//! The server, the guard, or both are killed: the faults lift all the same, and nothing is left.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::process::ChildStdin;

use rustix::process::kill_process_group;

use super::super::{Ended, repair};
use super::*;

/// A server in a process group of its own, with faults of several kinds under way.
struct Server {
    child: Child,
    /// Its end is the server's.
    _input: ChildStdin,
    nap: Nap,
    guard: i32,
    burners: Vec<i32>,
    folder: TempDir,
}

impl Server {
    async fn start(name: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let nap = Nap::new(folder.path(), name);
        let mark = folder.path().join("mark");
        let allowed = json!({"processes": [nap.name], "hosts": ["localhost"], "folders": [folder.path()], "commands": ["touch", "rm"]});
        let faults = [
            json!({"fault": "pause", "process": {"pid": nap.pid()}}),
            json!({"fault": "command", "begin": ["touch", mark], "undo": ["rm", "-f", mark]}),
            json!({"fault": "cpu", "workers": 1, "loadPercent": 5}),
            json!({"fault": "memory", "bytes": 10_000_000}),
            json!({"fault": "disk", "folder": folder.path(), "bytes": 1_000_000, "keepFreeBytes": 1}),
        ];
        let mut command = Command::new(program());
        let mut child = command.arg("begin").arg(folder.path()).process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut input = child.stdin.take().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
        for fault in faults {
            writeln!(input, "{}", json!({"spec": fault, "bounds": allowed})).unwrap();
            let said = output.next().unwrap().unwrap();
            assert_eq!(said, format!("begun {}", fault["fault"].as_str().unwrap()));
        }
        let guard = guard_of(child.id() as i32, folder.path()).expect("a guard").pid.as_raw_nonzero().get();
        let burners = children(guard).iter().map(|process| process.pid.as_raw_nonzero().get()).collect();
        let server = Self { child, _input: input, nap, guard, burners, folder };
        soon("the pause", || server.nap.state() == 'T').await;
        assert!(server.folder.path().join("mark").exists());
        assert!(server.burners.iter().filter(|burner| gone(**burner)).count() == 0 && server.burners.len() >= 3);
        assert_eq!(records(server.folder.path()), 2);
        server
    }

    fn pid(&self) -> i32 {
        self.child.id() as i32
    }

    async fn burners_end(&self) -> Duration {
        soon("the end of what burns", || self.burners.iter().all(|burner| gone(*burner))).await
    }

    /// How long it took until nothing was left.
    async fn everything_lifts(&self) -> Duration {
        let start = Instant::now();
        soon("the end of the pause", || self.nap.state() == 'S').await;
        soon("the command's undo", || !self.folder.path().join("mark").exists()).await;
        self.burners_end().await;
        soon("the end of the records", || records(self.folder.path()) == 0).await;
        start.elapsed()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn the_server_is_killed() {
    let server = Server::start("server").await;
    kill(server.pid(), Signal::KILL);
    let took = server.everything_lifts().await;
    soon("the end of the guard", || gone(server.guard)).await;
    println!("lifted {took:?} after the server was killed");
}

#[tokio::test]
async fn the_servers_whole_group_is_killed() {
    let server = Server::start("group").await;
    kill_process_group(Pid::from_raw(server.pid()).unwrap(), Signal::KILL).unwrap();
    let took = server.everything_lifts().await;
    soon("the end of the guard", || gone(server.guard)).await;
    println!("lifted {took:?} after the server's group was killed");
}

#[tokio::test]
async fn the_guard_is_killed_and_the_server_lifts() {
    let server = Server::start("guard").await;
    kill(server.guard, Signal::KILL);
    let took = server.everything_lifts().await;
    assert!(!gone(server.pid()));
    println!("lifted {took:?} after the guard was killed");
}

#[tokio::test]
async fn both_are_killed_and_the_next_start_repairs() {
    let server = Server::start("both").await;
    // The server first cannot act, then the guard before it has noticed.
    kill(server.guard, Signal::STOP);
    kill(server.pid(), Signal::KILL);
    kill(server.guard, Signal::KILL);
    // What burns ends with them.
    server.burners_end().await;
    assert_eq!(server.nap.state(), 'T');
    let start = Instant::now();
    soon("the end of the server", || gone(server.pid())).await;
    let repaired = repair(server.folder.path()).await.unwrap();
    assert_eq!(repaired.len(), 2);
    assert!(repaired.iter().all(|repaired| repaired.problem.is_none()), "{repaired:?}");
    server.everything_lifts().await;
    assert!(repair(server.folder.path()).await.unwrap().is_empty());
    println!("repaired {:?} after the start", start.elapsed());
}

#[tokio::test]
async fn the_faults_of_a_server_that_runs_are_not_repaired() {
    let server = Server::start("running").await;
    assert!(repair(server.folder.path()).await.unwrap().is_empty());
    assert_eq!((server.nap.state(), records(server.folder.path())), ('T', 2));
}

#[tokio::test]
async fn a_guard_that_hangs_is_replaced_by_the_server() {
    let place = Place::new();
    let nap = Nap::new(place.folder.path(), "hang");
    let pause = json!({"fault": "pause", "process": {"pid": nap.pid()}});
    let active = place.begin(pause.clone(), json!({"processes": [nap.name]})).await.unwrap();
    let other = place.begin(json!({"fault": "cpu", "workers": 1, "loadPercent": 5}), json!({"hosts": ["localhost"]})).await.unwrap();
    let guard = place.guard().unwrap().pid.as_raw_nonzero().get();
    kill(guard, Signal::STOP);
    let start = Instant::now();
    active.lift().await.unwrap();
    assert!(start.elapsed() < SOON, "{:?}", start.elapsed());
    assert_ne!(nap.state(), 'T');
    // Its other faults lift too, and the next one has a new guard.
    assert_eq!(other.ended().await, Ended::LiftedEarly);
    soon("the end of the guard", || gone(guard)).await;
    place.begin(pause, json!({"processes": [nap.name]})).await.unwrap().lift().await.unwrap();
}

/// It has ended, or is only waiting to be reaped.
fn gone(pid: i32) -> bool {
    process(pid).is_none_or(|process| process.state == 'Z')
}
