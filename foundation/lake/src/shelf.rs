//! One signal's way through the lake: log, head, files.
//!
//! A write is appended to the log, then to the active head. A flush freezes the active head and
//! closes the log's segment in one moment when no write is between the two, so that the frozen head
//! is exactly the closed segments. When its files and the manifest are durable, the head and the
//! segments go.

use std::fmt::Debug;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use kernel::{SharedClock, Timestamp};
use parking_lot::{Mutex, RwLock};
use telemetry::SinkError;
use telemetry::ports::Metadata;
use tokio::sync::watch;

use crate::error::LakeError;
use crate::files::{Catalog, Change, DataFile, FileMeta, Store};
use crate::signal::SignalName;
use crate::wal::{self, Wal, WalError};

pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The kind of all frames; others are for later.
const FRAME: u8 = 1;

/// What the signals differ in.
#[async_trait]
pub trait Head: Default + Debug + Send + Sync + 'static {
    const SIGNAL: SignalName;
    type Batch: Send + 'static;

    /// What a frame of the log says; none if it says nothing.
    fn decode(payload: &[u8]) -> Option<Self::Batch>;

    fn append(&self, batch: Self::Batch);

    /// In memory, roughly.
    fn bytes(&self) -> usize;

    fn records(&self) -> usize;

    fn metadata(&self) -> Vec<Metadata> {
        Vec::new()
    }

    /// All records as files. Takes a while.
    fn files(&self) -> Result<Vec<NewFile>, BoxError>;

    /// The records of several files as one; none if there are none.
    async fn merge(store: &Store, files: &[Arc<DataFile>]) -> Result<Option<NewFile>, BoxError>;
}

/// A file before it has a name.
#[derive(Debug)]
pub struct NewFile {
    pub bytes: Bytes,
    pub records: u64,
    pub first_ns: i64,
    pub last_ns: i64,
}

/// When a head is flushed, and when writers must wait.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    pub flush_bytes: usize,
    pub flush_log_bytes: u64,
    pub flush_age: Duration,
    /// Heads of more bytes refuse further records.
    pub bytes_max: usize,
}

#[derive(Debug)]
pub struct Shelf<H: Head> {
    wal: Wal,
    catalog: Arc<Catalog>,
    clock: SharedClock,
    limits: Limits,
    view: RwLock<View<H>>,
    /// Held for reading from a record's way into the log until it is in the head.
    gate: tokio::sync::RwLock<()>,
    flushing: tokio::sync::Mutex<()>,
    /// When the active head got its first record.
    since: Mutex<Option<Timestamp>>,
    due: AtomicBool,
    /// Told when a flush is due before its time.
    wake: watch::Sender<u64>,
}

/// What a query sees: together, each record once.
#[derive(Debug)]
pub struct View<H> {
    pub active: Arc<H>,
    pub frozen: Option<Frozen<H>>,
    /// In order of time.
    pub files: Vec<Arc<DataFile>>,
}

#[derive(Debug)]
pub struct Frozen<H> {
    pub head: Arc<H>,
    /// The last segment of the log that it covers.
    through: u64,
}

impl<H> Clone for View<H> {
    fn clone(&self) -> Self {
        Self { active: self.active.clone(), frozen: self.frozen.clone(), files: self.files.clone() }
    }
}

impl<H> Clone for Frozen<H> {
    fn clone(&self) -> Self {
        Self { head: self.head.clone(), through: self.through }
    }
}

impl<H> View<H> {
    /// In the order of writing.
    pub fn heads(&self) -> impl Iterator<Item = &Arc<H>> {
        self.frozen.iter().map(|frozen| &frozen.head).chain([&self.active])
    }
}

impl<H: Head> Shelf<H> {
    /// Opens the log below `folder` and replays what is not in the files.
    pub async fn open(folder: &Path, catalog: Arc<Catalog>, clock: SharedClock, limits: Limits, wake: watch::Sender<u64>) -> Result<Self, LakeError> {
        let folder = folder.join(H::SIGNAL.folder());
        let failed = |source| LakeError::Folder { folder: folder.clone(), source };
        let after = catalog.flushed_through(H::SIGNAL).await;
        let wal = Wal::open(&folder, after).map_err(failed)?;
        wal.delete_through(after).map_err(failed)?;
        let segments = wal::list(&folder).map_err(failed)?;
        let files = catalog.files(H::SIGNAL).await;
        let shelf = Self {
            wal,
            catalog,
            clock,
            limits,
            view: RwLock::new(View { active: Arc::default(), frozen: None, files }),
            gate: tokio::sync::RwLock::default(),
            flushing: tokio::sync::Mutex::default(),
            since: Mutex::default(),
            due: AtomicBool::new(false),
            wake,
        };
        for segment in segments {
            shelf.replay(&folder, segment).await.map_err(failed)?;
            if shelf.view().active.bytes() >= limits.flush_bytes {
                shelf.freeze_through(segment);
                shelf.flush_frozen().await?;
            }
        }
        if shelf.view().active.records() > 0 {
            *shelf.since.lock() = Some(shelf.clock.now());
        }
        Ok(shelf)
    }

    /// Returns when the batch is durable and can be queried. Not to be cancelled.
    pub async fn write(&self, payload: Bytes, batch: H::Batch) -> Result<(), SinkError> {
        let _inside = self.gate.read().await;
        self.wal.append(FRAME, payload).await?;
        let active = self.view.read().active.clone();
        active.append(batch);
        self.since.lock().get_or_insert_with(|| self.clock.now());
        if self.is_full(&active) && !self.due.swap(true, Ordering::Relaxed) {
            self.wake.send_modify(|wakes| *wakes += 1);
        }
        Ok(())
    }

    /// Refuses while flushes do not keep up with writers.
    pub fn admit(&self) -> Result<(), SinkError> {
        let bytes: usize = self.view.read().heads().map(|head| head.bytes()).sum();
        if bytes >= self.limits.bytes_max { Err(SinkError::Busy { retry_after_s: 1 }) } else { Ok(()) }
    }

    pub fn view(&self) -> View<H> {
        self.view.read().clone()
    }

    pub fn log_bytes(&self) -> u64 {
        self.wal.bytes()
    }

    /// When the active head is to be flushed, at the latest; none if there is nothing to flush.
    pub fn flush_at(&self) -> Option<Timestamp> {
        let view = self.view();
        if view.frozen.is_some() || self.is_full(&view.active) {
            // Long due: whoever compares took the time before asking, and the clock goes on.
            return Some(Timestamp::MIN);
        }
        let since = (*self.since.lock())?;
        let age = jiff::SignedDuration::try_from(self.limits.flush_age).unwrap_or(jiff::SignedDuration::MAX);
        Some(since.checked_add(age).unwrap_or(Timestamp::MAX))
    }

    /// Moves everything written so far into files. Returns how many records.
    pub async fn flush(&self) -> Result<u64, LakeError> {
        let _one = self.flushing.lock().await;
        let mut flushed = self.flush_frozen().await?;
        if self.view().active.records() > 0 {
            let _alone = self.gate.write().await;
            self.freeze_through(self.wal.rotate().await);
            drop(_alone);
            flushed += self.flush_frozen().await?;
        }
        Ok(flushed)
    }

    /// Puts one file in place of several that say the same.
    pub async fn replace(&self, old: &[Arc<DataFile>], new: Option<FileMeta>) -> Result<(), LakeError> {
        let remove = old.iter().map(|file| file.meta.path.clone()).collect();
        self.commit(Change { add: new.into_iter().collect(), remove, ..Change::default() }, None).await?;
        Ok(())
    }

    /// Writes a file that no manifest names yet.
    pub async fn put(&self, file: NewFile, level: u32, sequence: Option<u64>) -> Result<FileMeta, LakeError> {
        let number = self.catalog.next_sequence().await;
        let day = Timestamp::from_nanosecond(i128::from(file.first_ns)).map(|time| time.strftime("%Y-%m-%d").to_string());
        let path = format!("{}/{}/{number:010}.parquet", H::SIGNAL.folder(), day.as_deref().unwrap_or("undated"));
        let meta = FileMeta {
            bytes: file.bytes.len() as u64,
            records: file.records,
            first_ns: file.first_ns,
            last_ns: file.last_ns,
            written_ms: self.clock.now().as_millisecond(),
            level,
            sequence: sequence.unwrap_or(number),
            path,
        };
        self.catalog.store().put(&meta.path, file.bytes).await?;
        Ok(meta)
    }

    pub fn store(&self) -> &Store {
        self.catalog.store()
    }

    fn is_full(&self, active: &H) -> bool {
        active.bytes() >= self.limits.flush_bytes || self.wal.fresh_bytes() >= self.limits.flush_log_bytes
    }

    /// The caller sees to it that the active head is the log up to this segment.
    fn freeze_through(&self, through: u64) {
        let mut view = self.view.write();
        let head = std::mem::take(&mut view.active);
        view.frozen = Some(Frozen { head, through });
        *self.since.lock() = None;
        self.due.store(false, Ordering::Relaxed);
    }

    async fn flush_frozen(&self) -> Result<u64, LakeError> {
        let Some(frozen) = self.view().frozen else { return Ok(0) };
        let head = frozen.head.clone();
        let packed = tokio::task::spawn_blocking(move || head.files()).await;
        let files = packed.map_err(|panic| LakeError::Write(panic.into()))?.map_err(LakeError::Write)?;
        let mut add = Vec::new();
        for file in files {
            add.push(self.put(file, 0, None).await?);
        }
        let change = Change { add, flushed_through: Some(frozen.through), metadata: frozen.head.metadata(), ..Change::default() };
        self.commit(change, Some(&frozen)).await?;
        if let Err(error) = self.wal.delete_through(frozen.through) {
            // The manifest says that they are done with; the next start deletes them.
            tracing::warn!(%error, "segments of the write-ahead log could not be deleted");
        }
        Ok(frozen.head.records() as u64)
    }

    async fn commit(&self, change: Change, flushed: Option<&Frozen<H>>) -> Result<(), LakeError> {
        let (add, remove) = (change.add.clone(), change.remove.clone());
        let publish = || {
            let mut view = self.view.write();
            let (gone, mut files): (Vec<_>, Vec<_>) = view.files.drain(..).partition(|file| remove.contains(&file.meta.path));
            files.extend(add.into_iter().map(DataFile::new).map(Arc::new));
            files.sort_by_key(|file| (file.meta.first_ns, file.meta.sequence));
            view.files = files;
            if flushed.is_some() {
                view.frozen = None;
            }
            self.catalog.discard(gone);
        };
        Ok(self.catalog.commit(H::SIGNAL, change, publish).await?)
    }

    async fn replay(&self, folder: &Path, segment: u64) -> std::io::Result<()> {
        let head = self.view().active;
        let folder = folder.to_owned();
        let replaying = tokio::task::spawn_blocking(move || {
            let mut unknown = 0;
            let damages = wal::replay(&folder, segment, |kind, payload| match H::decode(&payload).filter(|_| kind == FRAME) {
                Some(batch) => head.append(batch),
                None => unknown += 1,
            })?;
            Ok::<_, std::io::Error>((damages, unknown))
        });
        let (damages, unknown) = replaying.await.map_err(std::io::Error::other)??;
        for wal::Damage { segment, offset, bytes, torn_tail } in damages {
            match torn_tail {
                true => tracing::info!(signal = H::SIGNAL.folder(), segment, offset, bytes, "cut off a write that a crash left unfinished"),
                false => tracing::error!(signal = H::SIGNAL.folder(), segment, offset, bytes, "the write-ahead log is damaged; what is provably whole was kept"),
            }
        }
        if unknown > 0 {
            tracing::error!(signal = H::SIGNAL.folder(), segment, unknown, "frames of the write-ahead log say nothing this build understands");
        }
        Ok(())
    }
}

impl From<WalError> for SinkError {
    fn from(error: WalError) -> Self {
        match error {
            WalError::Busy => Self::Busy { retry_after_s: 1 },
            other => Self::Storage(Box::new(other)),
        }
    }
}
