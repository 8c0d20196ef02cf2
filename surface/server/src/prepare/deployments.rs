//! `/api/deployments`

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use documents::deployment::{Deployment, Environment, Freeze, Gate};
use kernel::RunId;
use prepare::deployments::Stopped;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use wire::deployments::{DeploymentEnvironment, DeploymentFreeze, DeploymentSummary, DeploymentSwitch, ShiftAction, SwitchDeployments};
use wire::error::Problem;

use super::runbooks::last_runs;
use crate::error::ApiResult;
use crate::extract::{Acting, Json as Body, Path};
use crate::state::App;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(switch, switched)).routes(routes!(act))
}

/// Deployments, and which version is where.
#[utoipa::path(get, path = "/api/deployments", tag = "prepare", responses((status = 200, body = Vec<DeploymentSummary>)))]
async fn list(State(app): State<App>) -> ApiResult<Json<Vec<DeploymentSummary>>> {
    let mut last = last_runs(&app).await?;
    let loaded = app.documents.borrow().clone();
    let mut summaries = Vec::new();
    for deployment in loaded.graph.deployments.values() {
        let mut environments = Vec::new();
        for environment in &deployment.environments {
            environments.push(of_environment(&app, deployment, environment).await?);
        }
        summaries.push(DeploymentSummary {
            name: deployment.name.clone(),
            title: deployment.title.clone().unwrap_or_else(|| deployment.name.clone()),
            component: deployment.component.clone(),
            path: deployment.origin.path.clone(),
            environments,
            freezes: deployment.freezes.iter().map(freeze).collect(),
            operators: deployment.operators.clone(),
            last_run: last.remove(&deployment.name),
        });
    }
    Ok(Json(summaries))
}

fn freeze(freeze: &Freeze) -> DeploymentFreeze {
    DeploymentFreeze { start: freeze.start, end: freeze.end, reason: freeze.reason.clone() }
}

async fn of_environment(app: &App, deployment: &Deployment, environment: &Environment) -> ApiResult<DeploymentEnvironment> {
    let arrived = app.deployments.arrived(&deployment.name, &environment.name).await?;
    Ok(DeploymentEnvironment {
        name: environment.name.clone(),
        strategy: environment.strategy.name.clone(),
        takes_s: environment.strategy.duration().as_secs_f64(),
        gates: environment.gates.iter().map(Gate::title).collect(),
        alarms: environment.alarms.clone(),
        version: arrived.as_ref().map(|arrived| arrived.version.clone()),
        arrived_at: arrived.as_ref().map(|arrived| arrived.at),
        arrived_by: arrived.map(|arrived| arrived.run),
    })
}

/// Whether all deployments are stopped.
#[utoipa::path(get, path = "/api/deployments/switch", tag = "prepare", responses((status = 200, body = DeploymentSwitch)))]
async fn switched(State(app): State<App>) -> ApiResult<Json<DeploymentSwitch>> {
    Ok(Json(match app.deployments.stopped().await? {
        Some(Stopped { reason, by, since }) => DeploymentSwitch { stopped: true, reason: Some(reason), by: Some(by), since: Some(since) },
        None => DeploymentSwitch { stopped: false, reason: None, by: None, since: None },
    }))
}

/// Stops all deployments, or allows them again. What is under way stands still at its weight.
#[utoipa::path(post, path = "/api/deployments/switch", tag = "prepare", request_body = SwitchDeployments,
    responses((status = 200, body = DeploymentSwitch), (status = 400, body = Problem)))]
async fn switch(State(app): State<App>, Acting(actor): Acting, Body(body): Body<SwitchDeployments>) -> ApiResult<Json<DeploymentSwitch>> {
    let reason = body.reason.as_deref().unwrap_or("no reason was given");
    match body.stopped {
        true => app.deployments.stop_all(reason, &actor).await?,
        false => app.deployments.allow(reason, &actor).await?,
    }
    switched(State(app)).await
}

/// Pauses, resumes or promotes the shift under way. To abort it, cancel its run.
#[utoipa::path(post, path = "/api/deployments/runs/{run}/action", tag = "prepare", params(("run" = String, Path)), request_body = ShiftAction,
    responses((status = 204), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)))]
async fn act(State(app): State<App>, Path(run): Path<RunId>, Acting(actor): Acting, Body(action): Body<ShiftAction>) -> ApiResult<StatusCode> {
    match action {
        ShiftAction::Pause => app.deployments.pause(&run, &actor).await?,
        ShiftAction::Resume => app.deployments.resume(&run, &actor).await?,
        ShiftAction::Promote => app.deployments.promote(&run, &actor).await?,
    }
    Ok(StatusCode::NO_CONTENT)
}
