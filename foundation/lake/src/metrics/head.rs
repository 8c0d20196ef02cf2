//! The newest samples, in memory.
//!
//! Of two samples of a series with the same time the first that was written wins, as in Prometheus.
//! Samples may come in any order.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ahash::AHashMap;
use async_trait::async_trait;
use parking_lot::RwLock;
use telemetry::Labels;
use telemetry::ports::{Matcher, Metadata, Sample};

use super::batch::SampleBatch;
use super::chunk::Chunk;
use super::index::SeriesIndex;
use super::merge::{DayFiles, in_order, merge};
use crate::files::{DataFile, Store};
use crate::shelf::{BoxError, Head, NewFile};
use crate::signal::SignalName;

/// A series' open buffer is packed when it holds as many samples.
const CHUNK_SAMPLES: usize = 120;

#[derive(Debug, Default)]
pub struct MetricHead {
    inner: RwLock<Inner>,
    bytes: AtomicUsize,
    samples: AtomicUsize,
}

#[derive(Debug, Default)]
struct Inner {
    index: SeriesIndex,
    series: Vec<HeadSeries>,
    metadata: AHashMap<String, Metadata>,
}

#[derive(Debug, Default)]
struct HeadSeries {
    /// In the order in which they were packed.
    chunks: Vec<Arc<Chunk>>,
    /// In order of time, each time once.
    open: Vec<Sample>,
}

/// A series as found, still packed.
#[derive(Debug)]
pub struct Found {
    pub labels: Labels,
    pub chunks: Vec<Arc<Chunk>>,
    pub open: Vec<Sample>,
}

impl MetricHead {
    /// The series that all matchers match, with what may lie in the window.
    pub fn select(&self, matchers: &[Matcher], window_ms: &RangeInclusive<i64>) -> Vec<Found> {
        let inner = self.inner.read();
        let numbers = inner.index.select(matchers);
        numbers.into_iter().filter_map(|number| inner.found(number, window_ms)).collect()
    }

    pub fn series(&self) -> usize {
        self.inner.read().index.len()
    }
}

#[async_trait]
impl Head for MetricHead {
    const SIGNAL: SignalName = SignalName::Metrics;
    type Batch = SampleBatch;

    fn decode(payload: &[u8]) -> Option<SampleBatch> {
        SampleBatch::decode(payload)
    }

    fn append(&self, batch: SampleBatch) {
        let mut inner = self.inner.write();
        let inner = &mut *inner;
        let index_bytes = inner.index.bytes();
        let mut grown = 0;
        for view in batch.series() {
            let number = inner.index.number(view.hash(), view.labels()) as usize;
            if number == inner.series.len() {
                inner.series.push(HeadSeries::default());
                grown += size_of::<HeadSeries>();
            }
            let series = &mut inner.series[number];
            grown += view.samples().iter().map(|sample| series.push(*sample)).sum::<usize>();
        }
        grown += inner.index.bytes() - index_bytes;
        self.samples.fetch_add(batch.samples(), Ordering::Relaxed);
        for metadata in batch.metadata {
            inner.metadata.insert(metadata.name.clone(), metadata);
        }
        self.bytes.fetch_add(grown, Ordering::Relaxed);
    }

    fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    fn records(&self) -> usize {
        self.samples.load(Ordering::Relaxed)
    }

    fn metadata(&self) -> Vec<Metadata> {
        self.inner.read().metadata.values().cloned().collect()
    }

    fn files(&self) -> Result<Vec<NewFile>, BoxError> {
        let mut series = self.select(&[], &(i64::MIN..=i64::MAX));
        series.sort_unstable_by(|a, b| a.labels.cmp(&b.labels));
        let mut files = DayFiles::default();
        for found in &series {
            let samples = in_order(found.unpack().ok_or("a chunk in memory cannot be unpacked")?);
            files.push(&found.labels, &samples)?;
        }
        files.finish()
    }

    async fn merge(store: &Store, files: &[Arc<DataFile>]) -> Result<Option<NewFile>, BoxError> {
        merge(store, files).await
    }
}

impl Found {
    /// In the order of writing; none if a chunk is damaged.
    pub fn unpack(&self) -> Option<Vec<Sample>> {
        let mut samples = Vec::with_capacity(self.samples());
        for chunk in &self.chunks {
            chunk.unpack(&mut samples)?;
        }
        samples.extend_from_slice(&self.open);
        Some(samples)
    }

    pub fn samples(&self) -> usize {
        self.chunks.iter().map(|chunk| chunk.samples as usize).sum::<usize>() + self.open.len()
    }
}

impl Inner {
    fn found(&self, number: u32, window_ms: &RangeInclusive<i64>) -> Option<Found> {
        let series = &self.series[number as usize];
        let overlaps = |chunk: &&Arc<Chunk>| chunk.first_ms <= *window_ms.end() && chunk.last_ms >= *window_ms.start();
        let chunks: Vec<_> = series.chunks.iter().filter(overlaps).cloned().collect();
        let from = series.open.partition_point(|sample| sample.time_ms < *window_ms.start());
        let to = series.open.partition_point(|sample| sample.time_ms <= *window_ms.end()).max(from);
        let open = series.open[from..to].to_vec();
        let any = !chunks.is_empty() || !open.is_empty();
        any.then(|| Found { labels: self.index.labels(number).clone(), chunks, open })
    }
}

impl HeadSeries {
    /// Returns by how many bytes the series grew.
    fn push(&mut self, sample: Sample) -> usize {
        let before = self.open.capacity();
        match self.open.last() {
            Some(last) if last.time_ms >= sample.time_ms => {
                if let Err(at) = self.open.binary_search_by_key(&sample.time_ms, |known| known.time_ms) {
                    self.open.insert(at, sample);
                }
            }
            _ => self.open.push(sample),
        }
        let mut grown = (self.open.capacity() - before) * size_of::<Sample>();
        if self.open.len() >= CHUNK_SAMPLES {
            grown += self.seal();
        }
        grown
    }

    fn seal(&mut self) -> usize {
        let chunk = Chunk::pack(&self.open).map(Arc::new);
        self.open.clear();
        let bytes = chunk.as_ref().map_or(0, |chunk| chunk.bytes() + size_of::<Chunk>() + 32);
        self.chunks.extend(chunk);
        bytes
    }
}
