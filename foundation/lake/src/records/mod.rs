//! Logs and spans: rows of Arrow columns in memory, Parquet files below them.

mod columns;
mod head;
mod logs;
mod parquet;
mod spans;

use std::fmt::Debug;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use kernel::table::ColumnSchema;

pub use columns::{JSON, UTC};
pub use head::{RecordHead, time_bounds};
pub use logs::{Logs, batch as log_batch};
pub use spans::{Spans, batch as span_batch};

use crate::signal::SignalName;

/// What logs and spans differ in.
pub trait Record: Debug + Send + Sync + 'static {
    const SIGNAL: SignalName;
    /// The column that says when.
    const TIME: &'static str;
    const DESCRIPTION: &'static str;

    fn schema() -> SchemaRef;

    fn columns() -> Vec<ColumnSchema>;

    /// The rows of an OTLP request in protobuf; none if it is no such request.
    fn decode(payload: &[u8]) -> Option<RecordBatch>;
}
