//! `type: python`: functions of modules, called by one interpreter that lives as long as the experiment.

use std::collections::HashMap;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use documents::experiment::PythonCall;
use parking_lot::Mutex;
use serde_json::{Map, Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::{Mutex as AsyncMutex, oneshot};
use tokio::time::timeout;

use super::{OUTPUT_BYTES_MAX, Outcome, TOO_LONG, seconds};
use crate::experiments::programs;
use crate::experiments::settings::{PYTHON, Settings};
use crate::experiments::substitute::Names;

/// What the interpreter runs.
const SHIM: &str = include_str!("shim.py");
const GONE: &str = "the Python interpreter has ended";

/// Answers awaited, by the number of their request; nothing once the interpreter has ended.
type Awaited = Arc<Mutex<Option<HashMap<u64, oneshot::Sender<Outcome>>>>>;

/// An interpreter. Dropped, it ends, with whatever its functions still do.
pub struct Python {
    requests: AsyncMutex<ChildStdin>,
    awaited: Awaited,
    next: AtomicU64,
    _child: Child,
}

impl Python {
    pub fn start(settings: &Settings) -> Result<Self, String> {
        let interpreter = interpreter(settings)?;
        let paths = [settings.folder.clone(), std::env::current_dir().unwrap_or_default()];
        let paths: Vec<String> = paths.iter().filter(|path| !path.as_os_str().is_empty()).map(|path| path.display().to_string()).collect();
        let mut command = Command::new(&interpreter);
        for name in Settings::withheld() {
            command.env_remove(name);
        }
        command.args(["-u", "-c", SHIM]).envs(&settings.environment).env("MAINSTAY_PYTHON_PATHS", json!(paths).to_string());
        if !settings.folder.as_os_str().is_empty() {
            command.current_dir(&settings.folder);
        }
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| format!("the Python interpreter {} cannot be started: {error}", interpreter.display()))?;
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(requests), Some(answers), Some(printed)) = pipes else { return Err(GONE.to_owned()) };
        let awaited: Awaited = Arc::new(Mutex::new(Some(HashMap::new())));
        tokio::spawn(deliver(answers, Arc::clone(&awaited)));
        tokio::spawn(note(printed));
        Ok(Self { requests: AsyncMutex::new(requests), awaited, next: AtomicU64::new(0), _child: child })
    }

    /// Whether a function is there and takes the arguments.
    pub async fn check(&self, call: &PythonCall, further: &[&str]) -> Result<(), String> {
        let arguments: Vec<&str> = call.arguments.keys().map(String::as_str).chain(further.iter().copied()).collect();
        let request = json!({ "do": "check", "module": call.module, "func": call.func, "arguments": arguments });
        self.ask(request).await.map(drop).map_err(|error| format!("{}.{}: {error}", call.module, call.func))
    }

    pub async fn carry_out(&self, call: &PythonCall, names: &Names) -> Outcome {
        let limit = seconds(call.timeout.as_ref().map(|timeout| names.fill(timeout)).as_ref())?;
        let request = json!({
            "do": "call",
            "module": call.module,
            "func": call.func,
            "arguments": names.fill(&Value::Object(call.arguments.clone())),
            "secrets": call.secrets.as_ref().map(|groups| secrets(groups, names)),
            "configuration": names.configuration,
        });
        match limit {
            None => self.ask(request).await,
            Some(limit) => timeout(limit, self.ask(request)).await.unwrap_or_else(|_| Err(TOO_LONG.to_owned())),
        }
    }

    async fn ask(&self, mut request: Value) -> Outcome {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        request["id"] = id.into();
        let (answer, answered) = oneshot::channel();
        match self.awaited.lock().as_mut() {
            Some(awaited) => drop(awaited.insert(id, answer)),
            None => return Err(GONE.to_owned()),
        }
        let line = format!("{request}\n");
        self.requests.lock().await.write_all(line.as_bytes()).await.map_err(|_| GONE.to_owned())?;
        answered.await.unwrap_or_else(|_| Err(GONE.to_owned()))
    }
}

fn interpreter(settings: &Settings) -> Result<PathBuf, String> {
    let named = settings.python.clone().or_else(|| settings.variable(PYTHON).map(PathBuf::from));
    if let Some(path) = named {
        return Ok(path);
    }
    let found = ["python3", "python"].into_iter().find_map(|name| programs::find(name, settings));
    found.ok_or_else(|| "there is no Python interpreter: install python3, or name one in MAINSTAY_PYTHON".to_owned())
}

/// The groups that a provider names, in one mapping.
fn secrets(groups: &[String], names: &Names) -> Map<String, Value> {
    groups.iter().filter_map(|group| names.secrets.get(group)?.as_object()).flat_map(Clone::clone).collect()
}

/// Hands each answer to whoever waits for it, until the interpreter ends.
async fn deliver(answers: ChildStdout, awaited: Awaited) {
    let mut answers = BufReader::new(answers);
    let mut line = Vec::new();
    while let Ok(1..) = (&mut answers).take(OUTPUT_BYTES_MAX as u64).read_until(b'\n', &mut line).await {
        let answer: Value = serde_json::from_slice(&line).unwrap_or_default();
        let waiting = answer["id"].as_u64().and_then(|id| awaited.lock().as_mut()?.remove(&id));
        let outcome = match &answer["error"] {
            Value::String(error) => Err(error.clone()),
            _ => Ok(answer["output"].clone()),
        };
        match waiting {
            Some(waiting) => drop(waiting.send(outcome)),
            // Too large to be read, or not ours: nobody could tell the next from it.
            None if answer.is_null() => break,
            None => {}
        }
        line.clear();
    }
    awaited.lock().take();
}

/// What modules print.
async fn note(printed: impl tokio::io::AsyncRead + Unpin) {
    let mut lines = BufReader::new(printed).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        tracing::debug!(line, "an experiment's Python module printed");
    }
}
