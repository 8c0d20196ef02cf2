//! The live output of a run: pieces gathered for a tenth of a second, then written; secrets of the run never are.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use kernel::{RunId, SharedClock};
use ledger::{Batch, Lease, Ledger, LedgerError, OutputChunk, OutputKind, RunAttachment};
use parking_lot::RwLock;
use scenario::Redactor;
use secrecy::{ExposeSecret, SecretString};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout, timeout_at};

/// A watcher sees output at most this much later than it came.
const GATHER: Duration = Duration::from_millis(100);
/// A chunk longer than this is written at once.
const CHUNK_BYTES: usize = 16 * 1024;
/// What one step may put out; the rest is dropped, and a note says so.
pub const STEP_BYTES: usize = 2 * 1024 * 1024;

/// Where cells write. A slow ledger slows the cell down, rather than filling memory.
#[derive(Debug, Clone)]
pub struct Output {
    sender: mpsc::Sender<Message>,
    redactor: Arc<RwLock<Redactor>>,
}

#[derive(Debug)]
enum Message {
    Piece { step: u32, kind: OutputKind, data: String },
    Attachment(Box<RunAttachment>),
    Flush(oneshot::Sender<()>),
}

impl Output {
    /// Starts the writer of one run; it ends when the last clone of the handle is gone.
    pub async fn open(ledger: Ledger, run: RunId, lease: &Lease, clock: SharedClock) -> Result<Self, LedgerError> {
        let sequence = last_sequence(&ledger, &run).await? + 1;
        let (sender, messages) = mpsc::channel(64);
        let lease = (lease.name.clone(), lease.token);
        let writer = Writer { ledger, run, lease, clock, sequence, written: HashMap::new(), chunks: Vec::new() };
        tokio::spawn(writer.run(messages));
        Ok(Self { sender, redactor: Arc::default() })
    }

    /// From now on this is shown nowhere in the run.
    pub fn hide(&self, secret: &SecretString) {
        self.redactor.write().learn(secret.expose_secret());
    }

    /// A text without what must not be shown.
    pub fn redacted(&self, text: String) -> String {
        match self.redactor.read().redact(&text) {
            Cow::Borrowed(_) => text,
            Cow::Owned(shown) => shown,
        }
    }

    pub async fn write(&self, step: u32, kind: OutputKind, data: impl Into<String>) {
        self.put(step, kind, self.redacted(data.into())).await;
    }

    async fn put(&self, step: u32, kind: OutputKind, data: String) {
        // The writer ends only with the run's lease; what comes later has nowhere to go.
        let _ = self.sender.send(Message::Piece { step, kind, data }).await;
    }

    /// Keeps a file of the run.
    pub async fn attach(&self, attachment: RunAttachment) {
        // As above.
        let _ = self.sender.send(Message::Attachment(Box::new(attachment))).await;
    }

    pub async fn note(&self, step: u32, text: impl Into<String>) {
        self.write(step, OutputKind::Note, text).await;
    }

    /// Returns when everything before is in the ledger.
    pub async fn flush(&self) {
        let (done, flushed) = oneshot::channel();
        if self.sender.send(Message::Flush(done)).await.is_ok() {
            let _ = flushed.await;
        }
    }

    /// Writes what a process puts out, whole lines where it can, until the stream ends.
    pub async fn copy(&self, step: u32, kind: OutputKind, mut stream: impl AsyncRead + Unpin) {
        let mut held: Vec<u8> = Vec::new();
        let mut text = String::new();
        loop {
            let read = match held.is_empty() {
                true => Ok(stream.read_buf(&mut held).await),
                // Part of a line, such as a question or a progress bar, is shown after a moment.
                false => timeout(GATHER, stream.read_buf(&mut held)).await,
            };
            let length = match read {
                Ok(Ok(0)) | Ok(Err(_)) => break,
                Ok(Ok(_)) if held.len() > CHUNK_BYTES => held.len(),
                Ok(Ok(_)) => held.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1),
                Err(_) => held.len(),
            };
            take_text(&mut held, length, &mut text);
            self.show(step, kind, &mut text, false).await;
        }
        text.push_str(&String::from_utf8_lossy(&held));
        self.show(step, kind, &mut text, true).await;
    }

    /// What may be the beginning of a secret stays in `text` until more of it comes.
    async fn show(&self, step: u32, kind: OutputKind, text: &mut String, ends: bool) {
        let (shown, taken) = {
            let redactor = self.redactor.read();
            if redactor.knows_nothing() { (std::mem::take(text), 0) } else { redactor.redact_part(text, ends) }
        };
        text.drain(..taken);
        if !shown.is_empty() {
            self.put(step, kind, shown).await;
        }
    }
}

/// Moves the first `length` bytes, but not the beginning of a character at their end.
fn take_text(held: &mut Vec<u8>, length: usize, text: &mut String) {
    let length = match std::str::from_utf8(&held[..length]) {
        Err(error) if error.error_len().is_none() => error.valid_up_to(),
        _ => length,
    };
    text.push_str(&String::from_utf8_lossy(&held[..length]));
    held.drain(..length);
}

struct Writer {
    ledger: Ledger,
    run: RunId,
    lease: (String, i64),
    clock: SharedClock,
    sequence: i64,
    written: HashMap<u32, usize>,
    chunks: Vec<OutputChunk>,
}

impl Writer {
    async fn run(mut self, mut messages: mpsc::Receiver<Message>) {
        while let Some(first) = messages.recv().await {
            let deadline = Instant::now() + GATHER;
            let mut next = Some(first);
            let mut flushed = None;
            while let Some(message) = next.take() {
                match message {
                    Message::Piece { step, kind, data } => self.add(step, kind, data),
                    Message::Attachment(attachment) => self.keep(*attachment).await,
                    Message::Flush(done) => {
                        flushed = Some(done);
                        break;
                    }
                }
                if self.chunks.iter().map(|chunk| chunk.data.len()).sum::<usize>() < CHUNK_BYTES {
                    next = timeout_at(deadline, messages.recv()).await.ok().flatten();
                }
            }
            self.commit().await;
            if let Some(done) = flushed {
                // Whoever waited may have given up.
                let _ = done.send(());
            }
        }
    }

    fn add(&mut self, step: u32, kind: OutputKind, data: String) {
        let stream = matches!(kind, OutputKind::Stdout | OutputKind::Stderr);
        let written = self.written.entry(step).or_default();
        if stream && *written > STEP_BYTES {
            return;
        }
        *written += data.len();
        let cut = stream && *written > STEP_BYTES;
        let joins = stream && self.chunks.last().is_some_and(|last| last.step == step && last.kind == kind);
        match self.chunks.last_mut().filter(|_| joins) {
            Some(last) => last.data.push_str(&data),
            None => self.push(step, kind, data),
        }
        if cut {
            self.push(step, OutputKind::Note, format!("more than {} MiB of output; the rest is not kept, the step goes on", STEP_BYTES >> 20));
        }
    }

    fn push(&mut self, step: u32, kind: OutputKind, data: String) {
        let time = self.clock.now();
        self.chunks.push(OutputChunk { run: self.run.clone(), step, sequence: self.sequence, kind, time, data });
        self.sequence += 1;
    }

    /// Alone in its batch, since it is large.
    async fn keep(&self, attachment: RunAttachment) {
        let name = attachment.name.clone();
        let batch = Batch::new().under_lease(&self.lease.0, self.lease.1).attachment(attachment);
        if let Err(error) = self.ledger.commit(batch).await {
            tracing::warn!(run = %self.run, name, %error, "an attachment of a run could not be kept");
        }
    }

    async fn commit(&mut self) {
        if self.chunks.is_empty() {
            return;
        }
        let batch = Batch::new().under_lease(&self.lease.0, self.lease.1);
        let batch = self.chunks.drain(..).fold(batch, Batch::output);
        if let Err(error) = self.ledger.commit(batch).await {
            tracing::warn!(run = %self.run, %error, "output of a run could not be kept");
        }
    }
}

/// -1 if there is none.
async fn last_sequence(ledger: &Ledger, run: &RunId) -> Result<i64, LedgerError> {
    let mut last = -1;
    loop {
        let page = ledger.output(run, last, 1000).await?;
        match page.last() {
            Some(chunk) => last = chunk.sequence,
            None => return Ok(last),
        }
    }
}
