//! Organize: what there is, who owns it, and what matters most.

pub mod catalog;
