//! `/api/alarms`

use axum::Json;
use axum::extract::State;
use ledger::AlarmRecord;
use organize::catalog::urgency;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use wire::error::Problem;

use crate::error::ApiResult;
use crate::extract::Query;
use crate::state::App;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(one))
}

/// All alarms as last judged, the worst first.
#[utoipa::path(get, path = "/api/alarms", tag = "operate", responses((status = 200, body = Vec<AlarmRecord>)))]
async fn list(State(app): State<App>) -> ApiResult<Json<Vec<AlarmRecord>>> {
    let mut alarms = app.ledger.alarms().await?;
    alarms.sort_by(|a, b| urgency(b.state).cmp(&urgency(a.state)).then_with(|| a.id.cmp(&b.id)));
    Ok(Json(alarms))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct AlarmQuery {
    /// `group/alert`; as a parameter because it holds a slash.
    id: String,
}

/// One alarm with its instances and the evidence of its last verdict.
#[utoipa::path(get, path = "/api/alarms/one", tag = "operate", params(AlarmQuery),
    responses((status = 200, body = AlarmRecord), (status = 404, body = Problem)))]
async fn one(State(app): State<App>, Query(query): Query<AlarmQuery>) -> ApiResult<Json<AlarmRecord>> {
    Ok(Json(app.ledger.alarm(&query.id).await?))
}
