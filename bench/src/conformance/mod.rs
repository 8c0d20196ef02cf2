//! How well we keep to what others specified, told by their own tests.

pub mod artillery;
pub mod chaostoolkit;
pub mod promql;
