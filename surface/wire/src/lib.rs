//! Requests and responses of the API, shared with the page's generated client.
//!
//! State that the ledger holds travels as the ledger's own types; here is what is put together for a
//! reader, and what a caller sends.

pub mod canaries;
pub mod catalog;
pub mod deployments;
pub mod config_profiles;
pub mod error;
pub mod experiments;
pub mod explore;
pub mod game_days;
pub mod incidents;
pub mod overview;
pub mod parameters;
pub mod postmortems;
pub mod runners;
pub mod runs;
pub mod scale_points;
pub mod scenarios;
pub mod secrets;
pub mod status;
