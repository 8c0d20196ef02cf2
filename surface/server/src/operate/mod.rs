//! Alarms, event rules, notifications and incidents.

pub mod alarms;
pub mod deliveries;
pub mod event_rules;
pub mod incidents;
