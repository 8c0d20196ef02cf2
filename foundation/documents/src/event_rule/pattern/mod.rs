//! Amazon EventBridge patterns, compiled once and matched against JSON events.
//!
//! Sources: Amazon EventBridge user guide, "Comparison operators for use in event patterns" and
//! "Arrays in event patterns"; the README of aws/event-ruler.
//!
//! Every field that a pattern names must match; a field matches if any of the listed values or
//! filters does. An array in the event stands for each of its elements, and fields of one object of
//! the pattern are matched within one and the same element. `$or` is spread into whole alternatives
//! when the pattern is compiled, so that this holds across it, too.
//!
//! A key of the pattern is one key of the event, dots included: `"service.name"` is never read as
//! `name` inside `service`.

mod compile;
mod filter;
mod matching;
mod wildcard;

use serde::Serialize;
use serde_json::Value;

use filter::Filter;

/// A compiled pattern. Serialises as it was written.
#[derive(Debug, Clone)]
pub struct Pattern {
    source: Value,
    alternatives: Vec<Fields>,
}

/// Why a pattern cannot be compiled, and at which place of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct PatternError {
    /// Keys and indices from the root of the pattern to the fault.
    pub path: Vec<String>,
    pub message: String,
    /// What to write instead.
    pub mend: Option<String>,
}

/// What one object of the pattern asks for: all of it must hold.
type Fields = Vec<(String, Node)>;

#[derive(Debug, Clone, PartialEq)]
enum Node {
    Object(Fields),
    /// Any of them.
    Leaf(Vec<Filter>),
}

impl Pattern {
    pub fn compile(source: Value) -> Result<Self, PatternError> {
        let alternatives = compile::alternatives(&source)?;
        Ok(Self { source, alternatives })
    }

    pub fn matches(&self, event: &Value) -> bool {
        self.alternatives.iter().any(|fields| matching::object(fields, Some(event)))
    }

    /// As it was written.
    pub fn source(&self) -> &Value {
        &self.source
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl Serialize for Pattern {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.source.serialize(serializer)
    }
}
