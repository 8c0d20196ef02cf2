//! From files to trees: which files hold documents, and what they say where.

pub mod front_matter;
pub mod node;
pub mod recognize;
pub mod walk;
pub mod yaml;

pub use node::{Home, Node, Place, Shape, Span};
