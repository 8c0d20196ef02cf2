//! Alarms, canaries, event rules, notifications and incidents.

pub mod alarms;
pub mod canaries;
pub mod deliveries;
pub mod event_rules;
pub mod incidents;
