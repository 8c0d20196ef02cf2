//! Bodies on their way: passed on piece by piece as the other side takes them, counted, and given up when they stand
//! still.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::time::{Instant, Sleep};

use crate::forward::Record;
use crate::upstream::Lease;

#[derive(Debug, thiserror::Error)]
pub(crate) enum BodyError {
    #[error("the body was cut off")]
    Cut(#[source] hyper::Error),
    #[error("the body stood still for too long")]
    Stalled,
}

/// How far a request's body is.
#[derive(Default)]
pub(crate) struct Progress {
    pub bytes: AtomicU64,
    pub pieces: AtomicU64,
    pub ended: AtomicBool,
    /// The client's fault, not the backend's.
    pub failed: AtomicBool,
}

/// Towards a backend.
pub(crate) enum RequestBody {
    Empty,
    Passing { incoming: Incoming, progress: Arc<Progress>, patience: Patience },
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let Self::Passing { incoming, progress, patience } = self.get_mut() else { return Poll::Ready(None) };
        let polled = patience.watch(Pin::new(&mut *incoming).poll_frame(cx), cx);
        match &polled {
            Poll::Ready(Some(Ok(frame))) => {
                progress.pieces.fetch_add(1, Relaxed);
                progress.bytes.fetch_add(frame.data_ref().map_or(0, |data| data.len() as u64), Relaxed);
                if incoming.is_end_stream() {
                    progress.ended.store(true, Relaxed);
                }
            }
            Poll::Ready(Some(Err(_))) => progress.failed.store(true, Relaxed),
            Poll::Ready(None) => progress.ended.store(true, Relaxed),
            Poll::Pending => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Passing { incoming, .. } => incoming.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Empty => SizeHint::with_exact(0),
            Self::Passing { incoming, .. } => incoming.size_hint(),
        }
    }
}

/// Towards a client. The record is closed when this is dropped, which is when the last byte is on its way.
pub(crate) enum ResponseBody {
    Whole { bytes: Option<Bytes>, _record: Option<Record> },
    Passing { incoming: Incoming, lease: Option<Lease>, record: Record, patience: Patience },
}

impl ResponseBody {
    pub fn whole(bytes: Bytes, record: Option<Record>) -> Self {
        Self::Whole { bytes: (!bytes.is_empty()).then_some(bytes), _record: record }
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match self.get_mut() {
            Self::Whole { bytes, .. } => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Passing { incoming, lease, record, patience } => {
                let polled = patience.watch(Pin::new(&mut *incoming).poll_frame(cx), cx);
                match &polled {
                    Poll::Ready(Some(Ok(frame))) => record.response_bytes += frame.data_ref().map_or(0, |data| data.len() as u64),
                    Poll::Ready(Some(Err(_))) => drop(lease.take()),
                    Poll::Ready(None) => give_back(lease, record),
                    Poll::Pending => {}
                }
                polled
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole { bytes, .. } => bytes.is_none(),
            Self::Passing { incoming, .. } => incoming.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole { bytes, .. } => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Self::Passing { incoming, .. } => incoming.size_hint(),
        }
    }
}

impl Drop for ResponseBody {
    /// A body of known length is not asked again after its last piece.
    fn drop(&mut self) {
        if let Self::Passing { incoming, lease, record, .. } = self
            && incoming.is_end_stream()
        {
            give_back(lease, record);
        }
    }
}

/// A backend may answer before it has the whole request; such a connection is of no use to the next one.
fn give_back(lease: &mut Option<Lease>, record: &Record) {
    let sent = record.progress.as_ref().is_none_or(|progress| progress.ended.load(Relaxed));
    if let Some(lease) = lease.take().filter(|_| sent) {
        lease.give_back();
    }
}

/// How long a body may stand still. The timer is made when a body is first waited for, which short ones never are.
pub(crate) struct Patience {
    limit: Duration,
    timer: Option<Pin<Box<Sleep>>>,
    waiting: bool,
}

impl Patience {
    pub fn new(limit: Duration) -> Self {
        Self { limit, timer: None, waiting: false }
    }

    fn watch<T>(&mut self, polled: Poll<Option<Result<T, hyper::Error>>>, cx: &mut Context<'_>) -> Poll<Option<Result<T, BodyError>>> {
        if let Poll::Ready(ready) = polled {
            self.waiting = false;
            return Poll::Ready(ready.map(|result| result.map_err(BodyError::Cut)));
        }
        let deadline = Instant::now() + self.limit;
        let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline)));
        if !self.waiting {
            self.waiting = true;
            timer.as_mut().reset(deadline);
        }
        timer.as_mut().poll(cx).map(|()| Some(Err(BodyError::Stalled)))
    }
}
