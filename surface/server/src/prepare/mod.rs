//! Runbooks, playbooks and their runs.

pub mod runbooks;
pub mod runs;
