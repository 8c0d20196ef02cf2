//! What can go wrong with an incident.

use kernel::{Classified, Kind};
use ledger::LedgerError;

use super::state::StateError;

#[derive(Debug, thiserror::Error)]
pub enum IncidentError {
    #[error("{0}")]
    Invalid(String),
    #[error(transparent)]
    State(#[from] StateError),
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

impl Classified for IncidentError {
    fn kind(&self) -> Kind {
        match self {
            Self::Invalid(_) | Self::State(StateError::NoTitle) => Kind::Invalid,
            Self::State(StateError::Status { .. } | StateError::NotResolved(_)) => Kind::Conflict,
            Self::Ledger(error) => error.kind(),
        }
    }
}
