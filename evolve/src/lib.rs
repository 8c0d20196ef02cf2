//! Evolve: what is learned from what happened.

pub mod faults;
pub mod postmortems;
pub mod scale_points;
