//! Prometheus's template language for labels and annotations: the part of Go's `text/template` that
//! alerting rules use, with Prometheus's functions.
//!
//! Sources: Prometheus, "Template reference" and "Template examples"; Go, package `text/template`.
//! Not here: `define`, `template` and `block`, and HTML escaping, which only consoles need.
//!
//! Expanding is pure. A template that asks for a query whose answer is not at hand stops with
//! [`Stop::Query`]; the caller evaluates it and expands again.

mod eval;
mod format;
mod functions;
mod humanize;
mod lex;
mod parse;
mod value;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};

use kernel::Timestamp;

pub use value::{Sample, Value};

/// Longer texts are refused: an annotation is read by people.
const OUTPUT_BYTES_MAX: usize = 64 * 1024;

#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{0}")]
pub struct TemplateError(pub String);

/// Why an expansion did not come to its end.
#[derive(Debug, Clone, PartialEq)]
pub enum Stop {
    Error(TemplateError),
    /// The answer of this query is needed.
    Query(String),
}

impl From<TemplateError> for Stop {
    fn from(error: TemplateError) -> Self {
        Self::Error(error)
    }
}

/// What a template can see.
#[derive(Debug, Clone)]
pub struct Scope {
    pub labels: BTreeMap<String, String>,
    pub external_labels: BTreeMap<String, String>,
    pub external_url: String,
    pub value: f64,
    pub now: Timestamp,
    /// Of the queries asked for so far, by their text.
    pub answers: HashMap<String, Result<Vec<Sample>, String>>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Template(Vec<parse::Node>);

impl Template {
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        parse::parse(text).map(Self)
    }

    pub fn expand(&self, scope: &Scope) -> Result<String, Stop> {
        eval::expand(&self.0, scope)
    }
}
