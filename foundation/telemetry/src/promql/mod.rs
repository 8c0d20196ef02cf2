//! PromQL over a [`MetricSource`](crate::MetricSource).

use std::sync::Arc;

use crate::ports::{MetricSource, Sample, Series, SourceError};
use crate::Labels;
use kernel::{Classified, Kind};

/// Evaluates expressions. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    #[allow(dead_code)]
    source: Arc<dyn MetricSource>,
}

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

impl Engine {
    pub fn new(source: Arc<dyn MetricSource>) -> Self {
        Self { source }
    }

    /// The value at one instant.
    pub async fn instant(&self, _expression: &str, _time_ms: i64) -> Result<Answer, QueryError> {
        unimplemented!()
    }

    /// The values at `start`, `start + step`, … up to `end`; always a matrix.
    pub async fn range(&self, _expression: &str, _start_ms: i64, _end_ms: i64, _step_ms: i64) -> Result<Answer, QueryError> {
        unimplemented!()
    }
}

/// Checks an expression without evaluating it.
pub fn check(_expression: &str) -> Result<(), QueryError> {
    unimplemented!()
}
