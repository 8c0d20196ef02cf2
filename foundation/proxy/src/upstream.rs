//! Connections to backends. A worker keeps its own: they never change threads.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use tokio::net::TcpStream;
use tokio::time::Sleep;

use crate::backend::Backend;
use crate::body::RequestBody;

#[derive(Default)]
pub(crate) struct Pool {
    idle: Mutex<HashMap<u64, Vec<Idle>>>,
    per_backend: usize,
}

struct Idle {
    backend: Arc<Backend>,
    sender: SendRequest<RequestBody>,
    timer: Pin<Box<Sleep>>,
    since: Instant,
}

/// A connection in use by one request. Dropped, it closes; given back, it serves the next.
pub(crate) struct Lease {
    pub sender: SendRequest<RequestBody>,
    /// Has served a request before, so that the backend may be about to close it.
    pub used: bool,
    /// For the response. Kept with the connection, as putting off a timer costs less than making one.
    pub timer: Pin<Box<Sleep>>,
    backend: Arc<Backend>,
    pool: Arc<Pool>,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectError {
    #[error("cannot connect")]
    Failed(#[source] std::io::Error),
    #[error("connecting took too long")]
    TimedOut,
    #[error("no HTTP/1.1 connection")]
    Handshake(#[source] hyper::Error),
}

impl Pool {
    pub fn new(per_backend: usize) -> Self {
        Self { idle: Mutex::default(), per_backend }
    }

    /// One that is open and ready, or None. The latest first, so that the rest can grow old.
    pub fn take(self: &Arc<Self>, backend: &Arc<Backend>) -> Option<Lease> {
        let mut idle = self.idle.lock();
        let kept = idle.get_mut(&backend.id)?;
        while let Some(Idle { sender, timer, .. }) = kept.pop() {
            if !sender.is_closed() {
                return Some(Lease { sender, used: true, timer, backend: backend.clone(), pool: self.clone() });
            }
        }
        None
    }

    pub async fn connect(self: &Arc<Self>, backend: &Arc<Backend>, limit: Duration, header_bytes: usize) -> Result<Lease, ConnectError> {
        let stream = tokio::time::timeout(limit, TcpStream::connect(&backend.authority)).await.map_err(|_| ConnectError::TimedOut)?.map_err(ConnectError::Failed)?;
        stream.set_nodelay(true).map_err(ConnectError::Failed)?;
        let (sender, connection) = http1::Builder::new().max_header_size(header_bytes).writev(false).handshake(TokioIo::new(stream)).await.map_err(ConnectError::Handshake)?;
        tokio::spawn(async move {
            if let Err(error) = connection.with_upgrades().await {
                tracing::debug!(%error, "a connection to a backend has ended");
            }
        });
        Ok(Lease { sender, used: false, timer: Box::pin(tokio::time::sleep(limit)), backend: backend.clone(), pool: self.clone() })
    }

    /// Closes what was not used for `age`, and all connections to backends that drain.
    pub fn tidy(&self, age: Duration) {
        self.idle.lock().retain(|_, kept| {
            kept.retain(|idle| !idle.sender.is_closed() && !idle.backend.is_draining() && idle.since.elapsed() < age);
            !kept.is_empty()
        });
    }
}

impl Lease {
    pub fn give_back(self) {
        let Self { sender, timer, backend, pool, .. } = self;
        if sender.is_closed() || backend.is_draining() {
            return;
        }
        let mut idle = pool.idle.lock();
        let kept = idle.entry(backend.id).or_default();
        if kept.len() < pool.per_backend {
            kept.push(Idle { backend, sender, timer, since: Instant::now() });
        }
    }
}
