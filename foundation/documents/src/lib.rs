//! What should be: the documents of a team's `ops/` folder.
//!
//! Files are found by content, parsed with their positions, decoded one module per kind, and checked
//! against each other. The result is a [`Graph`] that later code cannot hold unchecked, and the
//! [`Diagnostic`]s for people.
//!
//! Knows no network and no database.

mod load;
mod watch;

// The kinds.
pub mod canary;
pub mod catalog;
pub mod config_profile;
pub mod deployment;
pub mod event_rule;
pub mod experiment;
pub mod game_day;
mod kinds;
pub mod rules;
pub mod runbook;
pub mod schedule;
pub mod script;
pub mod strategy;
pub mod workload;

// What is checked, and what is said about it.
pub mod codes;
pub mod diagnostic;
mod findings;
mod links;
pub mod promql;
pub mod report;
pub mod schema;
pub mod suggest;
pub mod value;

// What comes out, and where it comes from.
pub mod graph;
mod revision;
mod source;

pub use diagnostic::{Diagnostic, Level, Origin};
pub use graph::{Graph, Loaded};
pub use load::{Options, load, load_with};
pub use watch::{watch, watch_with};
