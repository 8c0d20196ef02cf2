//! One request: which version, which backend, there and back.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER, SET_COOKIE};
use http::request::Parts;
use http::{Method, Request, Response, StatusCode, Uri};
use hyper::body::{Body, Incoming};
use hyper::client::conn::TrySendError;

use crate::backend::{Backend, Version};
use crate::body::{Patience, Progress, RequestBody, ResponseBody};
use crate::client::Client;
use crate::headers::{self, Refusal};
use crate::meter::Exchange;
use crate::open::Open;
use crate::upgrade::Switch;
use crate::upstream::{ConnectError, Lease};
use crate::worker::Worker;

pub(crate) async fn forward(worker: Arc<Worker>, client: Arc<Client>, request: Request<Incoming>) -> Result<Response<ResponseBody>, Infallible> {
    let mut record = Record::begin(&worker, &client, &request);
    let (mut parts, incoming) = request.into_parts();
    if let Err(refusal) = headers::check(&parts) {
        return Ok(refused(refusal, record));
    }
    let user = worker.sticky.as_ref().and_then(|sticky| sticky.user(&parts.headers));
    let Some((version, open)) = worker.begin(user.as_ref().map(|user| user.id.as_slice())) else {
        return Ok(refused(Refusal(StatusCode::SERVICE_UNAVAILABLE, "no version has any traffic"), record));
    };
    record.version = Some(version.name.clone());
    record.at_version = Some(open);

    let switch = Switch::requested(&mut parts);
    headers::to_backend(&mut parts, &client, worker.settings.forwarded, switch.as_ref().map(Switch::protocol));
    let body = outgoing(incoming, &worker, &mut record);
    let forwarding = Forwarding { worker: &worker, version: &version, record: &record };
    let mut response = match forwarding.send(parts, body).await {
        Ok(Answer { head, lease, open }) => {
            record.status = head.status().as_u16();
            record.at_backend = Some(open);
            passed_back(head, lease, switch, record)
        }
        Err(refusal) => refused(refusal, record),
    };
    if let Some(cookie) = user.and_then(|user| user.cookie) {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    Ok(response)
}

const CLOSED: Refusal = Refusal(StatusCode::BAD_GATEWAY, "the backend has closed the connection");

struct Forwarding<'a> {
    worker: &'a Arc<Worker>,
    version: &'a Version,
    record: &'a Record,
}

struct Answer {
    head: Response<Incoming>,
    lease: Lease,
    open: Open,
}

/// Why an attempt brought no response, and what may be done about it.
enum Failed {
    /// Sent again if nothing of it has left, or if it is safe.
    Lost { refusal: Refusal, stale: bool },
    Final(Refusal),
}

/// None once it has left, so that it may have been served. Filled where it is made and emptied where it is sent, since
/// handing it from function to function would copy it at each.
type Unsent = Option<Request<RequestBody>>;

impl Forwarding<'_> {
    async fn send(self, parts: Parts, body: RequestBody) -> Result<Answer, Refusal> {
        let safe = matches!(parts.method, Method::GET | Method::HEAD | Method::OPTIONS) && body.is_end_stream();
        let spare = safe.then(|| Spare::of(&parts));
        let mut request = Some(Request::from_parts(parts, body));
        let mut tried: Vec<u64> = Vec::new();
        let mut retries_left = self.worker.settings.limits.retries;
        let mut pooled = true;
        loop {
            let Some((backend, open)) = self.version.begin(&tried) else {
                return Err(Refusal(StatusCode::SERVICE_UNAVAILABLE, "no backend of this version can be asked"));
            };
            let (refusal, stale) = match self.attempt(&backend, &mut request, pooled).await {
                Ok((head, lease)) => return Ok(Answer { head, lease, open }),
                Err(Failed::Final(refusal)) => return Err(refusal),
                Err(Failed::Lost { refusal, stale }) => (refusal, stale),
            };
            if request.is_none() {
                request = spare.as_ref().and_then(Spare::request);
            }
            if request.is_none() {
                return Err(refusal);
            }
            if stale {
                // The backend had closed a connection that was kept too long: says nothing against it.
                pooled = false;
                continue;
            }
            if retries_left == 0 {
                return Err(refusal);
            }
            retries_left -= 1;
            tried.push(backend.id);
        }
    }

    async fn attempt(&self, backend: &Arc<Backend>, request: &mut Unsent, pooled: bool) -> Result<(Response<Incoming>, Lease), Failed> {
        let mut lease = match self.lease(backend, pooled).await {
            Ok(lease) => lease,
            Err(error) => return Err(Failed::Lost { refusal: connect_refusal(&error), stale: false }),
        };
        let stale = lease.used;
        if lease.sender.ready().await.is_err() {
            return Err(Failed::Lost { refusal: CLOSED, stale });
        }
        match self.response(&mut lease, request).await {
            Ok(head) => Ok((head, lease)),
            Err(None) => Err(Failed::Final(Refusal(StatusCode::GATEWAY_TIMEOUT, "the backend took too long to answer"))),
            Err(Some(mut error)) => {
                *request = error.take_message();
                Err(self.judge(request.is_some(), error.error(), stale))
            }
        }
    }

    async fn lease(&self, backend: &Arc<Backend>, pooled: bool) -> Result<Lease, ConnectError> {
        let Worker { pool, settings, .. } = &**self.worker;
        if let Some(lease) = pooled.then(|| pool.take(backend)).flatten() {
            return Ok(lease);
        }
        // Boxed, as it is rare and would make the future of every request larger.
        let connected = Box::pin(pool.connect(backend, settings.timeouts.connect, settings.limits.header_bytes)).await;
        match &connected {
            Ok(_) => backend.connected(),
            Err(error) => {
                tracing::debug!(%error, backend = backend.url, "cannot connect to a backend");
                backend.connect_failed(settings.passive.failures, settings.passive.pause);
            }
        }
        connected
    }

    /// `Err(None)` if it took too long, counted from the last piece of the request.
    async fn response(&self, lease: &mut Lease, request: &mut Unsent) -> Result<Response<Incoming>, Option<TrySendError<Request<RequestBody>>>> {
        let limit = self.worker.settings.timeouts.response;
        let Lease { sender, timer, .. } = lease;
        let mut answer = pin!(sender.try_send_request(request.take().expect("an attempt has a request")));
        let mut pieces = 0;
        loop {
            timer.as_mut().reset(tokio::time::Instant::now() + limit);
            tokio::select! {
                biased;
                answered = answer.as_mut() => return answered.map_err(Some),
                () = timer.as_mut() => match &self.record.progress {
                    Some(progress) if progress.pieces.load(Relaxed) != pieces => pieces = progress.pieces.load(Relaxed),
                    _ => return Err(None),
                },
            }
        }
    }

    fn judge(&self, unsent: bool, error: &hyper::Error, stale: bool) -> Failed {
        if unsent {
            return Failed::Lost { refusal: CLOSED, stale };
        }
        let client_failed = self.record.progress.as_ref().is_some_and(|progress| progress.failed.load(Relaxed));
        if client_failed {
            return Failed::Final(Refusal(StatusCode::REQUEST_TIMEOUT, "the body of the request did not come to its end"));
        }
        if error.is_parse() {
            return Failed::Final(Refusal(StatusCode::BAD_GATEWAY, "the backend's answer is not HTTP"));
        }
        Failed::Lost { refusal: Refusal(StatusCode::BAD_GATEWAY, "the backend closed the connection before it answered"), stale }
    }
}

/// What a safe request is made from once more. Cheaper than a copy of its head, which is hardly ever needed.
struct Spare {
    method: Method,
    uri: Uri,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Spare {
    fn of(parts: &Parts) -> Self {
        let headers = parts.headers.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        Self { method: parts.method.clone(), uri: parts.uri.clone(), headers }
    }

    fn request(&self) -> Option<Request<RequestBody>> {
        let mut request = Request::builder().method(self.method.clone()).uri(self.uri.clone()).body(RequestBody::Empty).ok()?;
        request.headers_mut().extend(self.headers.iter().cloned());
        Some(request)
    }
}

fn connect_refusal(error: &ConnectError) -> Refusal {
    match error {
        ConnectError::TimedOut => Refusal(StatusCode::GATEWAY_TIMEOUT, "the backend took too long to accept the connection"),
        ConnectError::Failed(_) | ConnectError::Handshake(_) => Refusal(StatusCode::BAD_GATEWAY, "the backend cannot be reached"),
    }
}

fn outgoing(incoming: Incoming, worker: &Worker, record: &mut Record) -> RequestBody {
    if incoming.is_end_stream() {
        return RequestBody::Empty;
    }
    let progress = Arc::new(Progress::default());
    record.progress = Some(progress.clone());
    RequestBody::Passing { incoming, progress, patience: Patience::new(worker.settings.timeouts.body) }
}

fn passed_back(mut head: Response<Incoming>, lease: Lease, switch: Option<Switch>, record: Record) -> Response<ResponseBody> {
    *head.version_mut() = http::Version::HTTP_11;
    if head.status() == StatusCode::SWITCHING_PROTOCOLS {
        return match switch {
            Some(switch) => switch.begin(head, record),
            None => refused(Refusal(StatusCode::BAD_GATEWAY, "the backend changed the protocol unasked"), record),
        };
    }
    headers::to_client(head.headers_mut(), None);
    let limit = record.worker.settings.timeouts.body;
    head.map(|incoming| ResponseBody::Passing { incoming, lease: Some(lease), record, patience: Patience::new(limit) })
}

pub(crate) fn refused(Refusal(status, why): Refusal, mut record: Record) -> Response<ResponseBody> {
    record.status = status.as_u16();
    let text = Bytes::from(format!("{}: {why}\n", status.as_u16()));
    record.response_bytes = text.len() as u64;
    let mut response = Response::new(ResponseBody::whole(text, Some(record)));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}

/// What is known of a request; counted when it is dropped.
pub(crate) struct Record {
    pub worker: Arc<Worker>,
    pub version: Option<Arc<str>>,
    pub status: u16,
    pub response_bytes: u64,
    pub progress: Option<Arc<Progress>>,
    client: Arc<Client>,
    at_version: Option<Open>,
    at_backend: Option<Open>,
    method: Method,
    began: Instant,
}

/// Of a request whose client went away before it was answered.
const CLIENT_GONE: u16 = 499;

impl Record {
    fn begin(worker: &Arc<Worker>, client: &Arc<Client>, request: &Request<Incoming>) -> Self {
        client.begins();
        Self { worker: worker.clone(), client: client.clone(), version: None, status: CLIENT_GONE, response_bytes: 0, progress: None, at_version: None, at_backend: None, method: request.method().clone(), began: Instant::now() }
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        let now = Instant::now();
        self.client.ends(now);
        let exchange = Exchange {
            version: self.version.as_deref(),
            method: &self.method,
            status: self.status,
            duration: now - self.began,
            request_bytes: self.progress.as_ref().map_or(0, |progress| progress.bytes.load(Relaxed)),
            response_bytes: self.response_bytes,
        };
        self.worker.meter.count(self.version.as_ref(), &exchange);
    }
}
