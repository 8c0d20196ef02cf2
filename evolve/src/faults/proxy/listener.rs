//! A proxy that listens: accepts, connects to the upstream, carries.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::{JoinHandle, JoinSet};

use super::connection::{Toxics, Traffic, carry};

/// Connections of one proxy; further ones wait to be accepted.
const MOST_CONNECTIONS: usize = 16 * 1024;

/// Dropping it closes the port and all its connections.
#[derive(Debug)]
pub(super) struct Listener {
    pub address: SocketAddr,
    accepting: JoinHandle<()>,
}

impl Listener {
    /// `listen` is `host:port`; `:port` is every interface, and nothing any free port of the loopback.
    pub async fn start(listen: &str, upstream: &str, toxics: watch::Receiver<Arc<Toxics>>, traffic: Arc<Traffic>) -> io::Result<Self> {
        let listener = bind(listen).await?;
        let address = listener.local_addr()?;
        let accepting = tokio::spawn(accept(listener, upstream.to_owned(), toxics, traffic));
        Ok(Self { address, accepting })
    }

    /// The port is free when this returns.
    pub async fn stop(mut self) {
        self.accepting.abort();
        // It ends by being aborted, which is no news.
        let _ = (&mut self.accepting).await;
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn bind(listen: &str) -> io::Result<TcpListener> {
    match listen.strip_prefix(':') {
        None if listen.is_empty() => TcpListener::bind("127.0.0.1:0").await,
        None => TcpListener::bind(listen).await,
        Some(port) => match TcpListener::bind(format!("[::]:{port}")).await {
            Ok(listener) => Ok(listener),
            // A machine without IPv6.
            Err(_) => TcpListener::bind(format!("0.0.0.0:{port}")).await,
        },
    }
}

async fn accept(listener: TcpListener, upstream: String, toxics: watch::Receiver<Arc<Toxics>>, traffic: Arc<Traffic>) {
    let limit = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    let mut connections = JoinSet::new();
    let upstream: Arc<str> = upstream.into();
    loop {
        let Ok(place) = limit.clone().acquire_owned().await else { return };
        match listener.accept().await {
            Ok((client, _)) => {
                let (upstream, toxics, traffic) = (upstream.clone(), toxics.clone(), traffic.clone());
                connections.spawn(async move {
                    connect(client, &upstream, toxics, traffic).await;
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(%upstream, %error, "a connection to a fault proxy could not be accepted");
                tokio::task::yield_now().await;
            }
        }
        while connections.try_join_next().is_some() {}
    }
}

async fn connect(client: TcpStream, upstream: &str, toxics: watch::Receiver<Arc<Toxics>>, traffic: Arc<Traffic>) {
    let server = match TcpStream::connect(upstream).await {
        Ok(server) => server,
        Err(error) => {
            tracing::warn!(upstream, %error, "a fault proxy cannot reach its upstream");
            return;
        }
    };
    for socket in [&client, &server] {
        if let Err(error) = socket.set_nodelay(true) {
            tracing::debug!(%error, "small messages may be held back");
        }
    }
    carry(client, server, toxics, traffic).await;
}
