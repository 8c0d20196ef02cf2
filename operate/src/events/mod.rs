//! Event rules: an event that matches a pattern asks for an incident, a run, a message.
//!
//! [`EventRuleTask`] reads the ledger after its cursor. For each event it appends, in one batch with
//! the cursor, what the targets of all matching rules ask for; each request has the key
//! `rule/event-id/target-index`, so that it exists once however often the event is read. Whoever
//! carries a request out follows the ledger in turn.

mod chain;
mod targets;
mod task;
mod template;

#[cfg(test)]
mod tests;

pub use task::EventRuleTask;
