//! Scale points: the rate at which a service breaks, how its throughput grows until there, and how long the
//! daily peak takes to reach it.

mod known;
pub mod runway;
pub mod saturation;
pub mod search;
mod task;
pub mod usl;

pub use known::{BROKE, HELD, KnownScalePoint, REQUESTS, SATURATED, ScalePoints};
pub use task::RunwayTask;
