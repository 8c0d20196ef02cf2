//! Canaries: looking at a service from outside, on a schedule.
//!
//! A check is played at its instants, or a scenario is asked for as a run; each result becomes samples in the
//! convention of Prometheus's blackbox exporter and an event. The alarm after n of m failures is one more
//! alerting rule over those samples, so whoever follows alarms follows canaries too. A heartbeat turns it
//! round: the job calls in, and its absence is the failure.

mod check;
mod record;
mod rounds;
mod rules;
mod state;
mod task;

pub use check::{Looked, Reading};
pub use record::{actor, keep};
pub use rounds::{Post, Rounds, Turn, is_here};
pub use rules::rules;
pub use task::CanaryTask;
