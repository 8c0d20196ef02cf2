//! The steps of a journey that are more than a few lines.

mod grpc;
mod headers;
mod hooked;
mod inspect;
mod multipart;
mod parallel;
mod request;
mod ws;

pub(super) use grpc::grpc;
pub(super) use parallel::parallel;
pub(super) use request::request;
pub(super) use ws::ws;
