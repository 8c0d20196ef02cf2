//! Scenario scripts, in Artillery's format.

mod model;

pub use model::*;
