//! What can be wrong with a request about a parameter.

use documents::value::PathError;
use kernel::{Classified, Kind};
use ledger::LedgerError;

#[derive(Debug, thiserror::Error)]
pub enum ParameterError {
    #[error(transparent)]
    Path(#[from] PathError),
    #[error("{path} has no label {label:?}{}", known(.labels))]
    NoLabel { path: String, label: String, labels: Vec<String> },
    #[error("{0:?} cannot be a label: use up to 100 letters, digits, ., - and _, not a digit, `aws` or `ssm` in front")]
    Label(String),
    #[error("a version has at most {0} labels; move one away first")]
    TooManyLabels(usize),
    #[error("the value of a parameter of this type must be {0}")]
    WrongType(&'static str),
    #[error("the value has {size_bytes} bytes; a parameter takes at most {limit_bytes}")]
    TooLarge { size_bytes: usize, limit_bytes: usize },
    #[error("{0} looks like a secret, and parameters can be read by everybody: keep it with `mainstay secret put`")]
    Secret(String),
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

impl Classified for ParameterError {
    fn kind(&self) -> Kind {
        match self {
            Self::NoLabel { .. } => Kind::NotFound,
            Self::TooLarge { .. } => Kind::TooLarge,
            Self::TooManyLabels(_) => Kind::Conflict,
            Self::Path(_) | Self::Label(_) | Self::WrongType(_) | Self::Secret(_) => Kind::Invalid,
            Self::Ledger(error) => error.kind(),
        }
    }
}

fn known(labels: &[String]) -> String {
    if labels.is_empty() { "; it has none".to_owned() } else { format!("; it has {}", labels.join(", ")) }
}
