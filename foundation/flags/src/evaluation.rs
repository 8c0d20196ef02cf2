//! The answer for one flag and one context.

use serde::Serialize;
use serde_json::{Map, Value};

/// What a flag is, for one context.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation<'a> {
    pub key: &'a str,
    /// Absent: the caller's own default holds.
    pub value: Option<&'a Value>,
    pub variant: Option<&'a str>,
    pub reason: Reason,
    pub metadata: &'a Map<String, Value>,
}

/// Why it is so, in the words of OpenFeature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Reason {
    /// There are no rules: the same for everybody.
    Static,
    /// There are rules, and none chose a variant.
    Default,
    TargetingMatch,
    /// A split of everybody chose.
    Split,
    Disabled,
}

impl Reason {
    pub fn name(self) -> &'static str {
        match self {
            Self::Static => "STATIC",
            Self::Default => "DEFAULT",
            Self::TargetingMatch => "TARGETING_MATCH",
            Self::Split => "SPLIT",
            Self::Disabled => "DISABLED",
        }
    }
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    #[error("there is no flag `{0}`")]
    NotFound(String),
    /// The rules named something that is none of the flag's variants.
    #[error("the rules of `{key}` answered {answer}, which is none of its variants")]
    NoVariant { key: String, answer: String },
    /// The rules asked for more work than one evaluation may take.
    #[error("the rules of `{0}` take too many steps with this context")]
    TooLong(String),
}

impl Failure {
    /// OpenFeature's error code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotFound(_) => "FLAG_NOT_FOUND",
            Self::NoVariant { .. } => "PARSE_ERROR",
            Self::TooLong(_) => "GENERAL",
        }
    }
}
