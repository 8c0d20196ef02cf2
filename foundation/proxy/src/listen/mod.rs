//! Clients' connections: accepted, told apart by protocol, served until they or we are done.

mod prefix;
mod tls;

use std::future::Future;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::client::Client;
use crate::error::ProxyError;
use crate::forward::forward;
use crate::worker::Worker;
pub(crate) use tls::acceptor;

const BACKLOG: i32 = 1_024;
/// How many headers hyper takes of whoever says nothing else.
const HYPERS_HEADERS: usize = 100;
/// After an accept that failed, for example for want of file descriptors.
const BREATH: Duration = Duration::from_millis(20);

/// One listener for each worker, on the same port: the kernel shares connections among them.
pub(crate) fn bind(address: SocketAddr, workers: usize) -> Result<Vec<StdListener>, ProxyError> {
    let failed = |source| ProxyError::Listen { address, source };
    let first = listener(address, false).map_err(failed)?;
    let address = first.local_addr().map_err(failed)?;
    if workers == 1 {
        return Ok(vec![first]);
    }
    // A port that is shared could also be shared with a stranger; that the first had it alone rules this out.
    drop(first);
    (0..workers).map(|_| listener(address, true).map_err(failed)).collect()
}

fn listener(address: SocketAddr, shared: bool) -> std::io::Result<StdListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    if shared {
        socket.set_reuse_port(true)?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// Until the worker is closing; what was accepted is left to the worker's tracker.
pub(crate) async fn accept(worker: Arc<Worker>, listener: TcpListener, tls: Option<TlsAcceptor>) {
    let closing = worker.closing.clone();
    loop {
        let accepted = tokio::select! {
            biased;
            accepted = listener.accept() => accepted,
            // Only once nobody waits any more: who is in the queue believes to be connected.
            () = closing.cancelled() => return,
        };
        match accepted {
            Ok((stream, address)) => begin(&worker, stream, address, tls.clone()),
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(BREATH).await;
            }
        }
    }
}

fn begin(worker: &Arc<Worker>, stream: TcpStream, address: SocketAddr, tls: Option<TlsAcceptor>) {
    let place = Place::take(&worker.clients);
    if place.taken > worker.settings.limits.connections {
        if tls.is_none() {
            let full = b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\nRetry-After: 1\r\n\r\n";
            // Whether the client reads it or not, there is nothing more to do for it.
            stream.try_write(full).ok();
        }
        return;
    }
    let worker = worker.clone();
    let tracker = worker.connections.clone();
    tracker.spawn(async move {
        let _place = place;
        let patience = worker.settings.timeouts.keep_alive;
        stream.set_nodelay(true).ok();
        let client = Arc::new(Client::new(address.ip(), tls.is_some()));
        match tls {
            None => serve(worker, client, stream).await,
            Some(tls) => {
                if let Ok(Ok(stream)) = timeout(patience, tls.accept(stream)).await {
                    serve(worker, client, stream).await;
                }
            }
        }
    });
}

async fn serve(worker: Arc<Worker>, client: Arc<Client>, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
    let (limits, patience) = (worker.settings.limits.clone(), worker.settings.timeouts.keep_alive);
    let closing = worker.closing.clone();
    let begun = tokio::select! {
        begun = timeout(patience, prefix::read(stream)) => begun,
        // It has asked for nothing yet.
        () = closing.cancelled() => return,
    };
    let Ok(Ok((stream, protocol))) = begun else { return };
    let end = End::watch(&client, &closing, patience);
    let service = service_fn(move |request: Request<Incoming>| forward(worker.clone(), client.clone(), request));
    let io = TokioIo::new(stream);
    let ended = match protocol {
        prefix::Protocol::Http1 => {
            let mut server = http1::Builder::new();
            server.header_read_timeout(None).max_header_size(limits.header_bytes).writev(false);
            // Said, hyper clears room for so many at each request.
            if limits.headers != HYPERS_HEADERS {
                server.max_headers(limits.headers);
            }
            let connection = server.serve_connection(io, service).with_upgrades();
            until(end, pin!(connection), |connection| connection.graceful_shutdown()).await
        }
        prefix::Protocol::Http2 => {
            let mut server = http2::Builder::new(TokioExecutor::new());
            let header_bytes = u32::try_from(limits.header_bytes).unwrap_or(u32::MAX);
            server.timer(TokioTimer::new()).keep_alive_interval(patience).max_concurrent_streams(limits.streams).max_header_list_size(header_bytes);
            let connection = server.serve_connection(io, service);
            until(end, pin!(connection), |connection| connection.graceful_shutdown()).await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a client's connection has ended");
    }
}

/// Why a connection ends that could go on.
enum End {
    Idle,
    Closing,
}

impl End {
    /// Waits in a task of its own, so that the connection's, which wakes for every packet, has little to look at.
    fn watch(client: &Arc<Client>, closing: &CancellationToken, patience: Duration) -> (oneshot::Receiver<Self>, AbortOnDropHandle<()>) {
        let (tell, told) = oneshot::channel();
        let (client, closing) = (client.clone(), closing.clone());
        let watching = tokio::spawn(async move {
            let end = tokio::select! {
                () = client.idle(patience) => Self::Idle,
                () = closing.cancelled() => Self::Closing,
            };
            // A connection that has ended meanwhile does not listen.
            tell.send(end).ok();
        });
        (told, AbortOnDropHandle::new(watching))
    }
}

/// Closing lets the requests under way be answered; of an idle connection nothing is worth waiting for.
async fn until<C: Future<Output = hyper::Result<()>>>(end: (oneshot::Receiver<End>, AbortOnDropHandle<()>), mut connection: Pin<&mut C>, close: impl FnOnce(Pin<&mut C>)) -> hyper::Result<()> {
    let (told, _watching) = end;
    tokio::select! {
        biased;
        ended = connection.as_mut() => return ended,
        end = told => if let Ok(End::Idle) = end { return Ok(()) },
    }
    close(connection.as_mut());
    connection.await
}

/// Of a client, among all that may be connected at once.
struct Place {
    clients: Arc<AtomicUsize>,
    taken: usize,
}

impl Place {
    fn take(clients: &Arc<AtomicUsize>) -> Self {
        Self { taken: clients.fetch_add(1, Relaxed) + 1, clients: clients.clone() }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.clients.fetch_sub(1, Relaxed);
    }
}
