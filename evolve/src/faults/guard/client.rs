//! The server's side of the guard.

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use kernel::Timestamp;
use parking_lot::Mutex;
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::timeout;

use super::{Burn, Order, Report};
use crate::faults::FaultError;
use crate::faults::undo::Undo;

/// A guard that does not answer for so long is as good as dead.
const ANSWER: Duration = Duration::from_secs(3);
/// Filling memory or a disk takes longer.
const FILLS: Duration = Duration::from_secs(60);

/// A guard that runs. When the last clone is dropped the guard lifts everything and ends.
#[derive(Debug, Clone)]
pub(crate) struct Guard {
    orders: mpsc::UnboundedSender<Order>,
    waiting: Arc<Mutex<HashMap<String, oneshot::Sender<Report>>>>,
    alive: watch::Receiver<bool>,
    pid: Option<Pid>,
}

impl Guard {
    /// Starts `program`, a program with its arguments, and waits until it guards.
    pub async fn start(program: &[OsString]) -> Result<Self, FaultError> {
        let failed = |message: String| FaultError::Guard { message };
        let [name, arguments @ ..] = program else { return Err(failed("is not set".to_owned())) };
        let mut command = Command::new(name);
        let spawned = command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = spawned.map_err(|error| failed(format!("cannot be started: {error}")))?;
        let pid = child.id().and_then(|id| Pid::from_raw(id.try_into().ok()?));
        let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(failed("ended at once".to_owned()));
        };
        let mut reports = BufReader::new(stdout);
        let mut first = String::new();
        let ready = timeout(ANSWER, reports.read_line(&mut first)).await;
        if !matches!(ready, Ok(Ok(_))) || !matches!(serde_json::from_str(&first), Ok(Report::Ready)) {
            // It must not stay behind half started.
            let _ = child.start_kill();
            return Err(failed(format!("does not begin; is {name:?} the right program?")));
        }
        let (orders, incoming) = mpsc::unbounded_channel();
        let (dead, alive) = watch::channel(true);
        let waiting = Arc::<Mutex<HashMap<_, _>>>::default();
        tokio::spawn(write_orders(stdin, incoming));
        tokio::spawn(read_reports(reports, child, waiting.clone(), dead));
        Ok(Self { orders, waiting, alive, pid })
    }

    pub fn is_alive(&self) -> bool {
        *self.alive.borrow()
    }

    /// Ends a guard that does not do its work; what burns ends with it.
    pub fn kill(&self) {
        if let Some(pid) = self.pid.filter(|_| self.is_alive()) {
            // It is our child, and keeps its number until it has been waited for.
            let _ = kill_process(pid, Signal::KILL);
        }
    }

    /// Returns when the guard has ended.
    pub async fn ended(&self) {
        // An error means that the task that would say so has ended too.
        let _ = self.alive.clone().wait_for(|alive| !alive).await;
    }

    pub async fn hold(&self, id: &str, undo: Option<Undo>, record: Option<PathBuf>, deadline: Timestamp) -> Result<(), String> {
        match self.ask(Order::Hold { id: id.to_owned(), undo, record, deadline }, id, ANSWER).await? {
            Report::Held { .. } => Ok(()),
            other => Err(unexpected(&other)),
        }
    }

    pub async fn burn(&self, id: &str, burn: Burn) -> Result<(), String> {
        let limit = match &burn {
            Burn::Command { timeout_ms, .. } => Duration::from_millis(*timeout_ms) + ANSWER,
            Burn::Cpu { .. } => ANSWER,
            Burn::Memory { .. } | Burn::Disk { .. } => FILLS,
        };
        match self.ask(Order::Burn { id: id.to_owned(), burn }, id, limit).await? {
            Report::Burning { .. } => Ok(()),
            Report::NotBurning { message, .. } => Err(message),
            other => Err(unexpected(&other)),
        }
    }

    /// `limit`: an undo may be a program of the team's own, which takes its time.
    pub async fn lift(&self, id: &str, limit: Duration) -> Result<(), String> {
        match self.ask(Order::Lift { id: id.to_owned() }, id, limit).await? {
            Report::Lifted { .. } => Ok(()),
            Report::NotLifted { message, .. } => Err(message),
            other => Err(unexpected(&other)),
        }
    }

    async fn ask(&self, order: Order, id: &str, limit: Duration) -> Result<Report, String> {
        let (answer, answered) = oneshot::channel();
        self.waiting.lock().insert(id.to_owned(), answer);
        if self.orders.send(order).is_err() || !self.is_alive() {
            self.waiting.lock().remove(id);
            return Err("the guard has ended".to_owned());
        }
        let answered = timeout(limit, answered).await.map_err(|_| "the guard does not answer".to_owned())?;
        answered.map_err(|_| "the guard has ended".to_owned())
    }
}

/// Ends, and so closes the guard's standard input, when the last [`Guard`] is dropped.
async fn write_orders(mut stdin: ChildStdin, mut orders: mpsc::UnboundedReceiver<Order>) {
    while let Some(order) = orders.recv().await {
        let Ok(mut line) = serde_json::to_vec(&order) else { continue };
        line.push(b'\n');
        if stdin.write_all(&line).await.is_err() || stdin.flush().await.is_err() {
            return;
        }
    }
}

async fn read_reports(
    reports: BufReader<ChildStdout>,
    mut child: Child,
    waiting: Arc<Mutex<HashMap<String, oneshot::Sender<Report>>>>,
    dead: watch::Sender<bool>,
) {
    let mut lines = reports.lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let Ok(report) = serde_json::from_str::<Report>(&line) else { continue };
        if let Report::NotLifted { id, message } = &report {
            tracing::error!(id, message, "the guard cannot lift a fault");
        }
        if let Some(answer) = report.id().and_then(|id| waiting.lock().remove(id)) {
            // Whoever asked may have stopped waiting.
            let _ = answer.send(report);
        }
    }
    dead.send_replace(false);
    waiting.lock().clear();
    // So that it does not stay behind as a zombie.
    let _ = child.wait().await;
}

fn unexpected(report: &Report) -> String {
    format!("the guard answered {report:?}")
}
