//! `/api/incidents`

use axum::Json;
use axum::extract::State;
use kernel::IncidentId;
use ledger::{AlarmRecord, Incident, IncidentFilter, IncidentStatus, Postmortem, RunFilter};
use operate::incidents::{Change, Declaration, Entry};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use wire::error::Problem;
use wire::incidents::{AddNote, ChangeIncident, DeclareIncident, IncidentDetail, TimelineEntry};

use crate::error::ApiResult;
use crate::extract::{Acting, Json as Body, Path, Query};
use crate::state::App;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list, declare)).routes(routes!(one, change)).routes(routes!(note)).routes(routes!(draft))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct IncidentQuery {
    /// `open`, `acknowledged`, `mitigated` or `resolved`; all if absent.
    #[param(value_type = Option<String>)]
    status: Option<IncidentStatus>,
    /// Only those of game days, or only real ones; both if absent.
    practice: Option<bool>,
    /// At most this many; 200 if absent.
    limit: Option<u32>,
}

/// Incidents, newest first.
#[utoipa::path(get, path = "/api/incidents", tag = "operate", params(IncidentQuery), responses((status = 200, body = Vec<Incident>)))]
async fn list(State(app): State<App>, Query(query): Query<IncidentQuery>) -> ApiResult<Json<Vec<Incident>>> {
    let filter = IncidentFilter {
        statuses: query.status.into_iter().collect(),
        practice: query.practice,
        limit: query.limit.map(|limit| limit.clamp(1, 1_000)),
        ..Default::default()
    };
    Ok(Json(app.ledger.incidents(&filter).await?))
}

/// Declares an incident.
#[utoipa::path(post, path = "/api/incidents", tag = "operate", request_body = DeclareIncident,
    responses((status = 200, body = Incident), (status = 400, body = Problem)))]
async fn declare(State(app): State<App>, Acting(actor): Acting, Body(body): Body<DeclareIncident>) -> ApiResult<Json<Incident>> {
    let declaration = Declaration {
        title: body.title,
        summary: body.summary,
        severity: body.severity,
        components: body.components,
        commander: body.commander,
        ..Declaration::default()
    };
    Ok(Json(app.incidents.declare(declaration, &actor).await?))
}

/// An incident with its timeline, runs, alarms, actions and post-mortem.
#[utoipa::path(get, path = "/api/incidents/{id}", tag = "operate", params(("id" = String, Path)),
    responses((status = 200, body = IncidentDetail), (status = 404, body = Problem)))]
async fn one(State(app): State<App>, Path(id): Path<IncidentId>) -> ApiResult<Json<IncidentDetail>> {
    let incident = app.ledger.incident(id).await?;
    let entry = |entry: Entry| TimelineEntry { time: entry.time, text: entry.text, event: entry.event };
    let alarms = app.ledger.alarms().await?.into_iter().filter(|alarm| belongs(alarm, id)).collect();
    Ok(Json(IncidentDetail {
        timeline: app.incidents.timeline(id).await?.into_iter().map(entry).collect(),
        runs: app.ledger.runs(&RunFilter { incident: Some(id), ..Default::default() }).await?,
        alarms,
        actions: app.ledger.actions(Some(id)).await?,
        postmortem: app.ledger.postmortem(id).await.ok(),
        incident,
    }))
}

/// Changes severity, status, commander, roles, title or summary.
#[utoipa::path(patch, path = "/api/incidents/{id}", tag = "operate", params(("id" = String, Path)), request_body = ChangeIncident,
    responses((status = 200, body = Incident), (status = 404, body = Problem), (status = 409, body = Problem)))]
async fn change(
    State(app): State<App>,
    Path(id): Path<IncidentId>,
    Acting(actor): Acting,
    Body(body): Body<ChangeIncident>,
) -> ApiResult<Json<Incident>> {
    let change = Change {
        title: body.title,
        summary: body.summary,
        severity: body.severity,
        status: body.status,
        commander: body.commander,
        roles: body.roles,
        components: body.components,
        practice: body.practice,
    };
    Ok(Json(app.incidents.update(id, &change, &actor).await?))
}

/// Writes a person's note into the timeline.
#[utoipa::path(post, path = "/api/incidents/{id}/notes", tag = "operate", params(("id" = String, Path)), request_body = AddNote,
    responses((status = 200, body = Incident), (status = 404, body = Problem)))]
async fn note(State(app): State<App>, Path(id): Path<IncidentId>, Acting(actor): Acting, Body(body): Body<AddNote>) -> ApiResult<Json<Incident>> {
    app.incidents.note(id, &body.text, &actor).await?;
    Ok(Json(app.incidents.get(id).await?))
}

/// Drafts the post-mortem as Markdown in the workload's repository.
#[utoipa::path(post, path = "/api/incidents/{id}/postmortem", tag = "operate", params(("id" = String, Path)),
    responses((status = 200, body = Postmortem), (status = 404, body = Problem), (status = 409, body = Problem)))]
async fn draft(State(app): State<App>, Path(id): Path<IncidentId>, Acting(actor): Acting) -> ApiResult<Json<Postmortem>> {
    Ok(Json(app.postmortems.draft(id, &actor).await?))
}

fn belongs(alarm: &AlarmRecord, incident: IncidentId) -> bool {
    alarm.instances.iter().any(|instance| instance.incident == Some(incident))
}
