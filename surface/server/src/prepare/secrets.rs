//! `/api/secrets`. Values come in to be kept, and go out as the answer to a reading; no error repeats one.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{FromRequest, Request, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use documents::value::SecretAt;
use ledger::{Secret, SecretVersion, Stage};
use prepare::secrets::{Asking, New, Principal, Standing};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use wire::error::Problem;
use wire::secrets::{
    NameSecret, PutSecret, ReadSecret, RewrapSecrets, Rewrapped, RotateSecret, SecretDetail, SecretSummary, SecretValue, SecretVersionSummary,
};
use zeroize::Zeroizing;

use crate::error::{ApiError, ApiResult};
use crate::extract::{Acting, Json as Body, Query};
use crate::state::App;

/// Of a value that is made where nobody says.
const LENGTH: usize = 32;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, put))
        .routes(routes!(detail))
        .routes(routes!(read))
        .routes(routes!(promote))
        .routes(routes!(roll_back))
        .routes(routes!(drop_pending))
        .routes(routes!(rotate))
        .routes(routes!(rewrap))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Under {
    /// Only those below this folder, such as `/shop`.
    under: Option<String>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Named {
    path: String,
}

/// A JSON body whose faults are told without repeating any of it.
struct Sealed<T>(T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Sealed<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let bytes = Bytes::from_request(request, state).await.map_err(|r| ApiError::refused(r.status(), r.body_text()))?;
        let parsed = serde_json::from_slice(&bytes);
        parsed.map(Self).map_err(|error| {
            ApiError::invalid(format!("the body is not what this asks for (line {}, column {}); /api/openapi.json describes it", error.line(), error.column()))
        })
    }
}

/// Secrets by path, without their values.
#[utoipa::path(get, path = "/api/secrets", tag = "prepare", params(Under), responses((status = 200, body = Vec<SecretSummary>)))]
async fn list(State(app): State<App>, Query(query): Query<Under>) -> ApiResult<Json<Vec<SecretSummary>>> {
    let all = app.secrets.list(query.under.as_deref().unwrap_or("/")).await?;
    Ok(Json(all.into_iter().map(summary).collect()))
}

/// Writes a new version, current at once or pending.
#[utoipa::path(put, path = "/api/secrets", tag = "prepare", request_body = PutSecret,
    responses((status = 200, body = Secret), (status = 400, body = Problem), (status = 409, body = Problem)))]
async fn put(State(app): State<App>, Acting(actor): Acting, Sealed(wanted): Sealed<PutSecret>) -> ApiResult<Json<Secret>> {
    let value = SecretString::from(wanted.value);
    Ok(Json(app.secrets.put(&wanted.path, &value, wanted.description.as_deref(), wanted.pending, &actor).await?))
}

/// A secret with its versions, without their values.
#[utoipa::path(get, path = "/api/secrets/detail", tag = "prepare", params(Named),
    responses((status = 200, body = SecretDetail), (status = 404, body = Problem)))]
async fn detail(State(app): State<App>, Query(query): Query<Named>) -> ApiResult<Json<SecretDetail>> {
    let (secret, versions) = app.secrets.history(&query.path).await?;
    let last_read = app.ledger.secret_reads().await?.into_iter().find(|read| read.path == secret.path);
    let versions = versions.iter().map(|version| version_summary(&secret, version)).collect();
    Ok(Json(SecretDetail { summary: SecretSummary { secret, last_read }, versions }))
}

/// A value, if the policy lets the caller read it. The reading is recorded, and so is a refusal.
#[utoipa::path(post, path = "/api/secrets/read", tag = "prepare", request_body = ReadSecret,
    responses((status = 200, body = SecretValue), (status = 403, body = Problem), (status = 404, body = Problem)))]
async fn read(State(app): State<App>, Acting(actor): Acting, Body(wanted): Body<ReadSecret>) -> ApiResult<Response> {
    let at = match (wanted.stage, wanted.version) {
        (None | Some(Stage::Current), None) => SecretAt::Current,
        (Some(Stage::Pending), None) => SecretAt::Pending,
        (Some(Stage::Previous), None) => SecretAt::Previous,
        (None, Some(version)) => SecretAt::Version(version),
        (Some(_), Some(_)) => return Err(ApiError::invalid("name a stage or a version, not both")),
    };
    let asking = Asking { principal: Principal::person(&actor), why: wanted.why, run: None };
    let (version, value) = app.secrets.read(&wanted.path, &at, &asking).await?;
    let body = SecretValue { path: wanted.path, version, value: value.expose_secret().to_owned() };
    let json = Zeroizing::new(serde_json::to_vec(&body).unwrap_or_default());
    Ok(([(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")], json.to_vec()).into_response())
}

/// The pending version becomes current.
#[utoipa::path(post, path = "/api/secrets/promote", tag = "prepare", request_body = NameSecret,
    responses((status = 200, body = Secret), (status = 404, body = Problem), (status = 409, body = Problem)))]
async fn promote(State(app): State<App>, Acting(actor): Acting, Body(wanted): Body<NameSecret>) -> ApiResult<Json<Secret>> {
    Ok(Json(app.secrets.promote(&wanted.path, &actor).await?))
}

/// The previous version becomes current again.
#[utoipa::path(post, path = "/api/secrets/rollback", tag = "prepare", request_body = NameSecret,
    responses((status = 200, body = Secret), (status = 404, body = Problem), (status = 409, body = Problem)))]
async fn roll_back(State(app): State<App>, Acting(actor): Acting, Body(wanted): Body<NameSecret>) -> ApiResult<Json<Secret>> {
    Ok(Json(app.secrets.roll_back(&wanted.path, &actor).await?))
}

/// The pending version is dropped.
#[utoipa::path(post, path = "/api/secrets/drop-pending", tag = "prepare", request_body = NameSecret,
    responses((status = 200, body = Secret), (status = 404, body = Problem), (status = 409, body = Problem)))]
async fn drop_pending(State(app): State<App>, Acting(actor): Acting, Body(wanted): Body<NameSecret>) -> ApiResult<Json<Secret>> {
    Ok(Json(app.secrets.drop_pending(&wanted.path, &actor).await?))
}

/// Writes a pending version and requests a run of a runbook; the version becomes current if the run succeeds.
#[utoipa::path(post, path = "/api/secrets/rotate", tag = "prepare", request_body = RotateSecret,
    responses((status = 200, body = Secret), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)))]
async fn rotate(State(app): State<App>, Acting(actor): Acting, Sealed(wanted): Sealed<RotateSecret>) -> ApiResult<Json<Secret>> {
    let new = match wanted.value {
        Some(value) => New::Given(SecretString::from(value)),
        None => New::Generated(wanted.length.unwrap_or(LENGTH)),
    };
    Ok(Json(app.secrets.rotate(&wanted.path, &wanted.runbook, new, &actor).await?))
}

/// Wraps every data key under the present master key, after making a new one if asked.
#[utoipa::path(post, path = "/api/secrets/rewrap", tag = "prepare", request_body = RewrapSecrets,
    responses((status = 200, body = Rewrapped), (status = 400, body = Problem)))]
async fn rewrap(State(app): State<App>, Acting(actor): Acting, Body(wanted): Body<RewrapSecrets>) -> ApiResult<Json<Rewrapped>> {
    let done = app.secrets.rewrap(wanted.new_key, &actor).await?;
    Ok(Json(Rewrapped { key: done.key, count: done.count, at: done.at }))
}

fn summary(standing: Standing) -> SecretSummary {
    SecretSummary { secret: standing.secret, last_read: standing.last_read }
}

fn version_summary(secret: &Secret, version: &SecretVersion) -> SecretVersionSummary {
    SecretVersionSummary {
        version: version.version,
        stages: secret.stages.iter().filter(|(_, at)| **at == version.version).map(|(stage, _)| *stage).collect(),
        written_at: version.written_at,
        written_by: version.written_by.clone(),
        key: version.sealed.key.clone(),
    }
}
