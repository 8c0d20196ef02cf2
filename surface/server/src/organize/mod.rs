//! The catalogue and the overview.

pub mod documents;
pub mod entities;
pub mod overview;
