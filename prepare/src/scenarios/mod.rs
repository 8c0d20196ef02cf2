//! Scenarios as runs: once as a test, or with their phases as a load.

mod attach;
mod figures;
mod live;
mod player;
mod setup;
mod shared;
mod spans;

pub use attach::test_report;
pub use figures::recorded_series;
pub use live::{Slow, slowest_of};
pub use player::{ScenarioPlayer, TRACED_RATE, Telemetry};
pub use setup::{Setup, joined};
pub use spans::{export as span_export, received as received_spans};
