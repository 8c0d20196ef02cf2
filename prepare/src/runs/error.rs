//! What can be wrong with a request about a run.

use kernel::{Classified, Kind, RunId};
use ledger::{LedgerError, RunStatus};

#[derive(Debug, thiserror::Error)]
pub enum RunError {
    #[error("there is no runbook, playbook, scenario, experiment, game day or deployment named {name:?}{}", did_you_mean(.suggestion))]
    UnknownDocument { name: String, suggestion: Option<String> },
    #[error("{document} has no parameter {name:?}{}", did_you_mean(.suggestion))]
    UnknownParameter { document: String, name: String, suggestion: Option<String> },
    #[error("{document} needs the parameter {name:?}")]
    MissingParameter { document: String, name: String },
    #[error("{value:?} is not allowed for the parameter {name:?}; use one of {}", .allowed.join(", "))]
    NotAllowed { name: String, value: String, allowed: Vec<String> },
    #[error("the value of the parameter {name:?} holds a zero byte or is longer than {limit} bytes")]
    UnusableValue { name: String, limit: usize },
    #[error("the run {run} does not wait for an approval")]
    NotWaiting { run: RunId },
    #[error("the run {run} is not interrupted")]
    NotInterrupted { run: RunId },
    #[error("the run {run} is over: it has {}", status_word(*.status))]
    Finished { run: RunId, status: RunStatus },
    #[error("the run {run} is not over yet; cancel it, or wait for its end, before you repeat it")]
    NotFinished { run: RunId },
    #[error("whoever asked for a run cannot approve it; ask a colleague")]
    ByInitiator,
    #[error("{actor} is not among the approvers of this step: {approvers}")]
    NotApprover { actor: String, approvers: String },
    #[error("{actor} is not among the operators of the deployment {deployment}: {operators}")]
    NotOperator { actor: String, deployment: String, operators: String },
    #[error("{actor} has approved this step already")]
    ApprovedAlready { actor: String },
    #[error("what is to be approved has changed since it was shown; read it again")]
    Changed,
    #[error("only runs of scenarios and experiments can be recorded; request runs of others")]
    NotRecordable,
    #[error("the run ends before it begins")]
    EndsBeforeItBegins,
    #[error("the lines and the report are longer than {limit} bytes")]
    TooMuchOutput { limit: usize },
    #[error("a run keeps at most {limit} attachments")]
    TooManyAttachments { limit: usize },
    #[error("the attachments of a run are together at most {} MiB", .limit >> 20)]
    TooLargeAttachments { limit: usize },
    #[error("the attachment {number} cannot be kept: each has a number of its own from 0 on, a short name, a media type, and its data in Base64")]
    UnusableAttachment { number: i64 },
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

impl Classified for RunError {
    fn kind(&self) -> Kind {
        match self {
            Self::UnknownDocument { .. } => Kind::NotFound,
            Self::UnknownParameter { .. }
            | Self::MissingParameter { .. }
            | Self::NotAllowed { .. }
            | Self::UnusableValue { .. }
            | Self::NotRecordable
            | Self::EndsBeforeItBegins
            | Self::TooMuchOutput { .. }
            | Self::TooManyAttachments { .. }
            | Self::TooLargeAttachments { .. }
            | Self::UnusableAttachment { .. } => Kind::Invalid,
            Self::ByInitiator | Self::NotApprover { .. } | Self::NotOperator { .. } => Kind::Forbidden,
            Self::NotWaiting { .. }
            | Self::NotInterrupted { .. }
            | Self::Finished { .. }
            | Self::NotFinished { .. }
            | Self::ApprovedAlready { .. }
            | Self::Changed => Kind::Conflict,
            Self::Ledger(error) => error.kind(),
        }
    }
}

fn did_you_mean(suggestion: &Option<String>) -> String {
    suggestion.as_ref().map(|name| format!("; did you mean {name:?}?")).unwrap_or_default()
}

fn status_word(status: RunStatus) -> &'static str {
    match status {
        RunStatus::Succeeded => "succeeded",
        RunStatus::Failed => "failed",
        RunStatus::Cancelled => "been cancelled",
        RunStatus::Requested | RunStatus::Running | RunStatus::Waiting | RunStatus::Interrupted => "not finished",
    }
}

/// The known name that is most like `name`, if one is alike at all.
pub(super) fn closest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<String> {
    known
        .map(|candidate| (strsim::jaro_winkler(name, candidate), candidate))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate.to_owned())
}
