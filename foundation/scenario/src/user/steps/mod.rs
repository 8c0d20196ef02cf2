//! The steps of a journey that are more than a few lines.

mod hooked;
mod inspect;
mod multipart;
mod parallel;
mod request;

pub(super) use parallel::parallel;
pub(super) use request::request;
