//! A script's own functions, in JavaScript.
//!
//! Interpreters (QuickJS) are shared by all virtual users of a process: as many as there are processors, each
//! behind a lock, so that a call may come from any task on any thread. A function that waits, for a timer, holds no
//! lock meanwhile. What it leaves in module variables, other users see, as in Artillery.
//!
//! Available are the language up to ECMAScript 2023, `console`, timers, `Buffer`, `URL`, `URLSearchParams`,
//! `TextEncoder`, `process.env`, `performance`, and of Node's modules: assert, buffer, crypto (hashes, HMAC, random
//! values), events, fs (reading below the script's folder), path, perf_hooks, process, querystring, timers, url and
//! util. Modules are CommonJS, ES modules, JSON. The network, other Node modules and TypeScript are refused by name.
//! Variables live on between calls as JSON: a `Date` becomes a text; functions, `Map` and `Set` are refused.

mod crossing;
mod interpreter;
mod modules;
mod native;

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use serde_json::{Map, Value};

use super::response::Response;
use super::scope::Scope;
use interpreter::{Interpreter, Progress};

/// The functions could not be loaded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProcessorError {
    #[error("cannot read {path}: {reason}")]
    Unreadable { path: String, reason: String },
    #[error("{path} does not load: {message}")]
    Faulty { path: String, message: String },
    #[error("{path} is TypeScript, which Mainstay does not run: compile it to JavaScript first")]
    TypeScript { path: String },
}

impl ProcessorError {
    /// Whether the file asks for what there is not, rather than being wrong.
    pub fn is_unsupported(&self) -> bool {
        match self {
            Self::TypeScript { .. } => true,
            // JavaScript's errors are texts; `modules.rs` and `modules.js` word this one.
            Self::Faulty { message, .. } => message.contains("is not available"),
            Self::Unreadable { .. } => false,
        }
    }
}

/// A function failed, or did what it may not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HookError {
    #[error("there is no function `{name}` in the processor{mend}")]
    Unknown { name: String, mend: String },
    /// As Artillery counts it, `message` is the error's code if it has one.
    #[error("{name}: {message}")]
    Threw { name: String, message: String },
    #[error("{name} took longer than {limit_ms} ms")]
    Endless { name: String, limit_ms: u64 },
    #[error("{name} ended without calling its last argument: call it, or make the function async")]
    Silent { name: String },
}

/// What a function is called for; it decides the arguments.
pub enum Hook<'a> {
    /// `(requestParams, context, events, done)`
    BeforeRequest(&'a mut HookRequest),
    /// `(requestParams, response, context, events, done)`
    AfterResponse(&'a mut HookRequest, &'a Response),
    /// `(context, events, done)`: a step, or before or after a scenario.
    Step,
    /// `(context, next)`: `whileTrue`.
    WhileTrue,
    /// `(vars)`: `ifTrue`.
    IfTrue,
    /// `(error, requestParams, context, events, done)`: what ended the journey.
    OnError(&'a mut HookRequest, &'a str),
    /// `(params, context, done)`: how a WebSocket connects.
    Connect(&'a mut HookRequest),
}

/// What a call left behind, besides changed variables.
#[derive(Debug, Default, PartialEq)]
pub struct Called {
    /// The answer of a condition.
    pub answer: bool,
    pub emitted: Vec<Emitted>,
    /// Lines of `console`.
    pub printed: Vec<String>,
}

/// A metric of the script's own.
#[derive(Debug, Clone, PartialEq)]
pub enum Emitted {
    Counter { name: String, value: f64 },
    Histogram { name: String, value: f64 },
    Rate { name: String },
}

/// The request as its hooks see it: `url`, `method`, `headers`, `json`, `body`, `form`, `qs`, `cookie`, `auth`,
/// `timeout`, `followRedirect`, `name`, and whatever a hook adds. Values are as written, templates unfilled.
#[derive(Debug, Clone, Default)]
pub struct HookRequest {
    params: Map<String, Value>,
    changed: Vec<String>,
    bytes: Option<Bytes>,
}

impl HookRequest {
    pub fn new(params: Map<String, Value>) -> Self {
        Self { params, changed: Vec::new(), bytes: None }
    }

    pub fn get(&self, key: &str) -> Option<&Value> {
        self.params.get(key)
    }

    /// The keys that hooks have set or removed; their values may hold templates.
    pub fn changed(&self) -> impl Iterator<Item = &str> {
        self.changed.iter().map(String::as_str)
    }

    /// A body that a hook has set as bytes.
    pub fn body_bytes(&self) -> Option<&Bytes> {
        self.bytes.as_ref()
    }
}

/// The functions of one file.
#[derive(Debug)]
pub struct Processor {
    names: Vec<String>,
    interpreters: Vec<Interpreter>,
    calls: AtomicU64,
}

impl Processor {
    /// Reads the file and runs it once for each processor of the machine. `require` reaches files below `folder`,
    /// the script's, and below the file's own.
    pub fn load(path: &Path, folder: &Path) -> Result<Self, ProcessorError> {
        let count = std::thread::available_parallelism().map_or(1, |count| count.get().min(INTERPRETERS_MAX));
        let mut interpreters = Vec::with_capacity(count);
        let mut names = Vec::new();
        for _ in 0..count {
            let (interpreter, found) = Interpreter::load(path, folder)?;
            interpreters.push(interpreter);
            names = found;
        }
        Ok(Self { names, interpreters, calls: AtomicU64::new(0) })
    }

    pub fn functions(&self) -> &[String] {
        &self.names
    }

    /// Calls a function and waits until it is done. `user` is the virtual user's number: its calls come to the
    /// same interpreter.
    pub async fn call(
        &self,
        name: &str,
        user: u64,
        mut hook: Hook<'_>,
        scope: &mut Scope,
    ) -> Result<Called, HookError> {
        if !self.names.iter().any(|known| known == name) {
            return Err(self.unknown(name));
        }
        let interpreter = &self.interpreters[(user % self.interpreters.len() as u64) as usize];
        let id = self.calls.fetch_add(1, Ordering::Relaxed);
        let began = Instant::now();
        let mut call = interpreter.begin(id, name, &hook, scope)?;
        loop {
            match call.progress() {
                Progress::Done(text) => return crossing::take_up(name, &text, call.printed(), &mut hook, scope),
                Progress::Waits(wait) if began.elapsed() + wait <= WAIT_MAX => {
                    tokio::time::sleep(wait).await;
                    call.resume()?;
                }
                Progress::Waits(_) => {
                    return Err(HookError::Endless { name: name.to_owned(), limit_ms: WAIT_MAX.as_millis() as u64 });
                }
                Progress::Silent => return Err(HookError::Silent { name: name.to_owned() }),
            }
        }
    }

    fn unknown(&self, name: &str) -> HookError {
        let mend = documents::suggest::mend(name, self.names.iter().map(String::as_str), "its functions are");
        HookError::Unknown { name: name.to_owned(), mend: mend.map_or(String::new(), |mend| format!("; {mend}")) }
    }
}

/// How long a function may wait for its timers.
const WAIT_MAX: Duration = Duration::from_secs(60);
/// Each takes about a megabyte.
const INTERPRETERS_MAX: usize = 16;

#[cfg(test)]
mod tests;
