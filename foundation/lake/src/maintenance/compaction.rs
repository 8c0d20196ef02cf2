//! Merges small files, deletes files that are past their retention, and files that nobody reads any more.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use kernel::task::{Pass, Task, TaskError};

use super::plan;
use crate::lake::{Inner, Lake};
use crate::shelf::{Head, Shelf};

pub struct Compaction {
    lake: Arc<Inner>,
}

#[derive(Default)]
struct Done {
    expired: usize,
    merged: usize,
}

impl Compaction {
    pub fn new(lake: &Lake) -> Self {
        Self { lake: lake.inner.clone() }
    }

    async fn tend<H: Head>(&self, shelf: &Shelf<H>, retention: Duration, done: &mut Done) -> Result<(), TaskError> {
        let now_ms = self.lake.clock.now().as_millisecond();
        let files = shelf.view().files;
        let oldest_ms = now_ms.saturating_sub(i64::try_from(retention.as_millis()).unwrap_or(i64::MAX));
        let expired: Vec<_> = files.iter().filter(|file| plan::is_expired(&file.meta, oldest_ms)).cloned().collect();
        if !expired.is_empty() {
            shelf.replace(&expired, None).await?;
            done.expired += expired.len();
        }
        let left: Vec<_> = files.into_iter().filter(|file| !plan::is_expired(&file.meta, oldest_ms)).collect();
        let Some(group) = plan::merge(&left, now_ms) else { return Ok(()) };
        let level = group.iter().map(|file| file.meta.level).max().unwrap_or_default() + 1;
        let sequence = group.iter().map(|file| file.meta.sequence).min();
        let merged = H::merge(shelf.store(), &group).await?;
        let new = match merged {
            Some(file) => Some(shelf.put(file, level, sequence).await?),
            None => None,
        };
        shelf.replace(&group, new).await?;
        done.merged += group.len();
        Ok(())
    }
}

#[async_trait]
impl Task for Compaction {
    fn name(&self) -> &'static str {
        "lake compaction"
    }

    fn interval(&self) -> Duration {
        Duration::from_secs(60)
    }

    async fn pass(&self) -> Result<Pass, TaskError> {
        let (lake, mut done) = (&self.lake, Done::default());
        let retention = lake.settings.retention;
        self.tend(&lake.logs, retention.logs, &mut done).await?;
        self.tend(&lake.spans, retention.spans, &mut done).await?;
        self.tend(&lake.metrics, retention.metrics, &mut done).await?;
        let deleted = lake.catalog.sweep().await?;
        // One merge may be the first of several.
        let next = (done.merged > 0).then(|| lake.clock.now());
        Ok(Pass { summary: format!("{} files merged, {} expired, {deleted} deleted", done.merged, done.expired), next })
    }
}
