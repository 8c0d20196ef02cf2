//! Alarms from the outside: scenarios in files that read like Prometheus's rule unit tests, and the
//! task with its ledger.

mod scenarios;
mod states;
mod tasks;
