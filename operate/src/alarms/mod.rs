//! Alarms: Prometheus alerting and recording rules, judged over the metrics.
//!
//! [`AlarmTask`] evaluates every rule group at its own instants. [`state`] decides what becomes of an
//! alarm; [`evaluate`] asks the metrics before and writes the outcome after: the ledger gets the
//! alarm's record, with an event for each change, and the metrics get `ALERTS`, `ALERTS_FOR_STATE`
//! and what recording rules record. [`Rules`] shows how everything stood last.
//!
//! Only this task writes alarms. Which incident an instance belongs to it learns from the ledger.

mod evaluate;
mod expand;
mod group;
mod plan;
mod record;
mod schedule;
mod selectors;
mod series;
pub mod state;
pub mod status;
mod task;

#[cfg(test)]
mod tests;

pub use status::{AlertingStatus, GroupStatus, Health, RuleStatus, Rules};
pub use task::AlarmTask;
pub(crate) use task::attached_alarm;
