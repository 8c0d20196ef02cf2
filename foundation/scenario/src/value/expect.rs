//! What an answer must be.

use documents::diagnostic::Origin;

use super::CompileError;
use super::response::Response;
use super::scope::Scope;

/// An expectation that an answer does not meet.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}: expected {expected}, got {actual}")]
pub struct Mismatch {
    /// The expectation's name in a script, e.g. `statusCode`.
    pub what: String,
    pub expected: String,
    pub actual: String,
    pub origin: Origin,
}

#[derive(Debug, Clone)]
pub struct Expectation {}

/// Artillery's deprecated `match`: a selected value that must equal another.
#[derive(Debug, Clone)]
pub struct Match {
    /// True if none is given.
    pub strict: bool,
}

impl Expectation {
    pub fn compile(_expectation: &documents::script::Expectation) -> Result<Self, CompileError> {
        Ok(Self {})
    }

    pub fn check(&self, _response: &Response, _scope: &Scope) -> Result<(), Mismatch> {
        Ok(())
    }
}

impl Match {
    pub fn compile(wanted: &documents::script::Match) -> Result<Self, CompileError> {
        Ok(Self { strict: wanted.strict.unwrap_or(true) })
    }

    pub fn check(&self, _response: &Response, _scope: &Scope) -> Result<(), Mismatch> {
        Ok(())
    }
}
