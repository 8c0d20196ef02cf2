//! Evolve: what is learned from what happened.

pub mod experiments;
pub mod faults;
pub mod game_days;
pub mod postmortems;
pub mod scale_points;
