//! Post-mortems and their actions.

pub mod actions;
pub mod postmortems;
