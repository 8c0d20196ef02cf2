//! The lake from outside: through its ports, across restarts, on stores that fail.

mod crash_points;
mod metrics_model;
mod ports;
mod recovery;
mod sql;
mod support;
mod upkeep;
