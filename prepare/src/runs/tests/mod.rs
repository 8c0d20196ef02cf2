//! Runbooks from outside: documents in a folder, real processes, a ledger in memory.

mod approvals;
mod cells;
mod crashes;
mod players;
mod requests;
mod values;
pub(crate) mod world;
