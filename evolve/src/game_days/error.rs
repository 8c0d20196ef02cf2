//! What can be wrong with a game day.

use kernel::{Classified, Kind, RunId};
use ledger::LedgerError;

use super::HostError;

#[derive(Debug, thiserror::Error)]
pub enum GameDayError {
    #[error("there is no game day {name:?}")]
    Unknown { name: String },
    #[error("the game day was changed after the run was requested; request it again")]
    Changed,
    #[error("the run {run} is no game day that has begun")]
    NotBegun { run: RunId },
    #[error("the game day has {count} hypotheses; {index} is none of them, counting from 0")]
    NoHypothesis { index: usize, count: usize },
    #[error("only a person can do that; {actor} is none")]
    NoPerson { actor: String },
    #[error(transparent)]
    Host(#[from] HostError),
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

impl Classified for GameDayError {
    fn kind(&self) -> Kind {
        match self {
            Self::Unknown { .. } | Self::NotBegun { .. } => Kind::NotFound,
            Self::Changed => Kind::Conflict,
            Self::NoHypothesis { .. } | Self::NoPerson { .. } => Kind::Invalid,
            Self::Host(_) => Kind::Internal,
            Self::Ledger(error) => error.kind(),
        }
    }
}
