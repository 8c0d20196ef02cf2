//! Runbooks, playbooks, scenarios and their runs.

pub mod runbooks;
pub mod runs;
pub mod scenarios;
