//! Values taken out of answers.

use documents::diagnostic::Origin;
use serde_json::Value;

use super::CompileError;
use super::response::Response;
use super::scope::Scope;

/// A selector found nothing, or the answer is not of its kind.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{what} {reason}; the body begins: {beginning}")]
pub struct CaptureError {
    /// The selector as written, e.g. `JSONPath $.id`.
    pub what: String,
    pub reason: String,
    pub beginning: String,
    pub origin: Origin,
}

#[derive(Debug, Clone)]
pub struct Capture {
    pub variable: String,
    /// The script's setting if none.
    pub strict: Option<bool>,
}

impl Capture {
    pub fn compile(capture: &documents::script::Capture) -> Result<Self, CompileError> {
        Ok(Self { variable: capture.variable.clone(), strict: capture.strict })
    }

    /// The variable's value. Finding nothing is an error; whether it matters is `strict`'s to say.
    pub fn run(&self, _response: &Response, _scope: &Scope) -> Result<Vec<(&str, Value)>, CaptureError> {
        Ok(Vec::new())
    }
}
