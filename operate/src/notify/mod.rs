//! Notification: messages to the outside, from an outbox in the ledger.
//!
//! Event rules put a delivery into the ledger; [`NotifyTask`] sends it, over a generic webhook or one
//! that speaks Slack's format; [`state`] decides what becomes of it after each attempt. What could not
//! be delivered is dead until a person tries it again through [`Deliveries`].

mod deliveries;
pub(crate) mod message;
mod send;
pub mod state;
mod task;

#[cfg(test)]
mod tests;

pub use deliveries::{Deliveries, DeliveryError, shown_target};
pub use send::Secrets;
pub use task::NotifyTask;
