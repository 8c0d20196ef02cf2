//! Signals: their model, the wire formats they come in, PromQL over them, and the ports they run over.
//!
//! Knows no disk and no query engine: the lake stands behind the ports in [`ports`].

pub mod label_buffer;
pub mod labels;
pub mod memory;
pub mod otlp;
pub mod ports;
pub mod promql;
pub mod sql;

pub use label_buffer::{LabelBuffer, LabelsView};
pub use labels::{Label, Labels, LabelsBuilder};
pub use memory::MemorySource;
pub use ports::{Export, ExportBody, LogTail, MetricSource, Signal, SignalSink, SinkError, SourceError, SqlError, SqlSource};
