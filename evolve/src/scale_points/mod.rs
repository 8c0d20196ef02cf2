//! Scale points: the rate at which a service breaks, how its throughput grows until there, and how long the
//! daily peak takes to reach it.

pub mod runway;
pub mod search;
pub mod usl;
