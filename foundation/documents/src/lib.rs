//! What should be: the documents of a team's `ops/` folder.
//!
//! Files are found by content, parsed with their positions, decoded one module per kind, and checked
//! against each other. The result is a [`Graph`] that later code cannot hold unchecked, and the
//! [`Diagnostic`]s for people.
//!
//! Knows no network and no database.

pub mod catalog;
pub mod diagnostic;
pub mod event_rule;
pub mod graph;
pub mod rules;
pub mod runbook;
pub mod workload;

pub use diagnostic::{Diagnostic, Level, Origin};
pub use graph::{Graph, Loaded};
