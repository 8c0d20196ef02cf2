//! PromQL over a [`MetricSource`](crate::MetricSource).
//!
//! An expression is [parsed](parse) and checked, lowered to a [plan](plan) whose selectors are told
//! their [windows](fetch), and each distinct selector is read from the source once. Then
//! [evaluation](eval) runs on a blocking thread, over all steps of one series at a time, so that an
//! instant query is a range query of one step.
//!
//! Semantics are those of Prometheus 3: range selectors and lookback exclude their left end, `.` in a
//! regular expression matches a newline. Samples are floats. Native histograms have their place kept:
//! values between the operators live in [`eval::row::Cells`], and only that type, the readers in
//! `eval::selector` and the functions that take histograms would learn of them.

mod annotations;
mod engine;
pub(crate) mod eval;
mod fetch;
mod number;
pub(crate) mod parse;
pub(crate) mod plan;

use crate::Labels;
use crate::ports::{Sample, Series, SourceError};
use kernel::{Classified, Kind};

pub use engine::{Engine, Limits, QueryOptions};
pub use number::{format_exponent, format_float};
pub use parse::{format, selectors};

/// The value of an expression. Vectors and matrices carry their labels; times are in milliseconds.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Scalar(Sample),
    String { time_ms: i64, value: String },
    Vector(Vec<(Labels, Sample)>),
    Matrix(Vec<Series>),
}

/// A value with what the evaluation has to say about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    pub value: Value,
    pub warnings: Vec<String>,
    pub infos: Vec<String>,
    /// How many samples were read from the source.
    pub samples_read: usize,
}

#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// The expression cannot be parsed or has wrong types; the message names the place.
    #[error("{0}")]
    Parse(String),
    /// It cannot be evaluated over these series, e.g. many-to-many matching.
    #[error("{0}")]
    Execution(String),
    #[error("the query took longer than {limit_s} s")]
    Timeout { limit_s: u64 },
    #[error(transparent)]
    Source(#[from] SourceError),
}

impl Classified for QueryError {
    fn kind(&self) -> Kind {
        match self {
            Self::Parse(_) => Kind::Invalid,
            Self::Execution(_) => Kind::Invalid,
            Self::Timeout { .. } => Kind::Timeout,
            Self::Source(SourceError::TooManySamples { .. }) => Kind::TooLarge,
            Self::Source(SourceError::Storage(_)) => Kind::Internal,
        }
    }
}

/// Checks an expression, types included, without evaluating it. The error's message says where:
/// `1:5: parse error: …`, line and column counted from 1.
pub fn check(expression: &str) -> Result<(), QueryError> {
    plan::Plan::of(expression).map(drop)
}
