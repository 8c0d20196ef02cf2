//! JsonLogic: rules as JSON, in which an object with one key is an operation.
//!
//! Follows <https://jsonlogic.com/operations.html>, truthiness and comparisons as JavaScript has them, and adds
//! flagd's `fractional`, `sem_ver`, `starts_with` and `ends_with`.

mod coerce;
mod compile;
mod custom;
mod evaluate;
mod operator;
mod version;

use serde_json::Value;

pub use compile::Compiler;
pub use evaluate::{Scope, TooLong};
use operator::Operator;

/// A compiled rule.
#[derive(Debug)]
pub enum Logic {
    Literal(Value),
    List(Vec<Logic>),
    /// A path that is written out, and what holds where it leads nowhere.
    Var(Vec<String>, Option<Box<Logic>>),
    Apply(Operator, Vec<Logic>),
    Fractional(Fractional),
}

#[derive(Debug)]
pub struct Fractional {
    /// What is hashed; the flag's key and the targeting key if absent.
    by: Option<Box<Logic>>,
    /// An answer, and its weight if not 1.
    parts: Vec<(Logic, Option<Logic>)>,
}
