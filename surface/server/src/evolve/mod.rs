//! Chaos experiments, scale points, post-mortems and their actions.

pub mod actions;
pub mod experiments;
pub mod postmortems;
pub mod scale_points;
