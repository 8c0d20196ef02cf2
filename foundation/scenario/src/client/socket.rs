//! WebSockets, opened as HTTP connections are: the same names, the same TLS, the same errors.
//!
//! A socket is read all the time, so that the server's pings are answered while its user thinks. What arrives
//! waits in an inbox until a step asks for it; of too much, the oldest is let go.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::stream::{SplitSink, SplitStream};
use futures::{SinkExt, StreamExt};
use http::header::{self, HeaderMap, HeaderValue};
use http::{Method, StatusCode};
use tokio::sync::{Mutex, Notify};
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig, frame::coding::CloseCode};
use tokio_tungstenite::tungstenite::{Error, Message as Frame, error::CapacityError, error::ProtocolError};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use super::address::Address;
use super::answer::{BODY_BYTES_MAX, Connected};
use super::connect::{Connector, Stream};
use super::error::RequestError;

/// A WebSocket to be opened.
#[derive(Debug)]
pub struct Opening {
    pub address: Address,
    /// Besides those of the handshake itself.
    pub headers: HeaderMap,
    pub timeout: Duration,
    /// A longer message ends the connection.
    pub message_bytes_max: Option<usize>,
}

/// The server's side of the handshake.
#[derive(Debug)]
pub struct Opened {
    pub status: StatusCode,
    pub connected: Connected,
    pub at: Instant,
}

#[derive(Debug, Clone)]
pub struct Message {
    pub data: Bytes,
    /// When it arrived.
    pub at: Instant,
}

/// One open WebSocket.
pub struct Socket {
    url: String,
    sink: Mutex<SplitSink<WebSocketStream<Stream>, Frame>>,
    inbox: Rc<Inbox>,
    reader: JoinHandle<()>,
}

struct Inbox {
    peer: String,
    waiting: RefCell<VecDeque<Message>>,
    waiting_bytes: Cell<usize>,
    /// Why nothing more comes.
    ended: RefCell<Option<RequestError>>,
    changed: Notify,
}

/// Messages that nobody has asked for yet.
const WAITING_MAX: usize = 1000;
const WAITING_BYTES_MAX: usize = BODY_BYTES_MAX;
/// Of one socket; there may be thousands.
const BUFFER_BYTES: usize = 4 * 1024;
/// How long the server may take to say goodbye.
const GOODBYE: Duration = Duration::from_secs(1);

pub(super) async fn open(connector: &Connector, opening: Opening) -> Result<(Socket, Opened), RequestError> {
    let endpoint = opening.address.endpoint().clone();
    let peer = endpoint.peer();
    let (stream, connected) = connector.stream(&endpoint, false).await?;
    // The scheme of a WebSocket's address is that of HTTP's with other letters.
    let url = format!("ws{}", opening.address.to_string().trim_start_matches("http"));
    let limit = opening.message_bytes_max.unwrap_or(BODY_BYTES_MAX);
    let config = WebSocketConfig::default()
        .read_buffer_size(BUFFER_BYTES)
        .write_buffer_size(0)
        .max_message_size(Some(limit))
        .max_frame_size(Some(limit));
    let asked = client_async_with_config(request(&url, opening), stream, Some(config)).await;
    let (stream, answer) = asked.map_err(|error| failed(&peer, error))?;
    let opened = Opened { status: answer.status(), connected, at: Instant::now() };
    let inbox = Rc::new(Inbox {
        peer,
        waiting: RefCell::default(),
        waiting_bytes: Cell::default(),
        ended: RefCell::default(),
        changed: Notify::new(),
    });
    let (sink, stream) = stream.split();
    let reader = tokio::task::spawn_local(read(stream, inbox.clone()));
    Ok((Socket { url, sink: Mutex::new(sink), inbox, reader }, opened))
}

fn request(url: &str, opening: Opening) -> http::Request<()> {
    let mut request = http::Request::new(());
    *request.method_mut() = Method::GET;
    *request.uri_mut() = url.parse().unwrap_or_default();
    let headers = request.headers_mut();
    *headers = opening.headers;
    if !headers.contains_key(header::HOST) {
        headers.insert(header::HOST, opening.address.endpoint().host_header().clone());
    }
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
    let key = HeaderValue::try_from(generate_key()).expect("Base64 can stand in a header");
    headers.insert(header::SEC_WEBSOCKET_KEY, key);
    request
}

impl Socket {
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns when the message has been handed to the system.
    pub async fn send(&self, data: Bytes, binary: bool) -> Result<(), RequestError> {
        self.inbox.still_open()?;
        let frame = match (binary, std::str::from_utf8(&data)) {
            (false, Ok(text)) => Frame::text(text),
            _ => Frame::Binary(data),
        };
        let sent = self.sink.lock().await.send(frame).await;
        sent.map_err(|error| self.inbox.still_open().err().unwrap_or_else(|| failed(&self.inbox.peer, error)))
    }

    /// Lets go what has arrived so far.
    pub fn forget(&self) {
        self.inbox.waiting.borrow_mut().clear();
        self.inbox.waiting_bytes.set(0);
    }

    /// The oldest message that nobody has asked for yet, or the next to come.
    pub async fn next(&self, limit: Duration) -> Result<Message, RequestError> {
        let next = async {
            loop {
                let changed = self.inbox.changed.notified();
                if let Some(message) = self.inbox.take() {
                    return Ok(message);
                }
                self.inbox.still_open()?;
                changed.await;
            }
        };
        tokio::time::timeout(limit, next).await.unwrap_or(Err(RequestError::NoMessage { limit }))
    }

    /// Says goodbye, and waits a moment for the server to do so.
    pub async fn close(&self) {
        let goodbye = async {
            let frame = CloseFrame { code: CloseCode::Normal, reason: "".into() };
            // A connection that is gone already needs no goodbye.
            if self.sink.lock().await.send(Frame::Close(Some(frame))).await.is_err() {
                return;
            }
            while self.inbox.still_open().is_ok() {
                self.inbox.changed.notified().await;
            }
        };
        tokio::time::timeout(GOODBYE, goodbye).await.unwrap_or_default();
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

impl Inbox {
    fn still_open(&self) -> Result<(), RequestError> {
        self.ended.borrow().clone().map_or(Ok(()), Err)
    }

    fn take(&self) -> Option<Message> {
        let message = self.waiting.borrow_mut().pop_front()?;
        self.waiting_bytes.set(self.waiting_bytes.get() - message.data.len());
        Some(message)
    }

    fn put(&self, data: Bytes) {
        while self.waiting.borrow().len() >= WAITING_MAX
            || self.waiting_bytes.get() + data.len() > WAITING_BYTES_MAX
        {
            if self.take().is_none() {
                break;
            }
        }
        self.waiting_bytes.set(self.waiting_bytes.get() + data.len());
        self.waiting.borrow_mut().push_back(Message { data, at: Instant::now() });
        self.changed.notify_waiters();
    }

    /// The first reason counts.
    fn end(&self, reason: RequestError) {
        self.ended.borrow_mut().get_or_insert(reason);
        self.changed.notify_waiters();
    }
}

/// Until the connection is gone.
async fn read(mut stream: SplitStream<WebSocketStream<Stream>>, inbox: Rc<Inbox>) {
    while let Some(frame) = stream.next().await {
        match frame {
            Ok(Frame::Text(text)) => inbox.put(text.into()),
            Ok(Frame::Binary(data)) => inbox.put(data),
            Ok(Frame::Close(frame)) => {
                let (code, reason) = frame.map_or((1005, String::new()), |frame| (frame.code.into(), frame.reason.to_string()));
                inbox.end(RequestError::Closed { peer: inbox.peer.clone(), code, reason });
            }
            Ok(Frame::Ping(_) | Frame::Pong(_) | Frame::Frame(_)) => {}
            Err(error) => inbox.end(failed(&inbox.peer, error)),
        }
    }
    inbox.end(RequestError::Reset { peer: inbox.peer.clone() });
}

fn failed(peer: &str, error: Error) -> RequestError {
    let peer_name = peer.to_owned();
    match error {
        Error::Io(error) => RequestError::from_io(peer, &error),
        Error::ConnectionClosed
        | Error::AlreadyClosed
        | Error::Protocol(ProtocolError::ResetWithoutClosingHandshake | ProtocolError::HandshakeIncomplete) => {
            RequestError::Reset { peer: peer_name }
        }
        Error::Http(answer) => {
            let body = answer.body().as_deref().unwrap_or_default();
            let beginning = String::from_utf8_lossy(&body[..body.len().min(BEGINNING_BYTES_MAX)]).trim().to_owned();
            RequestError::NoUpgrade { peer: peer_name, status: answer.status().as_u16(), beginning }
        }
        Error::Capacity(CapacityError::MessageTooLong { size, max_size }) => {
            RequestError::MessageTooLong { size, limit: max_size }
        }
        other => RequestError::Protocol { peer: peer_name, reason: other.to_string() },
    }
}

const BEGINNING_BYTES_MAX: usize = 200;
