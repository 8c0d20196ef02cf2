//! What plays the documents that are played as a whole, and what stands behind an experiment.
//!
//! Stages do not name each other; here they meet.

mod experiment;
mod game_day;
mod house;
pub mod limit;
mod outside;
mod scenario;

use std::path::Path;

use evolve::faults;

pub use experiment::{ExperimentPlayer, Told};
pub use game_day::{GameDayHost, GameDayPlayer};
pub use house::House;
pub use outside::Outside;
pub use scenario::Scenarios;

/// How faults begin in this process; lifts first what a killed one left. The guard is this program again.
pub async fn injector(data: &Path) -> anyhow::Result<faults::Injector> {
    let data = data.join("faults");
    for repaired in faults::repair(&data).await? {
        match repaired.problem {
            None => tracing::info!(fault = repaired.fault, "lifted a fault that was left behind"),
            Some(problem) => tracing::error!(fault = repaired.fault, problem, "a fault that was left behind could not be lifted"),
        }
    }
    let guard = vec![std::env::current_exe()?.into(), crate::cli::GUARD.into()];
    Ok(faults::Injector::new(faults::Settings { data, guard }))
}
