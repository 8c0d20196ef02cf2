//! What sends the traffic, behind one port: a file for each kind.

mod command;
mod lambda_alias;
mod profile;
mod proxy;

use async_trait::async_trait;
use documents::strategy::Weight;

pub use command::CommandRouter;
pub use lambda_alias::LambdaAliasRouter;
pub use profile::ProfileRouter;
pub use proxy::ProxyRouter;

/// Two versions and how the traffic is shared between them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shares {
    pub old: Option<String>,
    pub new: String,
    /// Of the new version.
    pub weight: Weight,
}

/// Must bear to be asked for the same shares again: after a crash nobody knows whether it was asked.
#[async_trait]
pub trait Router: Send + Sync {
    /// Returns once the traffic follows.
    async fn set(&self, shares: &Shares) -> Result<(), RouterError>;
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RouterError {
    #[error("the router {program} cannot be started: {reason}")]
    NotStarted { program: String, reason: String },
    #[error("the router {program} ended with {status}{said}")]
    Failed { program: String, status: String, said: String },
    #[error("the router {program} took longer than {limit}")]
    TimedOut { program: String, limit: String },
    #[error("the router {url} cannot be reached: {reason}")]
    Unreachable { url: String, reason: String },
    #[error("the router {url} refused: {said}")]
    Refused { url: String, said: String },
    /// Why it has no value, which never tells a value.
    #[error("the router cannot be asked: {0}")]
    Value(String),
}
