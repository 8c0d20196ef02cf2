//! One direction of a connection: reads from one socket, writes to the other.

use std::io;
use std::pin::Pin;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll};

use bytes::{Buf, Bytes, BytesMut};
use fastrand::Rng;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_util::io::poll_read_buf;

use super::super::pipeline::Pipeline;
use super::super::toxics::Item;
use super::{Counters, Ending};

/// Read at once.
const CHUNK_BYTES: usize = 32 * 1024;
/// Below this a new chunk is begun.
const SMALLEST_CHUNK_BYTES: usize = 8 * 1024;

#[derive(Debug)]
pub(super) struct Link {
    pub pipeline: Pipeline,
    /// What is copied while no toxic acts: `copied[from..to]` is still to be written.
    copied: Box<[u8]>,
    from: usize,
    to: usize,
    chunk: BytesMut,
    source: Source,
    sink_ended: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    Open,
    Ended,
    /// Its end is on its way through the toxics.
    Passed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    Made,
    /// For a socket or for the clock.
    Waits,
}

impl Link {
    pub fn new() -> Self {
        Self {
            pipeline: Pipeline::new(Rng::new()),
            copied: Box::default(),
            from: 0,
            to: 0,
            chunk: BytesMut::new(),
            source: Source::Open,
            sink_ended: false,
        }
    }

    /// The sender has ended, and the receiver knows.
    pub fn is_over(&self) -> bool {
        self.sink_ended
    }

    /// Passes on what there is.
    pub fn pass(&mut self, context: &mut Context<'_>, source: &mut TcpStream, sink: &mut TcpStream, counters: &Counters) -> Result<(), Ending> {
        loop {
            if self.pipeline.is_idle() && self.source != Source::Passed {
                if self.copy(context, source, sink, counters)?.is_pending() {
                    return Ok(());
                }
                self.push_end(Instant::now());
            }
            let mut progress = Progress::Waits;
            if self.pipeline.accepts()
                && let Some(bytes) = self.receive(context, source, counters)?
            {
                self.pipeline.push(Item::Data(bytes), Instant::now());
                progress = Progress::Made;
            }
            self.push_end(Instant::now());
            if progress.or(self.deliver(context, sink, counters)?) == Progress::Waits {
                return Ok(());
            }
        }
    }

    /// The short way, while nothing acts. Ready when the source has ended.
    fn copy(&mut self, context: &mut Context<'_>, source: &mut TcpStream, sink: &mut TcpStream, counters: &Counters) -> Result<Poll<()>, Ending> {
        if self.copied.is_empty() {
            self.copied = vec![0; CHUNK_BYTES].into();
        }
        loop {
            if self.write_copied(context, sink, counters)?.is_pending() {
                return Ok(Poll::Pending);
            }
            if self.source != Source::Open {
                return Ok(Poll::Ready(()));
            }
            let mut buffer = ReadBuf::new(&mut self.copied);
            match Pin::new(&mut *source).poll_read(context, &mut buffer) {
                Poll::Pending => return Ok(Poll::Pending),
                Poll::Ready(read) => read.map_err(|error| ending_of(&error))?,
            }
            let length = buffer.filled().len();
            (self.from, self.to) = (0, length);
            counters.received.fetch_add(length as u64, Relaxed);
            if length == 0 {
                self.source = Source::Ended;
            }
        }
    }

    fn write_copied(&mut self, context: &mut Context<'_>, sink: &mut TcpStream, counters: &Counters) -> Result<Poll<()>, Ending> {
        while self.from < self.to {
            match Pin::new(&mut *sink).poll_write(context, &self.copied[self.from..self.to]) {
                Poll::Pending => return Ok(Poll::Pending),
                Poll::Ready(written) => {
                    let written = written.map_err(|error| ending_of(&error))?;
                    self.from += written;
                    counters.sent.fetch_add(written as u64, Relaxed);
                }
            }
        }
        Ok(Poll::Ready(()))
    }

    /// Reads the next chunk; none while there is nothing to read.
    pub fn receive(&mut self, context: &mut Context<'_>, source: &mut TcpStream, counters: &Counters) -> Result<Option<Bytes>, Ending> {
        if self.source != Source::Open {
            return Ok(None);
        }
        if self.chunk.capacity() < SMALLEST_CHUNK_BYTES {
            self.chunk.reserve(CHUNK_BYTES);
        }
        match poll_read_buf(Pin::new(source), context, &mut self.chunk) {
            Poll::Pending => Ok(None),
            Poll::Ready(Err(error)) => Err(ending_of(&error)),
            Poll::Ready(Ok(0)) => {
                self.source = Source::Ended;
                Ok(None)
            }
            Poll::Ready(Ok(length)) => {
                counters.received.fetch_add(length as u64, Relaxed);
                Ok(Some(self.chunk.split().freeze()))
            }
        }
    }

    /// Sends the source's end on its way, once.
    pub fn push_end(&mut self, now: Instant) {
        if self.source == Source::Ended {
            self.source = Source::Passed;
            self.pipeline.push(Item::End, now);
        }
    }

    /// Writes what has passed the toxics.
    pub fn deliver(&mut self, context: &mut Context<'_>, sink: &mut TcpStream, counters: &Counters) -> Result<Progress, Ending> {
        let mut progress = Progress::Waits;
        // What was copied before a toxic came goes first.
        if self.write_copied(context, sink, counters)?.is_pending() {
            return Ok(progress);
        }
        loop {
            self.pipeline.advance(Instant::now());
            let Some(item) = self.pipeline.leaving.front_mut() else { return Ok(progress) };
            let passed = match item {
                Item::Close => return Err(Ending::Close),
                Item::Reset => return Err(Ending::Reset),
                Item::End => Pin::new(&mut *sink).poll_shutdown(context).map(|_| true),
                Item::Data(bytes) => write(context, sink, bytes, counters)?,
            };
            match passed {
                Poll::Pending => return Ok(progress),
                Poll::Ready(whole) => {
                    if whole {
                        self.sink_ended |= self.pipeline.leaving.pop_front() == Some(Item::End);
                    }
                    progress = Progress::Made;
                }
            }
        }
    }
}

impl Progress {
    pub fn or(self, other: Self) -> Self {
        if self == Self::Made { self } else { other }
    }
}

/// Whether all has been written.
fn write(context: &mut Context<'_>, sink: &mut TcpStream, bytes: &mut Bytes, counters: &Counters) -> Result<Poll<bool>, Ending> {
    match Pin::new(sink).poll_write(context, bytes) {
        Poll::Pending => Ok(Poll::Pending),
        Poll::Ready(written) => {
            let written = written.map_err(|error| ending_of(&error))?;
            counters.sent.fetch_add(written as u64, Relaxed);
            bytes.advance(written);
            Ok(Poll::Ready(bytes.is_empty()))
        }
    }
}

/// A reset on one side is passed on to the other.
fn ending_of(error: &io::Error) -> Ending {
    match error.kind() {
        io::ErrorKind::ConnectionReset => Ending::Reset,
        _ => Ending::Close,
    }
}
