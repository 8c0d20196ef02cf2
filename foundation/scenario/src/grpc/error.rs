//! Why a call could not be made, or its answer not be understood. What a server says itself is a status instead.

use crate::client::RequestError;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GrpcError {
    #[error("`config.grpc.protos`: {0}")]
    Protos(String),
    #[error("there is no service `{service}`; {mend}")]
    UnknownService { service: String, mend: String },
    #[error("the service `{service}` has no method `{method}`; {mend}")]
    UnknownMethod { service: String, method: String, mend: String },
    #[error("{peer} does not tell its schema (no server reflection): name the .proto files in `config.grpc.protos`")]
    NoReflection { peer: String },
    #[error("the schema of {peer} cannot be used: {reason}")]
    Schema { peer: String, reason: String },
    #[error("{what} is no {kind}: {reason}")]
    Message { what: String, kind: String, reason: String },
    #[error("`{method}` takes one message, and the call has a list; only a client's stream has several")]
    OneMessage { method: String },
    #[error("the answer is no {kind}: {reason}")]
    Answer { kind: String, reason: String },
    #[error(transparent)]
    Request(RequestError),
}

impl GrpcError {
    /// The name that metrics count it under.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Request(error) => error.code(),
            Self::Message { .. } | Self::OneMessage { .. } => "ERR_GRPC_MESSAGE",
            Self::Answer { .. } => "ERR_GRPC_ANSWER",
            _ => "ERR_GRPC_SCHEMA",
        }
    }
}
