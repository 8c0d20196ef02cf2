//! Chaos experiments, post-mortems and their actions.

pub mod actions;
pub mod experiments;
pub mod postmortems;
