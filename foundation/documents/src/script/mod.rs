//! Scenario scripts, in Artillery's format.

mod duration;
mod model;

pub use duration::duration;
pub use model::*;
