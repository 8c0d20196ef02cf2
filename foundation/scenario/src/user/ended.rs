//! Why a virtual user did not come to the end of its journey.

use crate::browser::BrowserError;
use crate::client::RequestError;
use crate::grpc::GrpcError;
use crate::value::{CaptureError, ExpressionError, HookError, Mismatch, RenderError};

#[derive(Debug, Clone, thiserror::Error)]
pub enum Ended {
    #[error(transparent)]
    Request(RequestError),
    #[error(transparent)]
    Browser(BrowserError),
    #[error("{0}")]
    Capture(CaptureError),
    #[error("{0}")]
    Mismatch(Mismatch),
    #[error(transparent)]
    Function(HookError),
    #[error(transparent)]
    Template(RenderError),
    #[error("`ifTrue`: {0}")]
    Condition(ExpressionError),
    #[error("{what}: {reason}")]
    Value { what: String, reason: String },
    #[error(transparent)]
    Grpc(GrpcError),
    /// Neither done nor failed.
    #[error("the run is over")]
    Stopped,
}

impl Ended {
    /// The name that metrics count it under. Requests go by the codes of Node, captures by Artillery's text.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Request(error) => error.code(),
            Self::Browser(error) => error.code(),
            Self::Capture(_) => "Failed capture or match",
            Self::Mismatch(_) => "Failed expectation",
            Self::Function(_) => "Failed function",
            Self::Grpc(error) => error.code(),
            Self::Stopped => "Stopped",
            Self::Template(_) | Self::Condition(_) | Self::Value { .. } => "Failed template",
        }
    }
}
