//! gRPC without generated code: a schema that is read from `.proto` files or asked of the server, messages that
//! are JSON in scripts, and calls over the HTTP client's own HTTP/2 connections.
//!
//! Source: gRPC over HTTP/2 (`doc/PROTOCOL-HTTP2.md` of grpc/grpc); the JSON mapping of Protocol Buffers.

mod call;
mod error;
mod message;
mod reflection;
mod schema;
mod status;

pub(crate) use call::{Incoming, Outgoing, call};
pub use error::GrpcError;
pub(crate) use message::{check, decode, encode};
pub(crate) use schema::{Place, Schema};
pub(crate) use status::{Status, code_of};
