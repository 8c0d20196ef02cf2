//! Why a runner's word is not taken.

use kernel::{Classified, Kind, RunId};
use ledger::LedgerError;

#[derive(Debug, thiserror::Error)]
pub enum RunnerError {
    #[error("share {share} of the run {run} is no longer held by this runner")]
    Gone { run: RunId, share: u64 },
    #[error("{what} of a share cannot be read: {source}")]
    Unreadable { what: &'static str, source: serde_json::Error },
    #[error("this server has met {most} runners lately and takes no more")]
    TooMany { most: usize },
    #[error("a runner's {what} has 1 to {most} characters")]
    Name { what: &'static str, most: usize },
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

impl Classified for RunnerError {
    fn kind(&self) -> Kind {
        match self {
            Self::Gone { .. } => Kind::Conflict,
            Self::Unreadable { .. } | Self::Name { .. } => Kind::Invalid,
            Self::TooMany { .. } => Kind::Busy,
            Self::Ledger(error) => error.kind(),
        }
    }
}
