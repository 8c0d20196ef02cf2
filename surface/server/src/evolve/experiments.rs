//! `/api/experiments`

use axum::Json;
use axum::extract::State;
use documents::experiment::Experiment;
use ledger::RunFilter;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use wire::error::Problem;
use wire::experiments::{ExperimentDetail, ExperimentSummary};

use crate::error::{ApiError, ApiResult};
use crate::extract::Path;
use crate::prepare::runbooks::last_runs;
use crate::state::App;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(one))
}

/// Chaos experiments, with the last run of each.
#[utoipa::path(get, path = "/api/experiments", tag = "evolve", responses((status = 200, body = Vec<ExperimentSummary>)))]
async fn list(State(app): State<App>) -> ApiResult<Json<Vec<ExperimentSummary>>> {
    let mut last = last_runs(&app).await?;
    let loaded = app.documents.borrow().clone();
    let summaries = loaded.graph.experiments.values().map(|experiment| ExperimentSummary { last_run: last.remove(&experiment.name), ..summary(experiment) });
    Ok(Json(summaries.collect()))
}

/// An experiment as it is written, with its runs.
#[utoipa::path(get, path = "/api/experiments/{name}", tag = "evolve", params(("name" = String, Path)),
    responses((status = 200, body = ExperimentDetail), (status = 404, body = Problem)))]
async fn one(State(app): State<App>, Path(name): Path<String>) -> ApiResult<Json<ExperimentDetail>> {
    let loaded = app.documents.borrow().clone();
    let experiment = loaded.graph.experiments.get(&name).ok_or_else(|| ApiError::not_found(format!("experiment {name:?}")))?;
    let runs = app.ledger.runs(&RunFilter { document: Some(name), limit: Some(50), ..Default::default() }).await?;
    let summary = ExperimentSummary { last_run: runs.first().cloned(), ..summary(experiment) };
    Ok(Json(ExperimentDetail { summary, document: experiment.document_without_secrets(), runs }))
}

fn summary(experiment: &Experiment) -> ExperimentSummary {
    ExperimentSummary {
        name: experiment.name.clone(),
        title: experiment.title.clone(),
        description: experiment.description.clone(),
        tags: experiment.tags.clone(),
        path: experiment.origin.path.clone(),
        last_run: None,
    }
}
