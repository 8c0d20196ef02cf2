//! What the lake needs to know, and what it may use.

use std::path::{Path, PathBuf};
use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 3_600);

#[derive(Debug, Clone)]
pub struct LakeSettings {
    /// Where the write-ahead log lies; one process at a time.
    pub data: PathBuf,
    /// Where the files lie: a folder, `file:///folder` or `memory:`. Without one, below `data`.
    pub url: Option<String>,
    pub retention: Retention,
    pub flush: FlushSettings,
    pub query: QuerySettings,
}

/// How long signals are kept, by their own time.
#[derive(Debug, Clone, Copy)]
pub struct Retention {
    pub logs: Duration,
    pub spans: Duration,
    pub metrics: Duration,
}

#[derive(Debug, Clone, Copy)]
pub struct FlushSettings {
    /// A signal's head of this size is written to files.
    pub head_bytes: usize,
    /// So is one with a log of this size, which bounds the time of a replay.
    pub log_bytes: u64,
    /// So is one that is this old.
    pub records_age: Duration,
    pub metrics_age: Duration,
    /// A signal whose heads are this large takes nothing until a flush is done.
    pub head_bytes_max: usize,
}

#[derive(Debug, Clone, Copy)]
pub struct QuerySettings {
    pub sql_timeout: Duration,
    /// All SQL queries together.
    pub sql_memory_bytes: usize,
    /// One metric query.
    pub samples_max: usize,
    /// The label indexes of metric files that stay in memory.
    pub index_cache_bytes: usize,
}

impl LakeSettings {
    /// Everything below one folder, with limits for a small machine.
    pub fn below(data: &Path) -> Self {
        Self {
            data: data.to_owned(),
            url: None,
            retention: Retention { logs: 30 * DAY, spans: 14 * DAY, metrics: 90 * DAY },
            flush: FlushSettings {
                head_bytes: 48 << 20,
                log_bytes: 96 << 20,
                records_age: Duration::from_secs(600),
                metrics_age: Duration::from_secs(3_600),
                head_bytes_max: 256 << 20,
            },
            query: QuerySettings {
                sql_timeout: Duration::from_secs(60),
                sql_memory_bytes: 512 << 20,
                samples_max: 50_000_000,
                index_cache_bytes: 64 << 20,
            },
        }
    }
}
