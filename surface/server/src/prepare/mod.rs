//! Runbooks, playbooks, scenarios and their runs.

pub mod attachments;
pub mod deployments;
pub mod runbooks;
pub mod runners;
pub mod runs;
pub mod scenarios;
