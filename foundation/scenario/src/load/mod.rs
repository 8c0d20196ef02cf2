//! Many virtual users at a rate.
//!
//! The [`Plan`] says when each arrives. Worker threads start them at these instants whatever the target does,
//! and count; a collector merges the counts and tells an [`Observer`]. What is left is an [`Outcome`], of which a
//! [`Report`] is made.

mod collect;
mod compare;
mod counter;
mod distribution;
mod limits;
mod measured;
mod metrics;
mod observer;
mod outcome;
mod plan;
mod report;
mod run;
mod series;
mod verdict;
mod worker;

pub use compare::{Change, Comparison, compare};
pub use distribution::{Distribution, Summary};
pub use measured::{Counts, Endpoint, Failures, Measured, Timing, Vusers};
pub use observer::{Finished, Observer, Snapshot, Unobserved};
pub use outcome::Outcome;
pub use plan::{Arrival, Kind, Plan, Planned};
pub use report::{Apdex, EndpointReport, Generator, PhaseReport, Report, Slip, Timings};
pub use run::{LoadError, LoadOptions, Share, lead, run, run_from};
pub use series::{Point, Series};
pub use verdict::Verdict;
