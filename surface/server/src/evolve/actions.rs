//! `/api/actions`

use axum::Json;
use axum::extract::State;
use kernel::{ActionId, IncidentId};
use ledger::Action;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use wire::error::Problem;
use wire::postmortems::{AddAction, ChangeAction};

use crate::error::ApiResult;
use crate::extract::{Acting, Json as Body, Path};
use crate::state::App;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(change)).routes(routes!(add))
}

/// The actions of all post-mortems.
#[utoipa::path(get, path = "/api/actions", tag = "evolve", responses((status = 200, body = Vec<Action>)))]
async fn list(State(app): State<App>) -> ApiResult<Json<Vec<Action>>> {
    Ok(Json(app.ledger.actions(None).await?))
}

/// Ticks an action off, or opens it again.
#[utoipa::path(patch, path = "/api/actions/{id}", tag = "evolve", params(("id" = String, Path)), request_body = ChangeAction,
    responses((status = 200, body = Action), (status = 404, body = Problem)))]
async fn change(State(app): State<App>, Path(id): Path<ActionId>, Acting(actor): Acting, Body(body): Body<ChangeAction>) -> ApiResult<Json<Action>> {
    Ok(Json(app.postmortems.set_action(&id, body.status, &actor).await?))
}

/// Adds an action to an incident.
#[utoipa::path(post, path = "/api/incidents/{id}/actions", tag = "evolve", params(("id" = String, Path)), request_body = AddAction,
    responses((status = 200, body = Action), (status = 404, body = Problem)))]
async fn add(State(app): State<App>, Path(id): Path<IncidentId>, Acting(actor): Acting, Body(body): Body<AddAction>) -> ApiResult<Json<Action>> {
    Ok(Json(app.postmortems.add_action(id, &body.title, body.owner, &actor).await?))
}
