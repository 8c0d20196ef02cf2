//! Amazon EventBridge patterns, compiled once and matched against JSON events.

use serde::Serialize;
use serde_json::Value;

/// A compiled pattern. Serialises as it was written.
#[derive(Debug, Clone, PartialEq)]
pub struct Pattern {
    source: Value,
}

/// Why a pattern cannot be compiled, and at which place of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct PatternError {
    /// Keys and indices from the root of the pattern to the fault.
    pub path: Vec<String>,
    pub message: String,
}

impl Pattern {
    pub fn compile(source: Value) -> Result<Self, PatternError> {
        Ok(Self { source })
    }

    pub fn matches(&self, _event: &Value) -> bool {
        unimplemented!()
    }

    pub fn source(&self) -> &Value {
        &self.source
    }
}

impl Serialize for Pattern {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.source.serialize(serializer)
    }
}
