//! Why a fault does not begin, or does not lift.

use std::path::PathBuf;

use kernel::{Classified, Kind};

#[derive(Debug, thiserror::Error)]
pub enum FaultError {
    #[error("{what} {target:?} is not among the targets that the document allows; list it under `{list}` to permit it")]
    NotListed { what: &'static str, target: String, list: &'static str },
    #[error("the deadline of these faults has passed")]
    DeadlinePassed,
    #[error("{fault}: {message}")]
    Invalid { fault: &'static str, message: String },
    /// The machine, or the rights of this process, do not allow it.
    #[error("{fault}: {message}")]
    NotPermitted { fault: &'static str, message: String },
    #[error("{fault}: {message}")]
    NotFound { fault: &'static str, message: String },
    /// Beginning or undoing did not work.
    #[error("{fault}: {message}")]
    Failed { fault: &'static str, message: String },
    #[error("the guard, which undoes faults when the server ends, {message}")]
    Guard { message: String },
    #[error("{path} could not be read or written", path = path.display())]
    File { path: PathBuf, #[source] source: std::io::Error },
}

impl Classified for FaultError {
    fn kind(&self) -> Kind {
        match self {
            Self::NotListed { .. } | Self::NotPermitted { .. } => Kind::Forbidden,
            Self::DeadlinePassed => Kind::Timeout,
            Self::Invalid { .. } => Kind::Invalid,
            Self::NotFound { .. } => Kind::NotFound,
            Self::Failed { .. } | Self::Guard { .. } | Self::File { .. } => Kind::Internal,
        }
    }
}
