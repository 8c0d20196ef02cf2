//! Putting samples of several sources together, and files of several files.

use std::collections::BTreeMap;
use std::sync::Arc;

use telemetry::Labels;
use telemetry::ports::Sample;

use super::file::{FileIndex, MetricFileError, Writer};
use crate::files::{DataFile, Store};
use crate::shelf::{BoxError, NewFile};

const DAY_MS: i64 = 24 * 3_600 * 1_000;
/// A sender with wild clocks must not make a file for each of its days.
const DAYS_MAX: usize = 8;

/// Brings samples that are in the order of writing into the order of time; of those with the same
/// time the first stays.
pub fn in_order(mut samples: Vec<Sample>) -> Vec<Sample> {
    if !samples.is_sorted_by(|a, b| a.time_ms < b.time_ms) {
        samples.sort_by_key(|sample| sample.time_ms);
        samples.dedup_by_key(|sample| sample.time_ms);
    }
    samples
}

/// Files under construction, one a day; days beyond [`DAYS_MAX`] share one.
#[derive(Default)]
pub struct DayFiles {
    days: BTreeMap<i64, Writer>,
}

impl DayFiles {
    /// Series in order, each once; samples in order of time.
    pub fn push(&mut self, labels: &Labels, samples: &[Sample]) -> Result<(), BoxError> {
        let mut rest = samples;
        while let Some(first) = rest.first() {
            let day = first.time_ms.div_euclid(DAY_MS);
            let known = self.days.len() < DAYS_MAX || self.days.contains_key(&day);
            let end = if known { rest.partition_point(|sample| sample.time_ms.div_euclid(DAY_MS) == day) } else { rest.len() };
            let day = if known { day } else { self.days.keys().next_back().copied().unwrap_or(day) };
            let (part, later) = rest.split_at(end);
            self.day(day)?.push(labels, part)?;
            rest = later;
        }
        Ok(())
    }

    pub fn finish(self) -> Result<Vec<NewFile>, BoxError> {
        let files = self.days.into_values().map(Writer::finish).collect::<Result<Vec<_>, _>>()?;
        Ok(files.into_iter().flatten().collect())
    }

    fn day(&mut self, day: i64) -> Result<&mut Writer, BoxError> {
        if !self.days.contains_key(&day) {
            self.days.insert(day, Writer::new()?);
        }
        self.days.get_mut(&day).ok_or_else(|| "a writer that was just made".into())
    }
}

/// Merges files into one. Holds their packed chunks in memory, and the samples of one series.
pub async fn merge(store: &Store, files: &[Arc<DataFile>]) -> Result<Option<NewFile>, BoxError> {
    let mut files = files.to_vec();
    files.sort_by_key(|file| file.meta.sequence);
    let mut series: BTreeMap<Labels, Vec<PackedChunk>> = BTreeMap::new();
    for file in &files {
        let index = FileIndex::read(store, &file.meta).await?;
        let all = index.find(&[], &(i64::MIN..=i64::MAX));
        let each = |labels: &Labels, chunk: PackedChunk| series.entry(labels.clone()).or_default().push(chunk);
        all.read_packed(store, file, each).await?;
    }
    let packing = tokio::task::spawn_blocking(move || {
        let mut writer = Writer::new()?;
        for (labels, chunks) in series {
            let mut samples = Vec::new();
            for chunk in chunks {
                chunk.unpack(&mut samples).ok_or(MetricFileError::Chunk)?;
            }
            writer.push(&labels, &in_order(samples))?;
        }
        writer.finish()
    });
    Ok(packing.await??)
}

/// A chunk as it lies in a file.
#[derive(Debug)]
pub struct PackedChunk {
    pub samples: u32,
    pub times: Box<[u8]>,
    pub values: Box<[u8]>,
}

impl PackedChunk {
    fn unpack(&self, out: &mut Vec<Sample>) -> Option<()> {
        super::chunk::unpack(self.samples, &self.times, &self.values, out)
    }
}
