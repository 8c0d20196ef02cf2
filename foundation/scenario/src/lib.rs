//! A user journey, played: once as a test, or by many virtual users at a rate.
//!
//! A checked [`documents::script::Script`] is compiled once into a program; virtual users walk it. Knows no
//! folder of documents, no ledger and no lake: what happened is told to an observer.

mod browser;
pub mod client;
pub mod conformance;
mod grpc;
pub mod load;
mod nearest;
mod once;
mod program;
mod redact;
pub mod test;
mod trace;
mod user;
pub mod value;

pub use browser::{Attachment, BrowserError};
pub use grpc::GrpcError;
pub use program::{CompileError, CompileOptions, Program};
pub use redact::{HIDDEN, Redactor, looks_secret};
pub use trace::TraceContext;
pub use user::Ended;
