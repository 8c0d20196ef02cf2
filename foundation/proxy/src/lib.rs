//! A reverse proxy that shares traffic between two versions of a component.
//!
//! Each worker is a thread with its own listener on the same port, its own connections to the backends and its own
//! counters, so that a request meets no lock that another thread holds. [`Proxy`] is the handle: it sets the shares,
//! drains backends and reads the counters; [`control`] offers the same over HTTP. What was acknowledged is in the
//! state file before the traffic follows.
//!
//! Knows nothing of documents, the ledger or the telemetry that its counters become.

mod backend;
mod body;
mod client;
pub mod config;
mod control;
mod error;
mod forward;
mod handle;
mod headers;
mod health;
mod listen;
mod meter;
mod open;
mod routing;
mod shares;
mod state_file;
mod sticky;
mod upgrade;
mod upstream;
mod worker;

pub use backend::BackendStatus;
pub use config::Config;
pub use error::ProxyError;
pub use handle::{Proxy, Status, VersionStatus};
pub use meter::{BOUNDS_S, Series};
pub use shares::Shares;
