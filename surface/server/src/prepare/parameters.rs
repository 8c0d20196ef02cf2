//! `/api/parameters`

use axum::Json;
use axum::extract::State;
use documents::value::ParameterAt;
use ledger::{Parameter, ParameterVersion};
use prepare::parameters::Put;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use wire::error::Problem;
use wire::parameters::{LabelParameter, ParameterHistory, ParameterSummary, PutParameter};

use crate::error::{ApiError, ApiResult};
use crate::extract::{Acting, Json as Body, Query};
use crate::state::App;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list, put)).routes(routes!(value)).routes(routes!(history)).routes(routes!(label))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Under {
    /// Only those below this folder, such as `/shop`.
    under: Option<String>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct At {
    path: String,
    /// The newest if neither a version nor a label is named.
    version: Option<i64>,
    label: Option<String>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Named {
    path: String,
}

/// Parameters by path, each with its newest value.
#[utoipa::path(get, path = "/api/parameters", tag = "prepare", params(Under), responses((status = 200, body = Vec<ParameterSummary>)))]
async fn list(State(app): State<App>, Query(query): Query<Under>) -> ApiResult<Json<Vec<ParameterSummary>>> {
    let all = app.parameters.list(query.under.as_deref().unwrap_or("/")).await?;
    Ok(Json(all.into_iter().map(|(parameter, version)| summary(parameter, version)).collect()))
}

/// Writes a new version.
#[utoipa::path(put, path = "/api/parameters", tag = "prepare", request_body = PutParameter,
    responses((status = 200, body = Parameter), (status = 400, body = Problem)))]
async fn put(State(app): State<App>, Acting(actor): Acting, Body(wanted): Body<PutParameter>) -> ApiResult<Json<Parameter>> {
    let PutParameter { path, kind, value, description, label } = wanted;
    Ok(Json(app.parameters.put(Put { path, kind, value, description, label }, &actor).await?))
}

/// One value: the newest, a version's, or where a label stands.
#[utoipa::path(get, path = "/api/parameters/value", tag = "prepare", params(At),
    responses((status = 200, body = ParameterVersion), (status = 404, body = Problem)))]
async fn value(State(app): State<App>, Query(query): Query<At>) -> ApiResult<Json<ParameterVersion>> {
    let at = match (query.version, query.label) {
        (None, None) => ParameterAt::Latest,
        (Some(version), None) => ParameterAt::Version(version),
        (None, Some(label)) => ParameterAt::Label(label),
        (Some(_), Some(_)) => return Err(ApiError::invalid("name a version or a label, not both")),
    };
    Ok(Json(app.parameters.get(&query.path, &at).await?))
}

/// A parameter with its versions.
#[utoipa::path(get, path = "/api/parameters/history", tag = "prepare", params(Named),
    responses((status = 200, body = ParameterHistory), (status = 404, body = Problem)))]
async fn history(State(app): State<App>, Query(query): Query<Named>) -> ApiResult<Json<ParameterHistory>> {
    let (parameter, versions) = app.parameters.history(&query.path).await?;
    Ok(Json(ParameterHistory { parameter, versions }))
}

/// Moves a label to a version.
#[utoipa::path(post, path = "/api/parameters/labels", tag = "prepare", request_body = LabelParameter,
    responses((status = 200, body = Parameter), (status = 404, body = Problem)))]
async fn label(State(app): State<App>, Acting(actor): Acting, Body(wanted): Body<LabelParameter>) -> ApiResult<Json<Parameter>> {
    Ok(Json(app.parameters.label(&wanted.path, &wanted.label, wanted.version, &actor).await?))
}

fn summary(parameter: Parameter, version: ParameterVersion) -> ParameterSummary {
    ParameterSummary { parameter, kind: version.kind, value: version.value, written_at: version.written_at, written_by: version.written_by }
}
