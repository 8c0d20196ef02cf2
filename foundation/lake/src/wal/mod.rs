//! The write-ahead log of one signal: what was acknowledged is in here until it is in the lake's files.
//!
//! Writers put their frames into one buffer; whoever comes first writes and syncs the buffer for all
//! who wait (group commit). After a failed write the file is cut back to its last durable frame and
//! writing may go on; after a failed sync nothing is certain any more, so the log refuses every
//! further frame until the server is started again.

mod frame;
mod replay;
mod segment;

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use tokio::sync::oneshot;

pub use frame::PAYLOAD_BYTES_MAX;
pub use replay::{Damage, replay};
pub use segment::list;
use segment::Segment;

/// A segment is closed when it has grown to this.
const SEGMENT_BYTES: u64 = 32 << 20;

/// Frames waiting for the disk beyond this are refused.
const PENDING_BYTES_MAX: usize = 64 << 20;

#[derive(Debug, Clone, thiserror::Error)]
pub enum WalError {
    #[error("{} MiB wait for the disk", PENDING_BYTES_MAX >> 20)]
    Busy,
    #[error("a request of {bytes} bytes is larger than the write-ahead log takes ({PAYLOAD_BYTES_MAX} bytes)")]
    TooLarge { bytes: usize },
    #[error("the write-ahead log in {} cannot be written: {source}", folder.display())]
    Write { folder: PathBuf, source: Arc<io::Error> },
    #[error("the write-ahead log in {} could not be made durable and takes nothing more until a restart: {reason}", folder.display())]
    Failed { folder: PathBuf, reason: String },
}

/// A log open for appending.
#[derive(Debug)]
pub struct Wal {
    folder: PathBuf,
    pending: Mutex<Pending>,
    writer: tokio::sync::Mutex<Writer>,
    /// Bytes in segments that are not yet deleted.
    bytes: AtomicU64,
    /// Of these, the ones since the last rotation.
    fresh_bytes: AtomicU64,
}

#[derive(Debug, Default)]
struct Pending {
    frames: Vec<(u8, bytes::Bytes)>,
    bytes: usize,
    waiters: Vec<oneshot::Sender<Result<(), WalError>>>,
}

#[derive(Debug)]
struct Writer {
    next: u64,
    segment: Option<Open>,
    failed: Option<String>,
}

#[derive(Debug)]
struct Open {
    segment: Segment,
    durable_bytes: u64,
}

impl Wal {
    /// Opens for appending, behind the segments that are there and behind `after`.
    pub fn open(folder: &Path, after: u64) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let numbers = segment::list(folder)?;
        let mut bytes = 0;
        for number in &numbers {
            bytes += fs::metadata(segment::path(folder, *number))?.len();
        }
        let next = numbers.last().copied().unwrap_or(0).max(after) + 1;
        Ok(Self {
            folder: folder.to_owned(),
            pending: Mutex::default(),
            writer: tokio::sync::Mutex::new(Writer { next, segment: None, failed: None }),
            bytes: AtomicU64::new(bytes),
            fresh_bytes: AtomicU64::new(bytes),
        })
    }

    /// Returns when the frame is durable. Not to be cancelled: a frame may then be durable although
    /// nobody knows.
    pub async fn append(&self, kind: u8, payload: bytes::Bytes) -> Result<(), WalError> {
        if payload.len() > PAYLOAD_BYTES_MAX {
            return Err(WalError::TooLarge { bytes: payload.len() });
        }
        let mut done = self.enqueue(kind, payload)?;
        let mut writer = self.writer.lock().await;
        if let Ok(outcome) = done.try_recv() {
            return outcome;
        }
        let batch = std::mem::take(&mut *self.pending.lock());
        let outcome = self.commit(&mut writer, batch.frames).await;
        for waiter in batch.waiters {
            // A waiter that has gone away needs no answer.
            let _ = waiter.send(outcome.clone());
        }
        outcome
    }

    /// Closes the present segment. Everything appended so far is in segments up to the returned
    /// number, everything later behind it.
    pub async fn rotate(&self) -> u64 {
        let mut writer = self.writer.lock().await;
        self.fresh_bytes.store(0, Ordering::Relaxed);
        if writer.segment.take().is_some() {
            writer.next += 1;
        }
        writer.next - 1
    }

    /// Deletes the segments up to this number; what they hold is elsewhere now.
    pub fn delete_through(&self, number: u64) -> io::Result<()> {
        for old in segment::list(&self.folder)?.into_iter().filter(|old| *old <= number) {
            let path = segment::path(&self.folder, old);
            let bytes = fs::metadata(&path)?.len();
            fs::remove_file(&path)?;
            self.bytes.fetch_sub(bytes.min(self.bytes()), Ordering::Relaxed);
        }
        segment::sync_folder(&self.folder)
    }

    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    pub fn fresh_bytes(&self) -> u64 {
        self.fresh_bytes.load(Ordering::Relaxed)
    }

    fn enqueue(&self, kind: u8, payload: bytes::Bytes) -> Result<oneshot::Receiver<Result<(), WalError>>, WalError> {
        let (waiter, done) = oneshot::channel();
        let mut pending = self.pending.lock();
        if !pending.frames.is_empty() && pending.bytes + payload.len() > PENDING_BYTES_MAX {
            return Err(WalError::Busy);
        }
        pending.bytes += payload.len();
        pending.frames.push((kind, payload));
        pending.waiters.push(waiter);
        Ok(done)
    }

    async fn commit(&self, writer: &mut Writer, frames: Vec<(u8, bytes::Bytes)>) -> Result<(), WalError> {
        if let Some(reason) = &writer.failed {
            return Err(WalError::Failed { folder: self.folder.clone(), reason: reason.clone() });
        }
        if writer.segment.as_ref().is_some_and(|open| open.durable_bytes >= SEGMENT_BYTES) {
            writer.segment = None;
            writer.next += 1;
        }
        let (open, number, folder) = (writer.segment.take(), writer.next, self.folder.clone());
        let blocking = tokio::task::spawn_blocking(move || write_and_sync(open, number, &folder, &frames));
        let (open, outcome) = match blocking.await {
            Ok(written) => written,
            Err(panic) => (None, Err(Failure::Sync(io::Error::other(panic)))),
        };
        writer.segment = open;
        match outcome {
            Ok(bytes) => {
                self.bytes.fetch_add(bytes, Ordering::Relaxed);
                self.fresh_bytes.fetch_add(bytes, Ordering::Relaxed);
                Ok(())
            }
            Err(Failure::Write(source)) => {
                tracing::error!(folder = %self.folder.display(), error = %source, "the write-ahead log cannot be written");
                Err(WalError::Write { folder: self.folder.clone(), source: Arc::new(source) })
            }
            Err(Failure::Sync(source)) => {
                tracing::error!(folder = %self.folder.display(), error = %source, "the write-ahead log could not be made durable; refusing everything until a restart");
                writer.failed = Some(source.to_string());
                Err(WalError::Failed { folder: self.folder.clone(), reason: source.to_string() })
            }
        }
    }
}

enum Failure {
    /// The file is as it was before.
    Write(io::Error),
    /// What the file holds is unknown.
    Sync(io::Error),
}

fn write_and_sync(open: Option<Open>, number: u64, folder: &Path, frames: &[(u8, bytes::Bytes)]) -> (Option<Open>, Result<u64, Failure>) {
    let mut open = match open {
        Some(open) => open,
        None => match Segment::create(folder, number) {
            Ok(segment) => Open { segment, durable_bytes: segment::HEADER_BYTES as u64 },
            Err(error) => return (None, Err(Failure::Write(error))),
        },
    };
    let mut buffer = Vec::new();
    for (kind, payload) in frames {
        frame::encode(&mut buffer, open.segment.salt, *kind, payload);
    }
    if let Err(error) = open.segment.file.write_all(&buffer) {
        return match cut(&mut open) {
            Ok(()) => (Some(open), Err(Failure::Write(error))),
            Err(cut) => (Some(open), Err(Failure::Sync(cut))),
        };
    }
    match open.segment.file.sync_data() {
        Ok(()) => {
            open.durable_bytes += buffer.len() as u64;
            (Some(open), Ok(buffer.len() as u64))
        }
        Err(error) => (Some(open), Err(Failure::Sync(error))),
    }
}

/// Takes back a partial write, durably: a frame that was refused must not come back with a replay.
fn cut(open: &mut Open) -> io::Result<()> {
    use std::io::{Seek, SeekFrom};
    open.segment.file.set_len(open.durable_bytes)?;
    open.segment.file.seek(SeekFrom::Start(open.durable_bytes))?;
    open.segment.file.sync_all()
}

#[cfg(test)]
mod tests;
