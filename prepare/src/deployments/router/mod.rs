//! What sends the traffic, behind one port: a file for each kind.

mod command;

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use documents::deployment::Router as Described;
use documents::strategy::Weight;

pub use command::CommandRouter;

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
}

/// `root` is the folder of the documents, from which programs are found.
pub fn router(described: &Described, root: &Path) -> Arc<dyn Router> {
    match described {
        Described::Command(command) => Arc::new(CommandRouter::new(command.clone(), root.to_owned())),
    }
}
