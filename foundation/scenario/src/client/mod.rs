//! An HTTP client that costs little and hides nothing: who waited for what, and why a request failed.
//!
//! Built on hyper's single connections. A virtual user drives its HTTP/1.1 connection within its own future, so
//! that an exchange wakes one task and an idle connection costs none.

mod address;
mod answer;
mod connect;
mod connection;
mod cookies;
mod error;
mod pool;
mod resolve;
mod socket;
mod tls;

use std::borrow::Cow;
use std::rc::Rc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderValue};
use http::{Method, StatusCode};
use http_body_util::Full;

pub use address::{Address, AddressError, Endpoint};
pub use answer::{Answer, BODY_BYTES_MAX, Connected};
pub use error::RequestError;
pub use pool::Session;
pub use socket::{Message, Opened, Opening, Socket};
pub use tls::{Tls, TlsError};

use connect::Connector;
use pool::SharedPool;

/// What the connections of one run have in common.
#[derive(Debug, Clone)]
pub struct ClientSettings {
    /// Connections shared by all virtual users of a worker. Each has its own if none.
    pub pool: Option<u32>,
    /// Connections of one virtual user at once.
    pub sockets_max: Option<u32>,
    pub tls: Tls,
}

/// One request, ready to be sent.
#[derive(Debug)]
pub struct Outgoing<'a> {
    pub method: Method,
    pub address: Address,
    pub headers: Cow<'a, HeaderMap>,
    pub body: Bytes,
    /// HTTP/2: with prior knowledge over plain text, by ALPN over TLS.
    pub http2: bool,
    /// To the last byte, redirects included.
    pub timeout: Duration,
    /// How many redirects are followed; none leaves a redirect as the answer.
    pub redirects_max: Option<u32>,
    /// Whether anybody reads the body; otherwise it is counted and let go.
    pub keep_body: bool,
}

/// Shared by the virtual users of one worker thread.
pub struct Client {
    connector: Connector,
    shared: Option<SharedPool>,
    sockets_max: Option<u32>,
}

impl Client {
    pub fn new(settings: &ClientSettings) -> Rc<Self> {
        Rc::new(Self {
            connector: Connector::new(settings.tls.clone()),
            shared: settings.pool.map(SharedPool::new),
            sockets_max: settings.sockets_max,
        })
    }

    /// The connections and cookies of a new virtual user.
    pub fn session(&self) -> Session {
        Session::new(self.sockets_max)
    }

    /// Sends a request and reads its answer to the last byte.
    pub async fn send(&self, session: &Session, outgoing: Outgoing<'_>) -> Result<Answer, RequestError> {
        let limit = outgoing.timeout;
        match tokio::time::timeout(limit, self.follow(session, outgoing)).await {
            Ok(result) => result,
            Err(_) => Err(RequestError::Timeout { limit }),
        }
    }

    async fn follow(&self, session: &Session, mut outgoing: Outgoing<'_>) -> Result<Answer, RequestError> {
        let sent = Instant::now();
        let own_cookies = outgoing.headers.get(header::COOKIE).cloned();
        let mut redirects = 0;
        loop {
            session.cookies.borrow().lay_on(&mut outgoing.headers, own_cookies.as_ref(), &outgoing.address);
            let mut answer = self.exchange(session, &outgoing).await?;
            answer.sent = sent;
            session.cookies.borrow_mut().take_from(&answer.headers, &outgoing.address);
            let Some(limit) = outgoing.redirects_max else { return Ok(answer) };
            let Some(target) = redirect_target(&answer, &outgoing.address)? else { return Ok(answer) };
            redirects += 1;
            if redirects > limit {
                return Err(RequestError::TooManyRedirects { limit, url: target.to_string() });
            }
            turn(&mut outgoing, answer.status, target);
        }
    }

    /// One request and its answer. A connection that a server closed while it was idle is replaced once: the
    /// server may do so at any time, and it has not seen the request.
    async fn exchange(&self, session: &Session, outgoing: &Outgoing<'_>) -> Result<Answer, RequestError> {
        let _place = self.place(session).await;
        while let Some(mut connection) = self.idle(session, outgoing.address.endpoint(), outgoing.http2) {
            match connection.exchange(request(outgoing, connection.is_http2()), outgoing.keep_body).await {
                Ok(answer) => {
                    self.give_back(session, connection);
                    return Ok(answer.from(outgoing.address.clone(), None));
                }
                Err(unanswered) if unanswered.was_stale => {}
                Err(failed) => return Err(failed.error),
            }
        }
        // Opening is rare and its state large, so that it is kept apart from the waiting user.
        let (mut connection, connected) = Box::pin(self.connector.open(outgoing.address.endpoint(), outgoing.http2)).await?;
        let exchanged = connection.exchange(request(outgoing, connection.is_http2()), outgoing.keep_body).await;
        let answer = exchanged.map_err(|failed| failed.error)?;
        self.give_back(session, connection);
        Ok(answer.from(outgoing.address.clone(), Some(connected)))
    }

    /// Opens a WebSocket.
    pub async fn open_socket(&self, opening: Opening) -> Result<(Socket, Opened), RequestError> {
        let limit = opening.timeout;
        let opened = tokio::time::timeout(limit, Box::pin(socket::open(&self.connector, opening))).await;
        opened.unwrap_or(Err(RequestError::Timeout { limit }))
    }

    async fn place<'a>(&'a self, session: &'a Session) -> Option<tokio::sync::SemaphorePermit<'a>> {
        let places = self.shared.as_ref().map(|pool| &pool.places).or(session.places.as_ref())?;
        // The semaphore lives as long as the client and is never closed.
        places.acquire().await.ok()
    }

    fn idle(&self, session: &Session, endpoint: &Endpoint, http2: bool) -> Option<connection::Connection> {
        self.shared.as_ref().map_or(&session.idle, |pool| &pool.idle).take(endpoint, http2)
    }

    fn give_back(&self, session: &Session, connection: connection::Connection) {
        self.shared.as_ref().map_or(&session.idle, |pool| &pool.idle).put(connection);
    }
}

fn request(outgoing: &Outgoing<'_>, http2: bool) -> http::Request<Full<Bytes>> {
    let mut request = http::Request::new(Full::new(outgoing.body.clone()));
    *request.method_mut() = outgoing.method.clone();
    *request.headers_mut() = outgoing.headers.as_ref().clone();
    if http2 {
        *request.uri_mut() = outgoing.address.uri();
        request.headers_mut().remove(header::HOST);
    } else {
        *request.uri_mut() = outgoing.address.path().clone().into();
        if !request.headers().contains_key(header::HOST) {
            request.headers_mut().insert(header::HOST, outgoing.address.endpoint().host_header().clone());
        }
    }
    request
}

/// Where an answer sends its reader on to, if it does.
fn redirect_target(answer: &Answer, from: &Address) -> Result<Option<Address>, RequestError> {
    use StatusCode as S;
    let moved = [S::MOVED_PERMANENTLY, S::FOUND, S::SEE_OTHER, S::TEMPORARY_REDIRECT, S::PERMANENT_REDIRECT];
    if !moved.contains(&answer.status) {
        return Ok(None);
    }
    let Some(location) = answer.headers.get(header::LOCATION) else { return Ok(None) };
    let location = String::from_utf8_lossy(location.as_bytes());
    from.follow(&location).map(Some).map_err(RequestError::Address)
}

/// Makes the request that follows a redirect. As browsers do: 303, and 301 or 302 after a POST, ask by GET, and
/// credentials do not go to another host.
fn turn(outgoing: &mut Outgoing<'_>, status: StatusCode, target: Address) {
    let see_other = status == StatusCode::SEE_OTHER && outgoing.method != Method::HEAD;
    let moved_post = matches!(status, StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND)
        && outgoing.method == Method::POST;
    if see_other || moved_post {
        outgoing.method = Method::GET;
        outgoing.body = Bytes::new();
        for name in [header::CONTENT_TYPE, header::CONTENT_LENGTH, header::CONTENT_ENCODING] {
            outgoing.headers.to_mut().remove(name);
        }
    }
    if target.endpoint() != outgoing.address.endpoint() {
        outgoing.headers.to_mut().remove(header::AUTHORIZATION);
    }
    outgoing.headers.to_mut().remove(header::HOST);
    outgoing.headers.to_mut().remove(header::COOKIE);
    outgoing.address = target;
}

/// `Basic`, as a header.
pub fn basic_auth(user: &str, password: &str) -> Option<HeaderValue> {
    use base64::Engine;
    let token = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
    let mut value = HeaderValue::try_from(format!("Basic {token}")).ok()?;
    value.set_sensitive(true);
    Some(value)
}
