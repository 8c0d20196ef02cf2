//! Conditions of scripts, in the language of the filtrex library.

use serde_json::Value;

/// Why a text is no expression, or why it has no value. `column` counts characters from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ExpressionError {
    pub message: String,
    pub column: usize,
    pub mend: Option<String>,
}

#[derive(Debug, Clone)]
pub struct Expression {}

impl Expression {
    pub fn parse(_text: &str) -> Result<Self, ExpressionError> {
        Ok(Self {})
    }

    /// `look_up` answers for the symbols, e.g. `http.codes.200`; what it does not know is undefined, and as a
    /// result null.
    pub fn eval(&self, _look_up: &impl Fn(&str) -> Option<Value>) -> Result<Value, ExpressionError> {
        Ok(Value::Null)
    }

    /// Whether the value counts as true.
    pub fn holds(&self, _look_up: &impl Fn(&str) -> Option<Value>) -> Result<bool, ExpressionError> {
        Ok(false)
    }

    /// The symbols it names, for checks before a run.
    pub fn symbols(&self) -> Vec<&str> {
        Vec::new()
    }
}
