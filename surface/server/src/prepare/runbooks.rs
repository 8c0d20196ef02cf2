//! `/api/runbooks`

use std::collections::HashMap;

use axum::Json;
use axum::extract::State;
use documents::runbook::{Runbook, RunbookKind};
use ledger::{Run, RunFilter, RunKind};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use wire::error::Problem;
use wire::runs::{RunbookDetail, RunbookParameter, RunbookSummary};

use crate::error::{ApiError, ApiResult};
use crate::extract::Path;
use crate::state::App;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(one))
}

/// Runbooks and playbooks, with the last run of each.
#[utoipa::path(get, path = "/api/runbooks", tag = "prepare", responses((status = 200, body = Vec<RunbookSummary>)))]
async fn list(State(app): State<App>) -> ApiResult<Json<Vec<RunbookSummary>>> {
    let mut last = last_runs(&app).await?;
    let loaded = app.documents.borrow().clone();
    Ok(Json(loaded.graph.runbooks.values().map(|runbook| summary(runbook, last.remove(&runbook.name))).collect()))
}

/// A runbook as it is written, with its parameters and runs.
#[utoipa::path(get, path = "/api/runbooks/{name}", tag = "prepare", params(("name" = String, Path)),
    responses((status = 200, body = RunbookDetail), (status = 404, body = Problem)))]
async fn one(State(app): State<App>, Path(name): Path<String>) -> ApiResult<Json<RunbookDetail>> {
    let loaded = app.documents.borrow().clone();
    let runbook = loaded.graph.runbooks.get(&name).ok_or_else(|| ApiError::not_found(format!("runbook {name:?}")))?;
    let runs = app.ledger.runs(&RunFilter { document: Some(name), limit: Some(50), ..Default::default() }).await?;
    let parameter = |p: &documents::runbook::Parameter| RunbookParameter {
        name: p.name.clone(),
        description: p.description.clone(),
        default: p.default.clone(),
        required: p.required,
        allowed: p.allowed.clone(),
    };
    Ok(Json(RunbookDetail {
        summary: summary(runbook, runs.first().cloned()),
        parameters: runbook.parameters.iter().map(parameter).collect(),
        markdown: runbook.markdown.clone(),
        path: runbook.origin.path.clone(),
        runs,
    }))
}

/// The last run of each document.
pub async fn last_runs(app: &App) -> ApiResult<HashMap<String, Run>> {
    let mut last: HashMap<String, Run> = HashMap::new();
    for run in app.ledger.runs(&RunFilter { routine: Some(false), limit: Some(1_000), ..Default::default() }).await? {
        // Newest first, so the first of each document is its last run.
        last.entry(run.document.clone()).or_insert(run);
    }
    Ok(last)
}

fn summary(runbook: &Runbook, last_run: Option<Run>) -> RunbookSummary {
    RunbookSummary {
        name: runbook.name.clone(),
        title: runbook.title.clone(),
        kind: match runbook.kind {
            RunbookKind::Runbook => RunKind::Runbook,
            RunbookKind::Playbook => RunKind::Playbook,
        },
        description: runbook.description.clone(),
        owner: runbook.owner.clone(),
        component: runbook.component.clone(),
        cells: runbook.cells.len(),
        last_run,
    }
}
