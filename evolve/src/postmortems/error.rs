//! What can be wrong with a post-mortem.

use kernel::{Classified, Kind};
use ledger::LedgerError;

#[derive(Debug, thiserror::Error)]
pub enum PostmortemError {
    /// A person's words are never written over.
    #[error("{path} has been changed since it was drafted and is kept; move it away to have it drafted anew")]
    Edited { path: String },
    #[error("{path} does not lie below the repository's root; mend the workload's setting `postmortems`")]
    Outside { path: String },
    #[error("the file {path} could not be read or written")]
    File { path: String, #[source] source: std::io::Error },
    #[error("an action needs a title of at most {limit} bytes")]
    Title { limit: usize },
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

impl Classified for PostmortemError {
    fn kind(&self) -> Kind {
        match self {
            Self::Edited { .. } => Kind::Conflict,
            Self::Outside { .. } | Self::Title { .. } => Kind::Invalid,
            Self::File { source, .. } if source.kind() == std::io::ErrorKind::NotFound => Kind::NotFound,
            Self::File { .. } => Kind::Internal,
            Self::Ledger(error) => error.kind(),
        }
    }
}
