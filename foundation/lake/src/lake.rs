//! The lake: opened, used through its ports, closed.

use std::fs::{File, OpenOptions};
use std::path::Path;
use std::sync::Arc;

use kernel::SharedClock;
use kernel::table::TableSource;
use kernel::task::Task;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use parking_lot::Mutex;
use rustix::fs::FlockOperation;
use telemetry::otlp::metrics::Translator;
use tokio::sync::{broadcast, watch};

use crate::error::LakeError;
use crate::files::{Catalog, Store};
use crate::maintenance::{Compaction, Flushes};
use crate::metrics::{IndexCache, MetricHead};
use crate::records::{Logs, RecordHead, Spans};
use crate::settings::LakeSettings;
use crate::shelf::{Limits, Shelf};
use crate::sql::Sql;

/// Log requests that a slow reader of the live tail may lag behind.
const TAIL_CAPACITY: usize = 256;

/// Logs, spans and metrics: durable, and open to queries at once. Cheap to clone.
#[derive(Clone)]
pub struct Lake {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub settings: LakeSettings,
    pub clock: SharedClock,
    pub catalog: Arc<Catalog>,
    pub logs: Arc<Shelf<RecordHead<Logs>>>,
    pub spans: Arc<Shelf<RecordHead<Spans>>>,
    pub metrics: Arc<Shelf<MetricHead>>,
    pub indexes: Arc<IndexCache>,
    pub translator: Mutex<Translator>,
    pub tail: broadcast::Sender<Arc<ExportLogsServiceRequest>>,
    pub sql: Sql,
    /// Changes when a head is full.
    pub wake: watch::Sender<u64>,
    /// Held as long as the lake is open.
    _lock: File,
}

impl Lake {
    /// Opens, or begins, a lake: reads the manifest, and replays what is not in files. `ops` are the
    /// tables of other rooms for the one SQL surface.
    pub async fn open(settings: LakeSettings, clock: SharedClock, ops: Vec<Arc<dyn TableSource>>) -> Result<Self, LakeError> {
        let store = match &settings.url {
            Some(url) => Store::from_url(url)?,
            None => Store::folder(&settings.data.join("lake"))?,
        };
        Self::open_on(store, settings, clock, ops).await
    }

    /// As [`open`](Self::open), on a given store.
    pub async fn open_on(store: Store, settings: LakeSettings, clock: SharedClock, ops: Vec<Arc<dyn TableSource>>) -> Result<Self, LakeError> {
        let lock = lock(&settings.data)?;
        let catalog = Arc::new(Catalog::open(store).await?);
        let log = settings.data.join("wal");
        let wake = watch::Sender::new(0);
        let records = limits(&settings, settings.flush.records_age);
        let logs = Shelf::open(&log, catalog.clone(), clock.clone(), records, wake.clone());
        let spans = Shelf::open(&log, catalog.clone(), clock.clone(), records, wake.clone());
        let metrics = Shelf::open(&log, catalog.clone(), clock.clone(), limits(&settings, settings.flush.metrics_age), wake.clone());
        let (logs, spans, metrics) = tokio::try_join!(logs, spans, metrics)?;
        let (logs, spans, metrics) = (Arc::new(logs), Arc::new(spans), Arc::new(metrics));
        let indexes = Arc::new(IndexCache::new(settings.query.index_cache_bytes));
        let sql = Sql::new(&settings, logs.clone(), spans.clone(), metrics.clone(), indexes.clone(), ops);
        let inner = Inner {
            settings,
            clock,
            catalog,
            logs,
            spans,
            metrics,
            indexes,
            translator: Mutex::default(),
            tail: broadcast::Sender::new(TAIL_CAPACITY),
            sql,
            wake,
            _lock: lock,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The background work, each part with what wakes it early. Without it nothing is lost, but
    /// memory fills up and writers are refused.
    pub fn tasks(&self) -> Vec<(Arc<dyn Task>, watch::Receiver<u64>)> {
        let flushes = Flushes::new(self);
        let wake = flushes.wake();
        vec![(Arc::new(flushes), wake), (Arc::new(Compaction::new(self)), watch::Sender::new(0).subscribe())]
    }

    /// Moves everything into files.
    pub async fn flush(&self) -> Result<u64, LakeError> {
        let (logs, spans, metrics) = tokio::try_join!(self.inner.logs.flush(), self.inner.spans.flush(), self.inner.metrics.flush())?;
        Ok(logs + spans + metrics)
    }

    /// Moves everything into files, so that the next start has nothing to replay.
    pub async fn close(self) -> Result<(), LakeError> {
        self.flush().await?;
        self.inner.catalog.sweep().await?;
        Ok(())
    }
}

fn limits(settings: &LakeSettings, flush_age: std::time::Duration) -> Limits {
    Limits {
        flush_bytes: settings.flush.head_bytes,
        flush_log_bytes: settings.flush.log_bytes,
        flush_age,
        bytes_max: settings.flush.head_bytes_max,
    }
}

fn lock(folder: &Path) -> Result<File, LakeError> {
    let failed = |source| LakeError::Folder { folder: folder.to_owned(), source };
    std::fs::create_dir_all(folder).map_err(failed)?;
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(folder.join("lake.lock")).map_err(failed)?;
    match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(rustix::io::Errno::WOULDBLOCK) => Err(LakeError::Locked { folder: folder.to_owned() }),
        Err(error) => Err(failed(error.into())),
    }
}
