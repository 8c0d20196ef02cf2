//! The lake's files: where they lie, which of them count, and what is known of each.
//!
//! The manifest beside the data names the files that count, and for each signal how far its
//! write-ahead log is in them. It is replaced as a whole, so that files and log position change in
//! one step: whatever the moment of a crash, each record is in a named file or behind the position,
//! never both.

mod catalog;
mod reader;
mod store;

use serde::{Deserialize, Serialize};

pub use catalog::{Catalog, Change};
pub use reader::FileReader;
pub use store::{Store, StoreError};

/// What the manifest says of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileMeta {
    /// Below the lake's root.
    pub path: String,
    pub bytes: u64,
    /// Log records, spans, or samples.
    pub records: u64,
    pub first_ns: i64,
    pub last_ns: i64,
    pub written_ms: i64,
    /// How often its content has been merged.
    pub level: u32,
    /// When its first content was written, in the order of writing: of two samples with the same
    /// time, the one in the file with the lower number counts.
    pub sequence: u64,
}

/// A file that a view holds. It is deleted when no view and no query holds it any more.
#[derive(Debug)]
pub struct DataFile {
    pub meta: FileMeta,
}

impl DataFile {
    pub fn new(meta: FileMeta) -> Self {
        Self { meta }
    }

    pub fn overlaps_ms(&self, window_ms: &std::ops::RangeInclusive<i64>) -> bool {
        self.meta.first_ns.div_euclid(1_000_000) <= *window_ms.end() && self.meta.last_ns.div_euclid(1_000_000) >= *window_ms.start()
    }
}
