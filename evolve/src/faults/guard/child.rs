//! The guard itself: the process that outlives the server.

use std::collections::{HashMap, HashSet};
use std::io::{self, BufRead, Write};
use std::path::PathBuf;
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use kernel::{Clock, SystemClock, Timestamp};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::{JoinError, JoinSet};

use super::burn::{BEGUN, VARIABLE, burn};
use super::{Burn, Order, Report};
use crate::faults::journal;
use crate::faults::undo::Undo;

/// How long a failed undo waits before it is tried again, and how often it is.
const AGAIN: Duration = Duration::from_millis(500);
const ATTEMPTS: usize = 5;

/// The `main` of the hidden subcommand: guards until the server has ended and everything is lifted.
pub async fn run() -> io::Result<()> {
    if let Some(work) = std::env::var_os(VARIABLE) {
        let work = serde_json::from_slice(work.as_encoded_bytes())?;
        burn(work).await
    }
    // What ends the server's group or closes its terminal does not reach a session of its own.
    rustix::process::setsid()?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    let (events, mut incoming) = unbounded_channel();
    let orders = events.clone();
    thread::spawn(move || read_orders(&orders));
    let mut guard = Post { held: HashMap::new(), events, lifting: JoinSet::new(), under_way: HashSet::new() };
    report(&Report::Ready);
    guard.watch(&mut incoming, async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = hang_up.recv() => {}
        }
    })
    .await;
    Ok(())
}

/// All that can happen to a guard.
#[derive(Debug)]
enum Event {
    Ordered(Order),
    /// The server has ended.
    Alone,
    /// What burns has begun, or not.
    Told { id: String, line: String },
}

struct Post {
    held: HashMap<String, Held>,
    events: UnboundedSender<Event>,
    lifting: JoinSet<Report>,
    /// The faults that are being lifted.
    under_way: HashSet<String>,
}

#[derive(Debug)]
struct Held {
    undo: Option<Undo>,
    record: Option<PathBuf>,
    deadline: Timestamp,
    burning: Option<Child>,
}

impl Post {
    /// Until there is nothing left to guard.
    async fn watch(&mut self, incoming: &mut UnboundedReceiver<Event>, asked_to_end: impl Future<Output = ()>) {
        tokio::pin!(asked_to_end);
        loop {
            let next_deadline = self.held.values().map(|held| held.deadline).min();
            tokio::select! {
                event = incoming.recv() => match event {
                    Some(Event::Ordered(order)) => self.carry_out(order),
                    Some(Event::Told { id, line }) => self.told(id, line),
                    Some(Event::Alone) | None => break,
                },
                () = until(next_deadline) => self.lift_overdue(),
                Some(lifted) = self.lifting.join_next() => self.lifted(lifted),
                () = &mut asked_to_end => break,
            }
        }
        let all: Vec<String> = self.held.keys().cloned().collect();
        for id in all {
            self.lift(id);
        }
        while let Some(lifted) = self.lifting.join_next().await {
            self.lifted(lifted);
        }
    }

    fn carry_out(&mut self, order: Order) {
        match order {
            Order::Hold { id, undo, record, deadline } => {
                self.held.insert(id.clone(), Held { undo, record, deadline, burning: None });
                report(&Report::Held { id });
            }
            Order::Lift { id } => self.lift(id),
            Order::Burn { id, burn } => {
                let Some(held) = self.held.get_mut(&id) else {
                    return report(&Report::NotBurning { id, message: "its time was over before it began".to_owned() });
                };
                match start(&burn, &id, &self.events) {
                    Ok(child) => held.burning = Some(child),
                    Err(error) => report(&Report::NotBurning { id, message: error.to_string() }),
                }
            }
        }
    }

    fn told(&mut self, id: String, line: String) {
        report(&match line.as_str() {
            BEGUN => Report::Burning { id },
            "" => Report::NotBurning { id, message: "it ended before it had begun".to_owned() },
            _ => Report::NotBurning { id, message: line },
        });
    }

    fn lift_overdue(&mut self) {
        let now = SystemClock.now();
        let overdue: Vec<String> = self.held.iter().filter(|(_, held)| held.deadline <= now).map(|(id, _)| id.clone()).collect();
        for id in overdue {
            self.lift(id);
        }
    }

    fn lift(&mut self, id: String) {
        match self.held.remove(&id) {
            // Its deadline was quicker; the answer comes when it is done.
            None if self.under_way.contains(&id) => {}
            None => report(&Report::Lifted { id }),
            Some(held) => {
                self.under_way.insert(id.clone());
                self.lifting.spawn(lift(id, held));
            }
        }
    }

    fn lifted(&mut self, lifted: Result<Report, JoinError>) {
        match lifted {
            Ok(lifted) => {
                self.under_way.retain(|id| lifted.id() != Some(id));
                report(&lifted);
            }
            // The server, or the next start, does it from the record.
            Err(error) => tracing::error!(%error, "lifting a fault did not end"),
        }
    }
}

async fn lift(id: String, held: Held) -> Report {
    if let Some(mut burning) = held.burning {
        // Its standard input ends, which lets it end its own children; what does not listen is ended.
        drop(burning.stdin.take());
        if tokio::time::timeout(AGAIN, burning.wait()).await.is_err() {
            let _ = burning.kill().await;
        }
    }
    let mut problem = None;
    for attempt in 0..ATTEMPTS {
        if attempt > 0 {
            tokio::time::sleep(AGAIN).await;
        }
        problem = match &held.undo {
            None => None,
            Some(undo) => undo.lift().await.err(),
        };
        if problem.is_none() {
            held.record.as_deref().inspect(|record| journal::remove(record));
            return Report::Lifted { id };
        }
    }
    Report::NotLifted { id, message: problem.unwrap_or_default() }
}

fn start(burn: &Burn, id: &str, events: &UnboundedSender<Event>) -> io::Result<Child> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(std::env::args_os().skip(1)).env(VARIABLE, serde_json::to_string(burn)?);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn()?;
    let (id, events) = (id.to_owned(), events.clone());
    if let Some(stdout) = child.stdout.take() {
        tokio::spawn(async move {
            let line = BufReader::new(stdout).lines().next_line().await.ok().flatten().unwrap_or_default();
            // A guard that is ending lifts it without an answer.
            let _ = events.send(Event::Told { id, line });
        });
    }
    Ok(child)
}

/// In a thread of its own: reading standard input cannot be given up otherwise.
fn read_orders(events: &UnboundedSender<Event>) {
    for line in io::stdin().lock().lines() {
        let Ok(line) = line else { break };
        match serde_json::from_str(&line) {
            Ok(order) => drop(events.send(Event::Ordered(order))),
            Err(error) => tracing::error!(%error, "not an order to the guard"),
        }
    }
    let _ = events.send(Event::Alone);
}

async fn until(deadline: Option<Timestamp>) {
    match deadline {
        Some(deadline) => SystemClock.sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

/// A server that has ended does not hear it.
fn report(report: &Report) {
    let line = serde_json::to_string(report).unwrap_or_default();
    let _ = writeln!(io::stdout(), "{line}").and_then(|()| io::stdout().flush());
}
