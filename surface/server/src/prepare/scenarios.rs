//! `/api/scenarios`

use axum::Json;
use axum::extract::State;
use documents::script::Script;
use ledger::RunFilter;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use wire::error::Problem;
use wire::scenarios::{ScenarioDetail, ScenarioSummary};

use super::runbooks::last_runs;
use crate::error::{ApiError, ApiResult};
use crate::extract::Path;
use crate::state::App;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(one))
}

/// Scenario scripts, with the last run of each.
#[utoipa::path(get, path = "/api/scenarios", tag = "prepare", responses((status = 200, body = Vec<ScenarioSummary>)))]
async fn list(State(app): State<App>) -> ApiResult<Json<Vec<ScenarioSummary>>> {
    let mut last = last_runs(&app).await?;
    let loaded = app.documents.borrow().clone();
    Ok(Json(loaded.graph.scripts.values().map(|script| ScenarioSummary { last_run: last.remove(&script.name), ..summary(script) }).collect()))
}

/// A script with its runs.
#[utoipa::path(get, path = "/api/scenarios/{name}", tag = "prepare", params(("name" = String, Path)),
    responses((status = 200, body = ScenarioDetail), (status = 404, body = Problem)))]
async fn one(State(app): State<App>, Path(name): Path<String>) -> ApiResult<Json<ScenarioDetail>> {
    let loaded = app.documents.borrow().clone();
    let script = loaded.graph.scripts.get(&name).ok_or_else(|| ApiError::not_found(format!("scenario {name:?}")))?;
    let runs = app.ledger.runs(&RunFilter { document: Some(name), routine: Some(false), limit: Some(50), ..Default::default() }).await?;
    Ok(Json(ScenarioDetail { summary: ScenarioSummary { last_run: runs.first().cloned(), ..summary(script) }, runs }))
}

fn summary(script: &Script) -> ScenarioSummary {
    let named = |(number, name): (usize, Option<&String>)| name.cloned().unwrap_or_else(|| format!("scenario {}", number + 1));
    ScenarioSummary {
        name: script.name.clone(),
        path: script.origin.path.clone(),
        target: script.config.target.clone(),
        environments: script.environments.keys().cloned().collect(),
        scenarios: script.scenarios.iter().map(|journey| journey.name.as_ref()).enumerate().map(named).collect(),
        phases: script.config.phases.len(),
        last_run: None,
    }
}
