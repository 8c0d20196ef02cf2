//! The handle over HTTP, for a server elsewhere:
//!
//! - `GET /shares`: [`Status`](crate::Status); `PUT /shares {"old", "new", "weight"}`
//! - `PUT /versions/NAME {"backends": [URL, …]}`, `DELETE /versions/NAME`
//! - `PUT /drains {"version", "url", "draining"}`
//! - `GET /series`: the counters
//!
//! Changes answer with the status after them. Errors are `{"error": TEXT}`.

use std::convert::Infallible;
use std::net::TcpListener as StdListener;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderValue};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use kernel::guard::{is_loopback_host, same_secret};
use kernel::{Classified, Kind};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::error::ProxyError;
use crate::handle::Shared;
use crate::shares::Shares;

const BODY_MAX: usize = 64 * 1024;
const CONNECTIONS_MAX: usize = 64;
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) async fn serve(shared: Arc<Shared>, listener: StdListener) {
    let listener = match TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => return tracing::error!(%error, "the proxy's control API cannot listen"),
    };
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let Ok(place) = places.clone().acquire_owned().await else { return };
        let Ok((stream, _)) = listener.accept().await else { continue };
        let shared = shared.clone();
        tokio::spawn(async move {
            let _place = place;
            let service = service_fn(move |request| {
                let shared = shared.clone();
                async move { Ok::<_, Infallible>(answer(&shared, request).await) }
            });
            let mut server = http1::Builder::new();
            server.timer(TokioTimer::new()).header_read_timeout(PATIENCE);
            if let Err(error) = server.serve_connection(TokioIo::new(stream), service).await {
                tracing::debug!(%error, "a connection to the control API has ended");
            }
        });
    }
}

struct Fault(StatusCode, String);

impl From<ProxyError> for Fault {
    fn from(error: ProxyError) -> Self {
        let status = match error.kind() {
            Kind::NotFound => StatusCode::NOT_FOUND,
            Kind::Conflict => StatusCode::CONFLICT,
            Kind::Invalid => StatusCode::BAD_REQUEST,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
        Self(status, format!("{error}{cause}"))
    }
}

async fn answer(shared: &Shared, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let handled = match admit(shared, request.headers()) {
        Ok(()) => handle(shared, request).await,
        Err(fault) => Err(fault),
    };
    handled.unwrap_or_else(|Fault(status, error)| json(status, &serde_json::json!({ "error": error })))
}

/// With a token, who has it. Without, who is on this machine and means this machine: no page from elsewhere.
fn admit(shared: &Shared, headers: &HeaderMap) -> Result<(), Fault> {
    let token = shared.config.control.as_ref().and_then(|control| control.token.as_ref());
    if let Some(token) = token {
        let given = headers.get(AUTHORIZATION).and_then(|value| value.as_bytes().strip_prefix(b"Bearer "));
        let same = given.is_some_and(|given| same_secret(given, token.as_bytes()));
        return same.then_some(()).ok_or_else(|| Fault(StatusCode::UNAUTHORIZED, "send the token of the control API: Authorization: Bearer TOKEN".to_owned()));
    }
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    is_loopback_host(host).then_some(()).ok_or_else(|| Fault(StatusCode::FORBIDDEN, "without a token the control API answers only to a loopback address as Host".to_owned()))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Backends {
    backends: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Drain {
    version: String,
    url: String,
    draining: bool,
}

async fn handle(shared: &Shared, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Fault> {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let version = path.strip_prefix("/versions/").filter(|name| !name.is_empty());
    match (&method, path.as_str(), version) {
        (&Method::GET, "/shares", _) => {}
        (&Method::PUT, "/shares", _) => shared.set_shares(read::<Shares>(request).await?)?,
        (&Method::GET, "/series", _) => return Ok(json(StatusCode::OK, &shared.series())),
        (&Method::PUT, "/drains", _) => {
            let drain: Drain = read(request).await?;
            shared.drain(&drain.version, &drain.url, drain.draining)?;
        }
        (&Method::PUT, _, Some(name)) => shared.put_version(name, &read::<Backends>(request).await?.backends)?,
        (&Method::DELETE, _, Some(name)) => shared.remove_version(name)?,
        (_, "/shares" | "/series" | "/drains", _) | (_, _, Some(_)) => return Err(Fault(StatusCode::METHOD_NOT_ALLOWED, format!("{path} does not take {method}"))),
        _ => return Err(Fault(StatusCode::NOT_FOUND, format!("there is no {path}"))),
    }
    Ok(json(StatusCode::OK, &shared.status()))
}

async fn read<T: DeserializeOwned>(request: Request<Incoming>) -> Result<T, Fault> {
    let collected = tokio::time::timeout(PATIENCE, Limited::new(request.into_body(), BODY_MAX).collect()).await;
    let collected = collected.map_err(|_| Fault(StatusCode::REQUEST_TIMEOUT, "the body did not come to its end".to_owned()))?;
    let bytes = collected.map_err(|error| Fault(StatusCode::PAYLOAD_TOO_LARGE, error.to_string()))?.to_bytes();
    serde_json::from_slice(&bytes).map_err(|error| Fault(StatusCode::BAD_REQUEST, error.to_string()))
}

fn json(status: StatusCode, value: &impl Serialize) -> Response<Full<Bytes>> {
    let body = serde_json::to_vec(value).unwrap_or_default();
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
