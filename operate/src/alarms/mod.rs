//! Alarms: Prometheus alerting and recording rules, judged over the metrics.

pub mod status;

pub use status::{GroupStatus, Health, RuleStatus, Rules};
