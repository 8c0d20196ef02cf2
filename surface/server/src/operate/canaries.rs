//! `/api/canaries`

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use documents::canary::{Canary, CanaryCheck};
use documents::schedule::Schedule;
use kernel::format_duration;
use ledger::{Batch, Event, EventFilter, NewEvent, types};
use serde_json::json;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use wire::canaries::{CanaryLook, CanarySummary, Heartbeat};
use wire::error::Problem;

use crate::error::{ApiError, ApiResult};
use crate::extract::{Acting, Json as Body, Path};
use crate::state::App;

const LOOKS: u32 = 30;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(one)).routes(routes!(heartbeat))
}

/// Canaries, with what they saw last.
#[utoipa::path(get, path = "/api/canaries", tag = "operate", responses((status = 200, body = Vec<CanarySummary>)))]
async fn list(State(app): State<App>) -> ApiResult<Json<Vec<CanarySummary>>> {
    let loaded = app.documents.borrow().clone();
    let mut summaries = Vec::new();
    for canary in loaded.graph.canaries.values() {
        summaries.push(summary(&app, canary).await?);
    }
    Ok(Json(summaries))
}

#[utoipa::path(get, path = "/api/canaries/{name}", tag = "operate", params(("name" = String, Path)),
    responses((status = 200, body = CanarySummary), (status = 404, body = Problem)))]
async fn one(State(app): State<App>, Path(name): Path<String>) -> ApiResult<Json<CanarySummary>> {
    let loaded = app.documents.borrow().clone();
    let canary = loaded.graph.canaries.get(&name).ok_or_else(|| ApiError::not_found(format!("canary {name:?}")))?;
    Ok(Json(summary(&app, canary).await?))
}

/// A job calls in.
#[utoipa::path(post, path = "/api/canaries/{name}/heartbeat", tag = "operate", params(("name" = String, Path)),
    request_body = Heartbeat, responses((status = 204), (status = 404, body = Problem)))]
async fn heartbeat(State(app): State<App>, Path(name): Path<String>, Acting(actor): Acting, Body(beat): Body<Heartbeat>) -> ApiResult<StatusCode> {
    let loaded = app.documents.borrow().clone();
    let waits = loaded.graph.canaries.get(&name).is_some_and(|canary| matches!(canary.check, CanaryCheck::Heartbeat { .. }));
    if !waits {
        return Err(ApiError::not_found(format!("canary {name:?} that waits for a heartbeat")));
    }
    let event = NewEvent::new("/server", types::CANARY_HEARTBEAT, json!({ "error": beat.error })).subject(name).actor(actor);
    app.ledger.commit(Batch::new().event(event)).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn summary(app: &App, canary: &Canary) -> ApiResult<CanarySummary> {
    let filter = EventFilter {
        kinds: [types::CANARY_PASSED, types::CANARY_FAILED, types::CANARY_HEARTBEAT].map(str::to_owned).to_vec(),
        subject: Some(canary.name.clone()),
        newest_first: true,
        limit: Some(LOOKS),
        ..EventFilter::default()
    };
    Ok(CanarySummary {
        name: canary.name.clone(),
        title: canary.title.clone(),
        component: canary.component.clone(),
        check: check(&canary.check),
        schedule: canary.schedule.as_ref().map(schedule),
        locations: canary.locations.clone(),
        enabled: canary.enabled,
        path: canary.origin.path.clone(),
        failures: canary.alarm.failures,
        of: canary.alarm.of,
        looks: app.ledger.events(&filter).await?.into_iter().map(look).collect(),
    })
}

fn look(event: Event) -> CanaryLook {
    let text = |name: &str| event.data[name].as_str().map(str::to_owned);
    let error = text("error");
    CanaryLook {
        time: event.time,
        location: text("location"),
        passed: error.is_none() && event.kind != types::CANARY_FAILED,
        duration_s: event.data["duration_s"].as_f64(),
        error,
        run: event.run.clone(),
    }
}

fn check(check: &CanaryCheck) -> String {
    match check {
        CanaryCheck::Scenario { name, .. } => format!("the scenario {name}"),
        CanaryCheck::Http(http) => format!("{} {}", http.method, http.url),
        CanaryCheck::Tcp { address, .. } => format!("a connection to {address}"),
        CanaryCheck::Dns(dns) => format!("the address of {}", dns.name),
        CanaryCheck::Tls(tls) => format!("the certificate of {}", tls.address),
        CanaryCheck::Icmp { host } => format!("an echo of {host}"),
        CanaryCheck::Heartbeat { every, .. } => format!("a heartbeat every {}", format_duration(*every)),
    }
}

fn schedule(schedule: &Schedule) -> String {
    match schedule {
        Schedule::Every(every) => format!("every {}", format_duration(*every)),
        Schedule::Cron(cron) => format!("{} {}", cron.expression, cron.time_zone),
    }
}
