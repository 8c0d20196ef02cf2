//! Metrics in memory: for tests, and for measuring an evaluation without a store.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use async_trait::async_trait;
use parking_lot::RwLock;

use crate::ports::{Matcher, Metadata, MetricSource, Sample, Series, SinkError, SourceError};
use crate::Labels;

/// A [`MetricSource`] that forgets everything when it is dropped.
#[derive(Debug, Default)]
pub struct MemorySource {
    series: RwLock<BTreeMap<Labels, BTreeMap<i64, f64>>>,
    metadata: RwLock<Vec<Metadata>>,
}

impl MemorySource {
    /// Adds samples; a later one at the same time replaces the earlier.
    pub fn load(&self, added: impl IntoIterator<Item = Series>) {
        let mut all = self.series.write();
        for series in added {
            let samples = all.entry(series.labels).or_default();
            samples.extend(series.samples.iter().map(|sample| (sample.time_ms, sample.value)));
        }
    }

    pub fn describe(&self, metadata: Metadata) {
        self.metadata.write().push(metadata);
    }

    pub fn clear(&self) {
        self.series.write().clear();
        self.metadata.write().clear();
    }

    fn matching(&self, sets: &[Vec<Matcher>], window_ms: &RangeInclusive<i64>) -> Vec<Labels> {
        let wanted = |labels: &Labels| sets.is_empty() || sets.iter().any(|matchers| matches(matchers, labels));
        let all = self.series.read();
        let within = all.iter().filter(|(labels, samples)| wanted(labels) && !window_ms.is_empty() && samples.range(window_ms.clone()).next().is_some());
        within.map(|(labels, _)| labels.clone()).collect()
    }
}

/// Whether all matchers match; an absent label counts as empty.
pub fn matches(matchers: &[Matcher], labels: &Labels) -> bool {
    matchers.iter().all(|matcher| matcher.matches(labels.get(&matcher.name).unwrap_or_default()))
}

#[async_trait]
impl MetricSource for MemorySource {
    async fn select(&self, matchers: &[Matcher], window_ms: RangeInclusive<i64>) -> Result<Vec<Series>, SourceError> {
        let all = self.series.read();
        let selected = all.iter().filter(|(labels, _)| matches(matchers, labels) && !window_ms.is_empty()).map(|(labels, samples)| Series {
            labels: labels.clone(),
            samples: samples.range(window_ms.clone()).map(|(time_ms, value)| Sample { time_ms: *time_ms, value: *value }).collect(),
        });
        Ok(selected.filter(|series| !series.samples.is_empty()).collect())
    }

    async fn series(&self, matchers: &[Vec<Matcher>], window_ms: RangeInclusive<i64>) -> Result<Vec<Labels>, SourceError> {
        Ok(self.matching(matchers, &window_ms))
    }

    async fn label_names(&self, matchers: &[Vec<Matcher>], window_ms: RangeInclusive<i64>) -> Result<Vec<String>, SourceError> {
        let all = self.matching(matchers, &window_ms);
        let names: BTreeSet<&str> = all.iter().flat_map(|labels| labels.iter().map(|(name, _)| name)).collect();
        Ok(names.into_iter().map(str::to_owned).collect())
    }

    async fn label_values(&self, name: &str, matchers: &[Vec<Matcher>], window_ms: RangeInclusive<i64>) -> Result<Vec<String>, SourceError> {
        let all = self.matching(matchers, &window_ms);
        let values: BTreeSet<&str> = all.iter().filter_map(|labels| labels.get(name)).collect();
        Ok(values.into_iter().map(str::to_owned).collect())
    }

    async fn metadata(&self) -> Result<Vec<Metadata>, SourceError> {
        Ok(self.metadata.read().clone())
    }

    async fn append(&self, series: Vec<Series>) -> Result<(), SinkError> {
        self.load(series);
        Ok(())
    }
}
