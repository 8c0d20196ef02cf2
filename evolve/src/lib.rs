//! Evolve: what is learned from what happened.

pub mod postmortems;
