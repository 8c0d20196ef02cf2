//! Chaos experiments, game days, scale points, post-mortems and their actions.

pub mod actions;
pub mod experiments;
pub mod game_days;
pub mod postmortems;
pub mod scale_points;
