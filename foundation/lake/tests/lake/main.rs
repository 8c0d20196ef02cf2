//! The lake from outside: through its ports, across restarts, on stores that fail.

extern crate mainstay_lake as lake;

mod crash_points;
mod metrics_model;
mod ports;
mod recovery;
mod sql;
mod support;
mod upkeep;
