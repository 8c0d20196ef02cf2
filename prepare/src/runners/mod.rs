//! Runners: processes elsewhere that play what this server gives them, and hold nothing of their own.
//!
//! A load that several produce together is opened as shares. A runner that asks for work takes one under a
//! lease in the ledger, prepares, and says that it is ready; once all are, the server names the instant at which
//! all begin. From then on a share is renewed with every word of its runner, and ends with what was measured.
//! A share whose lease lapses is open again before the start, and lost after it.

mod desk;
mod error;
mod shared;
mod state;
#[cfg(test)]
mod tests;

pub use desk::{Caller, Heard, Runners, Seen, Told, Work};
pub use error::RunnerError;
pub use shared::{Ended, Offer, Opened};
pub use state::{Part, Refusal, Shares, Standing, State};

use std::time::Duration;

/// How long a share is its runner's without a word of it. A lost share ends its whole load, so a machine that
/// stalls for some seconds does not lose it.
pub const LEASE: Duration = Duration::from_secs(10);
/// The most that a share's result may have as JSON.
pub const OUTCOME_BYTES_MAX: usize = 64 << 20;
/// The most runners that one load is shared by.
pub const WORKERS_MAX: u64 = 100;
