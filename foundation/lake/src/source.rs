//! The port where PromQL reads.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use async_trait::async_trait;
use telemetry::ports::{Matcher, Metadata, Series};
use telemetry::{Labels, MetricSource, SinkError, SourceError};

use crate::lake::{Inner, Lake};
use crate::metrics::Selection;
use crate::shelf::Head;
use crate::sink::uncancelled;

#[async_trait]
impl MetricSource for Lake {
    async fn select(&self, matchers: &[Matcher], window_ms: RangeInclusive<i64>) -> Result<Vec<Series>, SourceError> {
        self.inner.selection(window_ms).select(matchers.into()).await
    }

    async fn series(&self, matchers: &[Vec<Matcher>], window_ms: RangeInclusive<i64>) -> Result<Vec<Labels>, SourceError> {
        let found = self.inner.selection(window_ms).labels(matchers.into()).await?;
        let mut series: Vec<_> = found.into_iter().collect();
        series.sort_unstable();
        Ok(series)
    }

    async fn label_names(&self, matchers: &[Vec<Matcher>], window_ms: RangeInclusive<i64>) -> Result<Vec<String>, SourceError> {
        let found = self.inner.selection(window_ms).labels(matchers.into()).await?;
        let names: BTreeSet<&str> = found.iter().flat_map(Labels::iter).map(|(name, _)| name).collect();
        Ok(names.into_iter().map(str::to_owned).collect())
    }

    async fn label_values(&self, name: &str, matchers: &[Vec<Matcher>], window_ms: RangeInclusive<i64>) -> Result<Vec<String>, SourceError> {
        let found = self.inner.selection(window_ms).labels(matchers.into()).await?;
        let values: BTreeSet<&str> = found.iter().filter_map(|labels| labels.get(name)).collect();
        Ok(values.into_iter().map(str::to_owned).collect())
    }

    async fn metadata(&self) -> Result<Vec<Metadata>, SourceError> {
        let stored = self.inner.catalog.metadata().await;
        let heads = self.inner.metrics.view();
        let newer = heads.heads().flat_map(|head| head.metadata());
        let by_name: BTreeMap<String, Metadata> = stored.into_iter().chain(newer).map(|metadata| (metadata.name.clone(), metadata)).collect();
        Ok(by_name.into_values().collect())
    }

    async fn append(&self, series: Vec<Series>) -> Result<(), SinkError> {
        let inner = self.inner.clone();
        uncancelled(async move { inner.write_series(&series).await }).await
    }
}

impl Inner {
    fn selection(&self, window_ms: RangeInclusive<i64>) -> Selection {
        Selection {
            view: self.metrics.view(),
            store: self.catalog.store().clone(),
            cache: self.indexes.clone(),
            window_ms,
            samples_max: self.settings.query.samples_max,
        }
    }
}
