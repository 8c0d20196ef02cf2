//! OpenFeature's remote evaluation protocol (OFREP), 0.3.
//!
//! `/ofrep/v1/…` speaks for all sets of flags; where profiles have several environments, the query or the header
//! `Mainstay-Environment` names one. The same below
//! `/applications/{application}/environments/{environment}/configurations/{configuration}` speaks for one.
//!
//! Source: open-feature/protocol, `service/openapi.yaml`.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use flags::{Ask, Context, Evaluation, Failure};
use kernel::{Classified, Kind};
use prepare::configuration::{ConfigError, Scope, Seat};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::changes;
use crate::error::status_of;
use crate::extract::{Path, Query};
use crate::state::App;

const ENVIRONMENT: &str = "mainstay-environment";

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(one)).routes(routes!(all)).routes(routes!(one_of)).routes(routes!(all_of))
}

/// What a client sends; an empty body is an empty context.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub struct OfrepRequest {
    #[schema(value_type = Option<Object>)]
    context: Option<Context>,
}

/// A flag's value, or why there is none.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub enum OfrepAnswer {
    Success(OfrepSuccess),
    Failure(OfrepFailure),
}

#[derive(Debug, Serialize, ToSchema)]
pub struct OfrepSuccess {
    key: String,
    /// Absent: the caller's own default holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Value>)]
    value: Option<Value>,
    reason: &'static str,
    /// Empty where the caller's own default holds: there are clients that insist on it.
    variant: String,
    #[schema(value_type = Object)]
    metadata: Map<String, Value>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OfrepFailure {
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    error_code: &'static str,
    error_details: String,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OfrepFlags {
    flags: Vec<OfrepAnswer>,
    /// Where changes are told.
    #[schema(value_type = Vec<Value>)]
    event_streams: Vec<Value>,
}

#[derive(Debug, Default, Deserialize)]
struct InEnvironment {
    environment: Option<String>,
}

/// One flag for a context.
#[utoipa::path(post, path = "/ofrep/v1/evaluate/flags/{key}", tag = "prepare",
    params(("key" = String, Path), ("environment" = Option<String>, Query)), request_body = OfrepRequest,
    responses((status = 200, body = OfrepSuccess), (status = 400, body = OfrepFailure), (status = 404, body = OfrepFailure)))]
async fn one(State(app): State<App>, Path(key): Path<String>, Query(query): Query<InEnvironment>, headers: HeaderMap, body: Bytes) -> Response {
    single(&app, &anywhere(query, &headers), &key, &body)
}

/// Every flag for a context.
#[utoipa::path(post, path = "/ofrep/v1/evaluate/flags", tag = "prepare",
    params(("environment" = Option<String>, Query), ("If-None-Match" = Option<String>, Header)), request_body = OfrepRequest,
    responses((status = 200, body = OfrepFlags), (status = 304), (status = 400, body = OfrepFailure)))]
async fn all(State(app): State<App>, Query(query): Query<InEnvironment>, headers: HeaderMap, body: Bytes) -> Response {
    let scope = anywhere(query, &headers);
    bulk(&app, &scope, &headers, &body)
}

/// One flag of one profile for a context.
#[utoipa::path(post, path = "/applications/{application}/environments/{environment}/configurations/{configuration}/ofrep/v1/evaluate/flags/{key}", tag = "prepare",
    params(("application" = String, Path), ("environment" = String, Path), ("configuration" = String, Path), ("key" = String, Path)),
    request_body = OfrepRequest,
    responses((status = 200, body = OfrepSuccess), (status = 400, body = OfrepFailure), (status = 404, body = OfrepFailure)))]
async fn one_of(
    State(app): State<App>,
    Path((application, environment, configuration, key)): Path<(String, String, String, String)>,
    body: Bytes,
) -> Response {
    single(&app, &narrow(application, environment, configuration), &key, &body)
}

/// Every flag of one profile for a context.
#[utoipa::path(post, path = "/applications/{application}/environments/{environment}/configurations/{configuration}/ofrep/v1/evaluate/flags", tag = "prepare",
    params(("application" = String, Path), ("environment" = String, Path), ("configuration" = String, Path), ("If-None-Match" = Option<String>, Header)),
    request_body = OfrepRequest,
    responses((status = 200, body = OfrepFlags), (status = 304), (status = 400, body = OfrepFailure)))]
async fn all_of(
    State(app): State<App>,
    Path((application, environment, configuration)): Path<(String, String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    bulk(&app, &narrow(application, environment, configuration), &headers, &body)
}

/// Who asks, for what is decided by entity.
pub fn entity(context: &Context) -> Option<&str> {
    context.get("targetingKey").and_then(Value::as_str)
}

fn single(app: &App, scope: &Scope, key: &str, body: &[u8]) -> Response {
    let context = match context(body) {
        Ok(context) => context,
        Err(failure) => return OfrepFailure { key: Some(key.to_owned()), ..failure }.respond(StatusCode::BAD_REQUEST),
    };
    let served = app.configurations.served();
    let (seat, content) = match app.configurations.flag(&served, scope, key, entity(&context)) {
        Ok(found) => found,
        Err(error) => return refused(&error, Some(key)),
    };
    let evaluated = match &content.flags {
        Some(set) => set.evaluate(key, Ask { context: &context, now: app.clock.now() }),
        None => Err(Failure::NotFound(key.to_owned())),
    };
    match evaluated {
        Ok(evaluation) => Json(success(&evaluation, &seat, &content.version)).into_response(),
        Err(failure) => {
            let status = if matches!(failure, Failure::NotFound(_)) { StatusCode::NOT_FOUND } else { StatusCode::BAD_REQUEST };
            failed(key, &failure).respond(status)
        }
    }
}

fn bulk(app: &App, scope: &Scope, headers: &HeaderMap, body: &[u8]) -> Response {
    let context = match context(body) {
        Ok(context) => context,
        Err(failure) => return failure.respond(StatusCode::BAD_REQUEST),
    };
    let served = app.configurations.served();
    let seats = match served.flags(scope) {
        Ok(seats) => seats,
        Err(error) => return refused(&error, None),
    };
    let ask = Ask { context: &context, now: app.clock.now() };
    let mut answers = Vec::new();
    for seat in &seats {
        let content = app.configurations.version(seat, entity(&context));
        let evaluated = content.flags.as_ref().map(|set| set.evaluate_all(ask)).unwrap_or_default();
        answers.extend(evaluated.into_iter().map(|(key, evaluated)| match evaluated {
            Ok(evaluation) => OfrepAnswer::Success(success(&evaluation, seat, &content.version)),
            Err(failure) => OfrepAnswer::Failure(failed(key, &failure)),
        }));
    }
    let flags = OfrepFlags { flags: answers, event_streams: vec![json!({"type": "sse", "endpoint": {"requestUri": changes::uri(scope)}})] };
    let body = serde_json::to_vec(&flags).unwrap_or_default();
    let etag = changes::etag(&body);
    let known = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if known.split(',').any(|known| known.trim().trim_start_matches("W/") == etag || known.trim() == "*") {
        return (StatusCode::NOT_MODIFIED, [(header::ETAG, etag)]).into_response();
    }
    ([(header::ETAG, etag.as_str()), (header::CONTENT_TYPE, "application/json")], body).into_response()
}

fn anywhere(query: InEnvironment, headers: &HeaderMap) -> Scope {
    let named = headers.get(ENVIRONMENT).and_then(|value| value.to_str().ok()).map(str::to_owned);
    Scope { environment: query.environment.or(named), ..Scope::default() }
}

fn narrow(application: String, environment: String, configuration: String) -> Scope {
    Scope { application: Some(application), environment: Some(environment), profile: Some(configuration) }
}

fn context(body: &[u8]) -> Result<Context, OfrepFailure> {
    if body.is_empty() {
        return Ok(Context::new());
    }
    let value: Value = serde_json::from_slice(body).map_err(|error| OfrepFailure::new("PARSE_ERROR", format!("the body is not JSON: {error}")))?;
    let wrong = |error: String| OfrepFailure::new("INVALID_CONTEXT", format!("the body is an object with an object `context`: {error}"));
    if !value.is_object() {
        return Err(wrong("it is none".to_owned()));
    }
    let request: OfrepRequest = serde_json::from_value(value).map_err(|error| wrong(error.to_string()))?;
    Ok(request.context.unwrap_or_default())
}

/// The flag's own metadata, and which version of which set answered.
fn success(evaluation: &Evaluation<'_>, seat: &Seat<'_>, version: &str) -> OfrepSuccess {
    let mut metadata = evaluation.metadata.clone();
    metadata.entry("flagSetId").or_insert_with(|| Value::from(seat.profile.name.as_str()));
    metadata.entry("version").or_insert_with(|| Value::from(version));
    OfrepSuccess {
        key: evaluation.key.to_owned(),
        value: evaluation.value.cloned(),
        reason: evaluation.reason.name(),
        variant: evaluation.variant.unwrap_or_default().to_owned(),
        metadata,
    }
}

fn failed(key: &str, failure: &Failure) -> OfrepFailure {
    OfrepFailure { key: Some(key.to_owned()), error_code: failure.code(), error_details: failure.to_string() }
}

fn refused(error: &ConfigError, key: Option<&str>) -> Response {
    let code = match (error, key) {
        (ConfigError::NoFlag(_), _) => "FLAG_NOT_FOUND",
        (error, Some(_)) if error.kind() == Kind::NotFound => "FLAG_NOT_FOUND",
        _ => "GENERAL",
    };
    let failure = OfrepFailure { key: key.map(str::to_owned), error_code: code, error_details: error.to_string() };
    failure.respond(status_of(error.kind()))
}

impl OfrepFailure {
    fn new(error_code: &'static str, error_details: String) -> Self {
        Self { key: None, error_code, error_details }
    }

    fn respond(self, status: StatusCode) -> Response {
        (status, Json(self)).into_response()
    }
}
