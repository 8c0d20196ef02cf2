//! What can be wrong with a request about a secret. Values never stand in any of it.

use documents::value::PathError;
use kernel::{Classified, Kind, RunId};
use ledger::{LedgerError, Stage};

use super::keys::KeyError;
use super::seal::SealError;

#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    #[error(transparent)]
    Path(#[from] PathError),
    #[error("{path} has no {stage} version")]
    NoStage { path: String, stage: Stage },
    #[error("{path} is being rotated by the run {run}; wait for its end, or cancel it")]
    Rotating { path: String, run: RunId },
    #[error("the value has more than {limit_bytes} bytes")]
    TooLarge { limit_bytes: usize },
    #[error("the value has fewer than {least} characters: it could not be hidden from outputs")]
    TooShort { least: usize },
    #[error("the value holds a zero character, which no environment variable can")]
    Zero,
    #[error("a generated value has {least} to {most} characters")]
    Length { least: usize, most: usize },
    #[error("say why the value is read; it is recorded")]
    NoReason,
    #[error("{0}")]
    Forbidden(String),
    #[error("there is no runbook named {0:?} among the documents")]
    NoRunbook(String),
    #[error("the runbook {runbook:?} needs the parameter {parameter:?}; a rotation gives it none")]
    NeedsParameter { runbook: String, parameter: String },
    #[error(transparent)]
    Seal(#[from] SealError),
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

impl Classified for SecretError {
    fn kind(&self) -> Kind {
        match self {
            Self::NoStage { .. } | Self::NoRunbook(_) => Kind::NotFound,
            Self::Rotating { .. } => Kind::Conflict,
            Self::TooLarge { .. } => Kind::TooLarge,
            Self::Forbidden(_) => Kind::Forbidden,
            Self::Path(_) | Self::TooShort { .. } | Self::Zero | Self::Length { .. } | Self::NoReason | Self::NeedsParameter { .. } => Kind::Invalid,
            Self::Seal(SealError::Key(error)) | Self::Key(error) => error.kind(),
            Self::Seal(_) => Kind::Internal,
            Self::Ledger(error) => error.kind(),
        }
    }
}
