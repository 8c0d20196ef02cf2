//! The lake's background work: heads into files, small files into large ones, old files away.

mod compaction;
mod flushes;
mod plan;

pub use compaction::Compaction;
pub use flushes::Flushes;
