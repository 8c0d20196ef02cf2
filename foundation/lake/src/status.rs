//! How the lake is, for people.

use serde::Serialize;

use crate::lake::Lake;
use crate::shelf::{Head, Shelf};

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LakeStatus {
    pub logs: SignalStatus,
    pub spans: SignalStatus,
    pub metrics: SignalStatus,
    /// Series in memory.
    pub head_series: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SignalStatus {
    /// Log records, spans or samples in memory.
    pub head_records: u64,
    pub head_bytes: u64,
    /// Write-ahead log that a restart would replay.
    pub log_bytes: u64,
    pub files: u64,
    pub file_records: u64,
    pub file_bytes: u64,
}

impl Lake {
    pub fn status(&self) -> LakeStatus {
        LakeStatus {
            logs: signal(&self.inner.logs),
            spans: signal(&self.inner.spans),
            metrics: signal(&self.inner.metrics),
            head_series: self.inner.metrics.view().heads().map(|head| head.series() as u64).sum(),
        }
    }
}

fn signal<H: Head>(shelf: &Shelf<H>) -> SignalStatus {
    let view = shelf.view();
    SignalStatus {
        head_records: view.heads().map(|head| head.records() as u64).sum(),
        head_bytes: view.heads().map(|head| head.bytes() as u64).sum(),
        log_bytes: shelf.log_bytes(),
        files: view.files.len() as u64,
        file_records: view.files.iter().map(|file| file.meta.records).sum(),
        file_bytes: view.files.iter().map(|file| file.meta.bytes).sum(),
    }
}
