//! Why a deployment does not go on.

use kernel::{Classified, Kind, RunId};
use ledger::LedgerError;

use crate::runs::RunError;

#[derive(Debug, thiserror::Error)]
pub enum DeploymentError {
    #[error("the document has changed since the deployment was asked for; ask again")]
    Changed,
    #[error("the deployment has no environment {name:?}")]
    UnknownEnvironment { name: String },
    #[error("another deployment of {of} is under way: the run {run}; wait for its end, or cancel it")]
    Overlaps { of: String, run: RunId },
    #[error("the gate does not open: {0}")]
    Gate(String),
    #[error("rolled back: {0}")]
    RolledBack(String),
    #[error("no shift of the run {run} is under way")]
    NothingUnderWay { run: RunId },
    /// The run ends; the task that undoes shifts does the rest, or the next server goes on.
    #[error("it was cut off")]
    Cut,
    #[error(transparent)]
    Run(#[from] RunError),
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

impl Classified for DeploymentError {
    fn kind(&self) -> Kind {
        match self {
            Self::UnknownEnvironment { .. } => Kind::NotFound,
            Self::Changed | Self::Overlaps { .. } | Self::NothingUnderWay { .. } => Kind::Conflict,
            Self::Gate(_) | Self::RolledBack(_) | Self::Cut => Kind::Internal,
            Self::Run(error) => error.kind(),
            Self::Ledger(error) => error.kind(),
        }
    }
}
