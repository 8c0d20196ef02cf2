//! Metrics: series by their labels, samples in packed chunks.

mod batch;
mod cache;
mod chunk;
mod file;
mod head;
mod index;
mod merge;
mod select;
mod varint;

pub use batch::SampleBatch;
pub use cache::IndexCache;
pub use file::labels_json;
pub use head::MetricHead;
pub use select::Selection;
