//! Reading series from files and heads, each sample once.

use std::ops::RangeInclusive;
use std::sync::Arc;

use ahash::{AHashMap, AHashSet};
use telemetry::ports::{Matcher, Sample, Series};
use telemetry::{Labels, SourceError};

use super::cache::IndexCache;
use super::head::MetricHead;
use super::merge::in_order;
use crate::files::{DataFile, Store};
use crate::shelf::{BoxError, View};

/// What to read, from a view that stays as it was when the query began.
#[derive(Debug, Clone)]
pub struct Selection {
    pub view: View<MetricHead>,
    pub store: Store,
    pub cache: Arc<IndexCache>,
    pub window_ms: RangeInclusive<i64>,
    /// More samples are refused.
    pub samples_max: usize,
}

impl Selection {
    /// The series that all matchers match, in order of their labels.
    pub async fn select(self, matchers: Arc<[Matcher]>) -> Result<Vec<Series>, SourceError> {
        off_the_runtime(async move {
            let mut found: AHashMap<Labels, Vec<Sample>> = AHashMap::new();
            let mut budget = Budget { left: self.samples_max, limit: self.samples_max };
            for file in self.files() {
                self.read_file(&file, &matchers, &mut budget, &mut found).await?;
            }
            for head in self.view.heads() {
                self.read_head(head, &matchers, &mut budget, &mut found)?;
            }
            let window = self.window_ms.clone();
            let series = found.into_iter().map(|(labels, samples)| Series { labels, samples: within(in_order(samples), &window) });
            let mut series: Vec<_> = series.filter(|series| !series.samples.is_empty()).collect();
            series.sort_unstable_by(|a, b| a.labels.cmp(&b.labels));
            Ok(series)
        })
        .await
    }

    /// The label sets that all matchers of one of the sets match; all if there are no sets. A chunk
    /// that overlaps the window counts as samples in it.
    pub async fn labels(self, sets: Arc<[Vec<Matcher>]>) -> Result<AHashSet<Labels>, SourceError> {
        off_the_runtime(async move {
            let none = [Vec::new()];
            let sets = if sets.is_empty() { &none[..] } else { &sets[..] };
            let mut found = AHashSet::new();
            for file in self.files() {
                let index = self.cache.get(&self.store, &file).await.map_err(storage)?;
                for matchers in sets {
                    found.extend(index.find(matchers, &self.window_ms).series().cloned());
                }
            }
            for (head, matchers) in self.view.heads().flat_map(|head| sets.iter().map(move |set| (head, set))) {
                found.extend(head.select(matchers, &self.window_ms).into_iter().map(|found| found.labels));
            }
            Ok(found)
        })
        .await
    }

    /// In the order of writing, since the first of two samples counts.
    fn files(&self) -> Vec<Arc<DataFile>> {
        let mut files: Vec<_> = self.view.files.iter().filter(|file| file.overlaps_ms(&self.window_ms)).cloned().collect();
        files.sort_by_key(|file| file.meta.sequence);
        files
    }

    async fn read_file(&self, file: &DataFile, matchers: &[Matcher], budget: &mut Budget, found: &mut AHashMap<Labels, Vec<Sample>>) -> Result<(), SourceError> {
        let index = self.cache.get(&self.store, file).await.map_err(storage)?;
        let rows = index.find(matchers, &self.window_ms);
        budget.take(rows.samples())?;
        let each = |labels: &Labels, samples: Vec<Sample>| match found.get_mut(labels) {
            Some(known) => known.extend(samples),
            None => drop(found.insert(labels.clone(), samples)),
        };
        rows.read(&self.store, file, each).await.map_err(storage)
    }

    fn read_head(&self, head: &MetricHead, matchers: &[Matcher], budget: &mut Budget, found: &mut AHashMap<Labels, Vec<Sample>>) -> Result<(), SourceError> {
        for series in head.select(matchers, &self.window_ms) {
            budget.take(series.samples())?;
            let samples = series.unpack().ok_or_else(|| storage("a chunk in memory cannot be unpacked"))?;
            match found.get_mut(&series.labels) {
                Some(known) => known.extend(samples),
                None => drop(found.insert(series.labels, samples)),
            }
        }
        Ok(())
    }
}

struct Budget {
    left: usize,
    limit: usize,
}

impl Budget {
    fn take(&mut self, samples: usize) -> Result<(), SourceError> {
        self.left = self.left.checked_sub(samples).ok_or(SourceError::TooManySamples { limit: self.limit })?;
        Ok(())
    }
}

fn within(mut samples: Vec<Sample>, window_ms: &RangeInclusive<i64>) -> Vec<Sample> {
    samples.truncate(samples.partition_point(|sample| sample.time_ms <= *window_ms.end()));
    let from = samples.partition_point(|sample| sample.time_ms < *window_ms.start());
    samples.drain(..from);
    samples
}

/// Unpacking is work for a processor: it has its own thread, and waits there for the store.
async fn off_the_runtime<T: Send + 'static>(work: impl Future<Output = Result<T, SourceError>> + Send + 'static) -> Result<T, SourceError> {
    let runtime = tokio::runtime::Handle::current();
    tokio::task::spawn_blocking(move || runtime.block_on(work)).await.unwrap_or_else(|panic| Err(storage(panic)))
}

fn storage(error: impl Into<BoxError>) -> SourceError {
    SourceError::Storage(error.into())
}
