//! The server itself: health, status, log-in.

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderValue, Request, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::Deserialize;
use tower_http::classify::{ServerErrorsAsFailures, SharedClassifier};
use tower_http::trace::TraceLayer;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use wire::status::ServerStatus;

use crate::access::{Access, SESSION_COOKIE};
use crate::error::{ApiError, ApiResult};
use crate::extract::Json;
use crate::state::App;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(status))
}

/// What answers without a log-in: whether it lives, whether it can work, and the log-in itself.
pub fn health_routes(app: App) -> Router {
    Router::new()
        .route("/healthz", get(async || "ok"))
        .route("/readyz", get(ready))
        .route("/api/session", axum::routing::post(log_in))
        .with_state(app)
}

/// The server's addresses, stores and background tasks.
#[utoipa::path(get, path = "/api/status", tag = "status", responses((status = 200, body = ServerStatus)))]
async fn status(State(app): State<App>) -> axum::Json<ServerStatus> {
    axum::Json(ServerStatus {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        started_at: app.about.started_at,
        ledger: app.about.ledger.clone(),
        lake: app.about.lake.clone(),
        otlp_grpc: app.about.otlp_grpc.clone(),
        otlp_http: app.about.otlp_http.clone(),
        ops: app.about.ops.clone(),
        revision: app.documents.borrow().graph.revision.clone(),
        tasks: app.tasks.statuses(),
    })
}

async fn ready(State(app): State<App>) -> Response {
    if app.shutdown.is_cancelled() {
        return (StatusCode::SERVICE_UNAVAILABLE, "draining").into_response();
    }
    match app.ledger.position().await {
        Ok(_) => "ready".into_response(),
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, error.to_string()).into_response(),
    }
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct LogIn {
    token: String,
}

/// Exchanges the access token for a session cookie that scripts of the page cannot read.
async fn log_in(State(app): State<App>, Json(body): Json<LogIn>) -> ApiResult<Response> {
    let mut shown = axum::http::HeaderMap::new();
    let bearer = HeaderValue::from_str(&format!("Bearer {}", body.token)).map_err(|_| ApiError::unauthorized("that is not the access token"))?;
    shown.insert(header::AUTHORIZATION, bearer);
    if let Access::Token(_) = app.access {
        app.access.admits(&axum::http::Method::POST, &shown)?;
    }
    let cookie = format!("{SESSION_COOKIE}={}; Path=/; HttpOnly; SameSite=Strict", body.token);
    let cookie = HeaderValue::from_str(&cookie).map_err(|_| ApiError::unauthorized("that is not the access token"))?;
    Ok(([(header::SET_COOKIE, cookie)], StatusCode::NO_CONTENT).into_response())
}

type MakeSpan = fn(&Request<axum::body::Body>) -> tracing::Span;

/// A span per request, named as the semantic conventions for HTTP servers ask.
pub fn trace_layer() -> TraceLayer<SharedClassifier<ServerErrorsAsFailures>, MakeSpan> {
    TraceLayer::new_for_http().make_span_with(request_span as MakeSpan)
}

fn request_span(request: &Request<axum::body::Body>) -> tracing::Span {
    tracing::info_span!(
        "http.request",
        otel.name = format!("{} {}", request.method(), area(request.uri().path())),
        otel.kind = "server",
        http.request.method = %request.method(),
        url.path = request.uri().path(),
    )
}

/// The first two parts of a path: few enough to be a span's name.
fn area(path: &str) -> String {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).take(2).collect();
    format!("/{}", parts.join("/"))
}
