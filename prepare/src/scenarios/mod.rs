//! Scenarios as runs: once as a test, or with their phases as a load.

mod live;
mod player;

pub use player::ScenarioPlayer;
