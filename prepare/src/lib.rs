//! Prepare: what a team has ready before something happens, and how it is carried out.

pub mod deployments;
pub mod configuration;
pub mod judge;
pub mod aws;
pub mod parameters;
pub mod runners;
pub mod runs;
pub mod scenarios;
pub mod secrets;
pub mod values;
