//! Toxiproxy's HTTP API (Shopify/toxiproxy `api.go`), so that its clients work unchanged.

use std::fmt::Write;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::Router;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::proxies::{Alteration, Proxies, ProxyError, Shown, Wanted};
use super::toxic::{Toxic, ToxicError};

/// Where Toxiproxy's clients look for it.
pub const DEFAULT_PORT: u16 = 8474;

/// The version of Toxiproxy whose API this is.
const API_VERSION: &str = "2.12.0";

/// The routes of the API over these proxies.
pub fn router(proxies: Proxies) -> Router {
    Router::new()
        .route("/proxies", get(list).post(create))
        .route("/proxies/{proxy}", get(show).post(alter).patch(alter).delete(remove))
        .route("/proxies/{proxy}/toxics", get(toxics).post(add_toxic))
        .route("/proxies/{proxy}/toxics/{toxic}", get(toxic).post(change_toxic).patch(change_toxic).delete(remove_toxic))
        .route("/populate", post(populate))
        .route("/reset", post(reset))
        .route("/version", get(version))
        .route("/metrics", get(metrics))
        .layer(from_fn(refuse_browsers))
        .with_state(proxies)
}

async fn list(State(proxies): State<Proxies>) -> impl IntoResponse {
    Json(proxies.list().await)
}

async fn create(State(proxies): State<Proxies>, body: Bytes) -> Result<impl IntoResponse, ApiError> {
    Ok((StatusCode::CREATED, Json(proxies.create(read::<Wanted>(&body)?).await?)))
}

async fn show(State(proxies): State<Proxies>, Path(proxy): Path<String>) -> Result<Json<Shown>, ApiError> {
    Ok(Json(proxies.get(&proxy).await?))
}

async fn alter(State(proxies): State<Proxies>, Path(proxy): Path<String>, body: Bytes) -> Result<Json<Shown>, ApiError> {
    proxies.get(&proxy).await?;
    Ok(Json(proxies.alter(&proxy, read::<Alteration>(&body)?).await?))
}

async fn remove(State(proxies): State<Proxies>, Path(proxy): Path<String>) -> Result<StatusCode, ApiError> {
    proxies.remove(&proxy).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn toxics(State(proxies): State<Proxies>, Path(proxy): Path<String>) -> Result<Json<Vec<Toxic>>, ApiError> {
    Ok(Json(proxies.get(&proxy).await?.toxics))
}

async fn add_toxic(State(proxies): State<Proxies>, Path(proxy): Path<String>, body: Bytes) -> Result<Json<Toxic>, ApiError> {
    proxies.get(&proxy).await?;
    Ok(Json(proxies.add_written(&proxy, read(&body)?).await?))
}

async fn toxic(State(proxies): State<Proxies>, Path((proxy, toxic)): Path<(String, String)>) -> Result<Json<Toxic>, ApiError> {
    Ok(Json(proxies.toxic(&proxy, &toxic).await?))
}

async fn change_toxic(
    State(proxies): State<Proxies>,
    Path((proxy, toxic)): Path<(String, String)>,
    body: Bytes,
) -> Result<Json<Toxic>, ApiError> {
    proxies.toxic(&proxy, &toxic).await?;
    Ok(Json(proxies.change_toxic(&proxy, &toxic, read(&body)?).await?))
}

async fn remove_toxic(State(proxies): State<Proxies>, Path((proxy, toxic)): Path<(String, String)>) -> Result<StatusCode, ApiError> {
    proxies.remove_toxic(&proxy, &toxic).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Answers what is there now also when something went wrong.
async fn populate(State(proxies): State<Proxies>, body: Bytes) -> Result<Response, ApiError> {
    let (there, error) = proxies.populate(read::<Vec<Wanted>>(&body)?).await;
    Ok(match error.map(ApiError::from) {
        None => (StatusCode::CREATED, Json(json!({"proxies": there}))).into_response(),
        Some(ApiError { error, status }) => {
            (status, Json(json!({"error": error, "status": status.as_u16(), "proxies": there}))).into_response()
        }
    })
}

async fn reset(State(proxies): State<Proxies>) -> Result<StatusCode, ApiError> {
    proxies.reset().await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn version() -> impl IntoResponse {
    let server = concat!("mainstay ", env!("CARGO_PKG_VERSION"));
    ([(header::CONTENT_TYPE, "application/json;charset=utf-8")], json!({"version": API_VERSION, "server": server}).to_string())
}

async fn metrics(State(proxies): State<Proxies>) -> impl IntoResponse {
    let passed = proxies.passed().await;
    let mut text = String::new();
    for (name, received) in [("toxiproxy_proxy_received_bytes_total", true), ("toxiproxy_proxy_sent_bytes_total", false)] {
        // Writing into a string cannot fail.
        let _ = writeln!(text, "# TYPE {name} counter");
        for line in &passed {
            let bytes = if received { line.received_bytes } else { line.sent_bytes };
            let (direction, listener) = (line.direction.as_str(), escaped(&line.listener));
            let (proxy, upstream) = (escaped(&line.proxy), escaped(&line.upstream));
            let _ = writeln!(
                text,
                "{name}{{direction=\"{direction}\",listener=\"{listener}\",proxy=\"{proxy}\",upstream=\"{upstream}\"}} {bytes}"
            );
        }
    }
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text)
}

/// A page that a person happens to visit must not reach the API on this machine.
async fn refuse_browsers(request: Request, next: Next) -> Response {
    let agent = request.headers().get(header::USER_AGENT).and_then(|agent| agent.to_str().ok());
    if agent.is_some_and(|agent| agent.starts_with("Mozilla/")) {
        return (StatusCode::FORBIDDEN, "User agent not allowed\n").into_response();
    }
    next.run(request).await
}

/// `{"error": …, "status": …}`.
#[derive(Debug, Serialize)]
struct ApiError {
    error: String,
    #[serde(serialize_with = "as_number")]
    status: StatusCode,
}

impl From<ProxyError> for ApiError {
    fn from(error: ProxyError) -> Self {
        let status = match &error {
            ProxyError::Missing { .. } => StatusCode::BAD_REQUEST,
            ProxyError::Toxic(ToxicError::Type { .. } | ToxicError::Stream { .. } | ToxicError::Attributes { .. }) => StatusCode::BAD_REQUEST,
            ProxyError::NotFound | ProxyError::ToxicNotFound => StatusCode::NOT_FOUND,
            ProxyError::Exists | ProxyError::ToxicExists => StatusCode::CONFLICT,
            ProxyError::Listen { .. } => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self { error: error.to_string(), status }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        (self.status, Json(self)).into_response()
    }
}

/// Clients differ in the content type that they send; the body is JSON all the same.
fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    serde_json::from_slice(body)
        .map_err(|error| ApiError { error: format!("bad request body: {error}"), status: StatusCode::BAD_REQUEST })
}

fn as_number<S: serde::Serializer>(status: &StatusCode, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u16(status.as_u16())
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
