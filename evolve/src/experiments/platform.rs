//! What an experiment asks of Mainstay around it, behind one port.

use std::collections::BTreeMap;

use async_trait::async_trait;
use kernel::{Classified, Kind};
use serde_json::Value;
use telemetry::Labels;

use crate::faults::{Active, Bounds, FaultSpec};

/// Plays scenarios, answers queries, begins faults and keeps secrets.
#[async_trait]
pub trait Platform: Send + Sync {
    /// Plays a scenario once. The outcome is an object that says `passed: true` or `false`, and what else is
    /// worth keeping.
    async fn scenario(&self, name: &str, environment: Option<&str>) -> Result<Value, PlatformError>;

    /// The instant vector of a query, now; a scalar is a sample without labels.
    async fn promql(&self, query: &str) -> Result<Vec<Sample>, PlatformError>;

    /// Whether an alarm of this name fires now.
    async fn alarm_fires(&self, name: &str) -> Result<bool, PlatformError>;

    /// Begins a fault. It lifts by itself when its duration is over.
    async fn begin_fault(&self, spec: &FaultSpec, bounds: &Bounds) -> Result<Box<dyn Begun>, PlatformError>;

    /// A secret of our own store.
    async fn secret(&self, name: &str) -> Result<String, PlatformError>;

    /// A text with its references (`{{resolve:…}}`) filled in.
    async fn fill(&self, _text: &str) -> Result<Filled, PlatformError> {
        Err(unavailable("a value that is kept elsewhere"))
    }
}

/// A text that was filled in, and whether a secret stands in it.
#[derive(Clone, PartialEq, Eq)]
pub struct Filled {
    pub text: String,
    pub secret: bool,
}

/// A fault that has begun.
#[async_trait]
pub trait Begun: Send {
    /// Undoes the fault; does nothing if it has lifted already.
    async fn lift(self: Box<Self>) -> Result<(), PlatformError>;
}

#[async_trait]
impl Begun for Active {
    async fn lift(self: Box<Self>) -> Result<(), PlatformError> {
        Active::lift(*self).await.map_err(PlatformError::failed)
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    pub labels: BTreeMap<String, String>,
    pub value: f64,
}

impl Sample {
    /// What a query answers at one time. A text or a range is no value to judge.
    pub fn all_of(answer: &telemetry::promql::Value) -> Result<Vec<Self>, PlatformError> {
        use telemetry::promql::Value::{Scalar, Vector};
        match answer {
            Scalar(sample) => Ok(vec![Self { labels: BTreeMap::new(), value: sample.value }]),
            Vector(samples) => Ok(samples.iter().map(|(labels, sample)| Self { labels: texts(labels), value: sample.value }).collect()),
            _ => Err(PlatformError::Failed("the query has no value at one time".to_owned())),
        }
    }
}

fn texts(labels: &Labels) -> BTreeMap<String, String> {
    labels.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

#[derive(Debug, thiserror::Error)]
pub enum PlatformError {
    /// There is nobody to ask, as where an experiment is played without a server.
    #[error("{what} is not available here; {mend}")]
    Unavailable { what: &'static str, mend: &'static str },
    #[error("{0}")]
    Failed(String),
}

impl Classified for PlatformError {
    fn kind(&self) -> Kind {
        match self {
            Self::Unavailable { .. } => Kind::Invalid,
            Self::Failed(_) => Kind::Internal,
        }
    }
}

impl PlatformError {
    pub fn failed(error: impl std::fmt::Display) -> Self {
        Self::Failed(error.to_string())
    }
}

/// For experiments that need nothing of Mainstay.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoPlatform;

#[async_trait]
impl Platform for NoPlatform {
    async fn scenario(&self, _: &str, _: Option<&str>) -> Result<Value, PlatformError> {
        Err(unavailable("playing a scenario"))
    }

    async fn promql(&self, _: &str) -> Result<Vec<Sample>, PlatformError> {
        Err(unavailable("a PromQL query"))
    }

    async fn alarm_fires(&self, _: &str) -> Result<bool, PlatformError> {
        Err(unavailable("an alarm"))
    }

    async fn begin_fault(&self, _: &FaultSpec, _: &Bounds) -> Result<Box<dyn Begun>, PlatformError> {
        Err(unavailable("a fault"))
    }

    async fn secret(&self, _: &str) -> Result<String, PlatformError> {
        Err(unavailable("the store of secrets"))
    }
}

fn unavailable(what: &'static str) -> PlatformError {
    PlatformError::Unavailable { what, mend: "play the experiment with a server" }
}
