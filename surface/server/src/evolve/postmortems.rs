//! `/api/postmortems`

use axum::Json;
use axum::extract::State;
use kernel::IncidentId;
use ledger::Postmortem;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use wire::error::Problem;
use wire::postmortems::{PostmortemChart, PostmortemDetail};

use crate::error::ApiResult;
use crate::extract::Path;
use crate::state::App;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(one))
}

/// Post-mortems, newest first.
#[utoipa::path(get, path = "/api/postmortems", tag = "evolve", responses((status = 200, body = Vec<Postmortem>)))]
async fn list(State(app): State<App>) -> ApiResult<Json<Vec<Postmortem>>> {
    Ok(Json(app.ledger.postmortems().await?))
}

/// A post-mortem as its file stands now, with its charts and actions.
#[utoipa::path(get, path = "/api/postmortems/{incident}", tag = "evolve", params(("incident" = String, Path)),
    responses((status = 200, body = PostmortemDetail), (status = 404, body = Problem)))]
async fn one(State(app): State<App>, Path(incident): Path<IncidentId>) -> ApiResult<Json<PostmortemDetail>> {
    let document = app.postmortems.document(incident).await?;
    Ok(Json(PostmortemDetail {
        incident: app.ledger.incident(incident).await?,
        actions: app.ledger.actions(Some(incident)).await?,
        postmortem: document.postmortem,
        markdown: document.markdown,
        charts: document.charts.into_iter().map(|chart| PostmortemChart { name: chart.name, svg: chart.svg }).collect(),
    }))
}
