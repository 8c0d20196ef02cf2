//! Runbooks, playbooks, scenarios and their runs; deployments; configurations and feature flags; parameters and secrets.

pub mod attachments;
pub mod configuration;
pub mod deployments;
pub mod parameters;
pub mod runbooks;
pub mod runners;
pub mod runs;
pub mod scenarios;
pub mod secrets;
