//! Prepare: what a team has ready before something happens, and how it is carried out.

pub mod aws;
mod cause;
pub mod configuration;
pub mod deployments;
pub mod judge;
pub mod parameters;
pub mod runners;
pub mod runs;
pub mod scenarios;
pub mod secrets;
pub mod values;
