//! The lake keeps what is: logs, spans and metrics.
//!
//! ```text
//! export ─▶ write-ahead log (group commit) ─▶ head (in memory) ─▶ Parquet files on an object store
//!              acknowledged from here            queries read heads and files together
//! ```
//!
//! [`Lake`] implements the ports of `telemetry`. This room alone knows DataFusion, Arrow and Parquet;
//! it knows neither documents nor the ledger, whose tables it gets as [`kernel::table::TableSource`]s.

mod error;
mod files;
mod lake;
mod maintenance;
mod metrics;
mod records;
mod settings;
mod shelf;
mod signal;
mod sink;
mod source;
mod sql;
mod status;
mod wal;

pub use error::LakeError;
pub use files::{Store, StoreError};
pub use lake::Lake;
pub use settings::{FlushSettings, LakeSettings, QuerySettings, Retention};
pub use status::{LakeStatus, SignalStatus};
