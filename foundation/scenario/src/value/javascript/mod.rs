//! A script's own functions, in JavaScript.
//!
//! Interpreters are shared by all virtual users of a process: a few, each behind a lock, so that a call may
//! come from any task on any thread. What a function leaves in module variables, other users may see, as in
//! Artillery.

use std::path::Path;

use bytes::Bytes;
use serde_json::{Map, Value};

use super::response::Response;
use super::scope::Scope;

/// The functions could not be loaded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProcessorError {
    #[error("cannot read {path}: {reason}")]
    Unreadable { path: String, reason: String },
    #[error("{path} does not load: {message}")]
    Faulty { path: String, message: String },
}

/// A function failed, or did what it may not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HookError {
    #[error("there is no function `{name}` in the processor{mend}")]
    Unknown { name: String, mend: String },
    #[error("{name}: {message}")]
    Threw { name: String, message: String },
    #[error("{name} took longer than {limit_ms} ms")]
    Endless { name: String, limit_ms: u64 },
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
}

/// What a call left behind, besides changed variables.
#[derive(Debug, Default)]
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
}

impl Processor {
    /// Reads the file and runs it once. `require` reaches files below `folder`, the script's.
    pub fn load(_path: &Path, _folder: &Path) -> Result<Self, ProcessorError> {
        Ok(Self { names: Vec::new() })
    }

    pub fn functions(&self) -> &[String] {
        &self.names
    }

    /// Calls a function and waits until it is done. `user` is the virtual user's number: its calls come to the
    /// same interpreter.
    pub async fn call(&self, name: &str, _user: u64, _hook: Hook<'_>, _scope: &mut Scope) -> Result<Called, HookError> {
        Err(HookError::Unknown { name: name.to_owned(), mend: String::new() })
    }
}
