//! Incidents: declared by rules and by people, led by a commander, told as a timeline.
//!
//! [`Incidents`] is what people do with them; [`state`] decides what may become of one; the
//! [`timeline`] gathers what happened from the ledger; [`IncidentTask`] resolves those whose alarms
//! have all resolved, where the rule that opened them asks for it.

mod error;
pub(crate) mod service;
pub mod state;
mod task;
pub mod timeline;

#[cfg(test)]
mod tests;

pub use error::IncidentError;
pub use service::{Attachment, Declaration, Incidents};
pub use state::Change;
pub use task::IncidentTask;
pub use timeline::Entry;
