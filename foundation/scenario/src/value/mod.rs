//! Everything that computes with a virtual user's values.
//!
//! What can be known when a script is compiled is done then: texts are split into their parts, selectors and
//! expressions are parsed, JavaScript is loaded. A request then only joins parts. Knows no socket and no clock.

pub mod capture;
pub mod expect;
pub mod expression;
pub mod javascript;
mod path;
pub mod response;
pub mod scope;
pub mod template;

pub use capture::{Capture, CaptureError};
pub use expect::{Expectation, Match, Mismatch};
pub use expression::{Expression, ExpressionError};
pub use javascript::{Called, Emitted, Hook, HookError, HookRequest, Processor, ProcessorError};
pub use response::{Response, ResponseError};
pub(crate) use scope::uuid_text;
pub use scope::{Base, Path, Scope, Surroundings};
pub use template::{Json, RenderError, TemplateError, Text};

use documents::diagnostic::Origin;

/// A part of a script that cannot be understood, with its place.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct CompileError {
    pub message: String,
    pub origin: Origin,
}
