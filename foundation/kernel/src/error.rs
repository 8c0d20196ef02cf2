//! Few kinds of error, mapped to a protocol's status codes in one place per protocol.

/// What a caller can do about an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The request is wrong; the same request will fail again.
    Invalid,
    /// What the request names does not exist.
    NotFound,
    /// The state changed meanwhile, or does not allow the request; read again, then decide.
    Conflict,
    /// The caller may not do this.
    Forbidden,
    /// The request is larger than a stated limit.
    TooLarge,
    /// The server is at a limit; the same request may succeed later.
    Busy,
    /// The request took longer than it may.
    Timeout,
    /// A fault of ours or of the machine; the operator's log has the cause.
    Internal,
}

/// Every error that can reach a caller says its kind. Its `Display` is what the caller may see; its
/// `source` chain is for the operator.
pub trait Classified: std::error::Error + Send + Sync + 'static {
    fn kind(&self) -> Kind;
}
