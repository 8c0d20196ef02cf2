//! Why an experiment is not played at all.

use kernel::{Classified, Kind};

#[derive(Debug, thiserror::Error)]
pub enum ExperimentError {
    /// Everything that stands in the way, so that it can be mended at once. Nothing has been done.
    #[error("the experiment is not played: {}", reasons.join("; "))]
    Refused { reasons: Vec<String> },
    #[error("{environment} is production: the experiment needs an approval before it is played")]
    NeedsApproval { environment: String },
}

impl Classified for ExperimentError {
    fn kind(&self) -> Kind {
        match self {
            Self::Refused { .. } => Kind::Invalid,
            Self::NeedsApproval { .. } => Kind::Forbidden,
        }
    }
}
