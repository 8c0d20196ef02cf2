//! Opening connections.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use hyper::client::conn::{http1, http2};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::address::Endpoint;
use super::answer::Connected;
use super::connection::Connection;
use super::error::RequestError;
use super::resolve::Resolver;
use super::tls::Tls;

pub(super) type Io = TokioIo<Stream>;

pub(super) struct Connector {
    tls: Tls,
    resolver: Resolver,
}

/// Plain or encrypted.
pub enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Connector {
    pub fn new(tls: Tls) -> Self {
        Self { tls, resolver: Resolver::default() }
    }

    pub async fn open(&self, endpoint: &Endpoint, http2: bool) -> Result<(Connection, Connected), RequestError> {
        let (stream, connected) = self.stream(endpoint, http2).await?;
        let io = TokioIo::new(stream);
        let failed = |error: hyper::Error| RequestError::from_hyper(&endpoint.peer(), &error);
        let connection = if http2 {
            let (sender, driver) = http2::Builder::new(LocalTasks).handshake(io).await.map_err(failed)?;
            // Its end is told to the requests on it.
            tokio::task::spawn_local(async move { driver.await.unwrap_or_default() });
            Connection::http2(endpoint.clone(), sender)
        } else {
            let (sender, driver) = http1::handshake(io).await.map_err(failed)?;
            Connection::http1(endpoint.clone(), sender, driver)
        };
        Ok((connection, connected))
    }

    /// A connection on which no HTTP has been spoken yet.
    pub async fn stream(&self, endpoint: &Endpoint, http2: bool) -> Result<(Stream, Connected), RequestError> {
        let began = Instant::now();
        let addresses = self.resolver.look_up(endpoint).await?;
        let resolved = Instant::now();
        let tcp = self.connect(endpoint, &addresses).await?;
        let reached = Instant::now();
        let mut connected = Connected { resolve: resolved - began, connect: reached - resolved, tls: None };
        if !endpoint.secure() {
            return Ok((Stream::Plain(tcp), connected));
        }
        let stream = self.encrypt(endpoint, http2, tcp).await?;
        connected.tls = Some(reached.elapsed());
        Ok((stream, connected))
    }

    async fn connect(&self, endpoint: &Endpoint, addresses: &[SocketAddr]) -> Result<TcpStream, RequestError> {
        let mut last = None;
        for address in addresses {
            match TcpStream::connect(address).await {
                Ok(stream) => {
                    // A refusal only costs some latency.
                    stream.set_nodelay(true).unwrap_or_default();
                    self.resolver.worked(endpoint, address.ip());
                    return Ok(stream);
                }
                Err(error) => last = Some(error),
            }
        }
        let error = last.unwrap_or_else(|| io::Error::from(io::ErrorKind::AddrNotAvailable));
        Err(RequestError::from_io(&endpoint.peer(), &error))
    }

    async fn encrypt(&self, endpoint: &Endpoint, http2: bool, tcp: TcpStream) -> Result<Stream, RequestError> {
        let connector = TlsConnector::from(self.tls.config(http2).map_err(RequestError::TlsSettings)?);
        let name = self.tls.server_name.as_deref().unwrap_or(endpoint.host());
        let peer = endpoint.peer();
        let name = ServerName::try_from(name.to_owned())
            .map_err(|error| RequestError::Tls { peer: peer.clone(), reason: error.to_string() })?;
        let stream = connector.connect(name, tcp).await.map_err(|error| RequestError::from_io(&peer, &error))?;
        if http2 && stream.get_ref().1.alpn_protocol() != Some(b"h2") {
            let reason = "it does not offer HTTP/2".to_owned();
            return Err(RequestError::Protocol { peer, reason });
        }
        Ok(Stream::Tls(Box::new(stream)))
    }
}

/// Runs HTTP/2's tasks on the worker's own thread.
#[derive(Clone, Copy)]
struct LocalTasks;

impl<F: Future<Output = ()> + 'static> hyper::rt::Executor<F> for LocalTasks {
    fn execute(&self, task: F) {
        tokio::task::spawn_local(task);
    }
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, buffer),
            Self::Tls(stream) => Pin::new(stream).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(cx, data),
            Self::Tls(stream) => Pin::new(stream).poll_write(cx, data),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write_vectored(cx, parts),
            Self::Tls(stream) => Pin::new(stream).poll_write_vectored(cx, parts),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(stream) => stream.is_write_vectored(),
            Self::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
