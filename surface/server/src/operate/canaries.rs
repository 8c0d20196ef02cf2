//! `/api/canaries`

use std::collections::BTreeMap;
use std::time::Duration;

use axum::Json;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use documents::canary::{Canary, CanaryCheck, SERVER};
use documents::schedule::Schedule;
use jiff::SignedDuration;
use kernel::{Kind, format_duration};
use ledger::{Batch, Event, EventFilter, NewEvent, RunKind, types};
use operate::canaries::{self, Looked, Reading, actor, is_here};
use prepare::runs::Recorded;
use serde_json::json;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use wire::canaries::{CanaryLook, CanarySummary, Heartbeat, LookReading, TellLook};
use wire::error::Problem;

use crate::error::{ApiError, ApiResult};
use crate::extract::{Acting, Json as Body, Path};
use crate::prepare::runs;
use crate::state::App;

const LOOKS: u32 = 30;
const READINGS_MAX: usize = 100;
/// What tells canaries apart is not the runner's to say.
const FIXED_LABELS: [&str; 4] = ["__name__", "canary", "location", documents::rules::COMPONENT_LABEL];

pub fn routes() -> OpenApiRouter<App> {
    let looks = OpenApiRouter::new().routes(routes!(tell)).layer(DefaultBodyLimit::max(runs::RECORDED_BYTES_MAX));
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(one)).routes(routes!(heartbeat)).merge(looks)
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

/// What a runner saw from its location. It is kept as what this server sees itself.
#[utoipa::path(post, path = "/api/canaries/{name}/looks", tag = "operate", params(("name" = String, Path)),
    request_body = TellLook, responses((status = 204), (status = 400, body = Problem), (status = 404, body = Problem)))]
async fn tell(State(app): State<App>, Path(name): Path<String>, Body(told): Body<TellLook>) -> ApiResult<StatusCode> {
    let loaded = app.documents.borrow().clone();
    let canary = loaded.graph.canaries.get(&name).ok_or_else(|| ApiError::not_found(format!("canary {name:?}")))?;
    if told.location == SERVER || !is_here(canary, &told.location) {
        let locations = canary.locations.join(", ");
        return Err(ApiError::invalid(format!("canary {name:?} is not looked at from {:?}; its locations are {locations}", told.location)));
    }
    let looked = looked(&told)?;
    let now = app.clock.now();
    let run = match (told.played, &canary.check) {
        (Some(played), CanaryCheck::Scenario { name: script, environment }) => {
            let began = SignedDuration::try_from(looked.took).ok().and_then(|took| now.checked_sub(took).ok());
            let recorded = Recorded {
                kind: RunKind::Scenario,
                document: script.clone(),
                title: script.clone(),
                document_digest: played.digest,
                parameters: environment.iter().map(|name| ("environment".to_owned(), name.clone())).collect(),
                initiator: actor(&name),
                started_at: began.unwrap_or(now),
                finished_at: now,
                error: looked.failure.clone(),
                outputs: BTreeMap::from([("location".to_owned(), told.location.clone())]),
                lines: played.lines,
                report: played.report,
                attachments: runs::attached(played.attachments),
            };
            Some(app.runs.record(recorded).await?.id)
        }
        (Some(_), _) => return Err(ApiError::invalid(format!("canary {name:?} plays no scenario"))),
        (None, _) => None,
    };
    let kept = canaries::keep(&app.ledger, &*app.metrics, canary, &told.location, &looked, run, now).await;
    kept.map_err(|error| ApiError::new(Kind::Internal, format!("what the canary saw could not be kept: {error}")))?;
    Ok(StatusCode::NO_CONTENT)
}

fn looked(told: &TellLook) -> ApiResult<Looked> {
    if told.readings.len() > READINGS_MAX {
        return Err(ApiError::invalid(format!("a look has at most {READINGS_MAX} readings")));
    }
    let known = |name: &str| name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    let reading = |reading: &LookReading| {
        let name = &reading.name;
        if !name.starts_with("probe_") || !known(name) || !reading.labels.keys().all(|label| known(label) && !FIXED_LABELS.contains(&label.as_str())) {
            return Err(ApiError::invalid(format!("{name:?} is no reading of a look: its name begins with probe_, and its labels are its own")));
        }
        let labels = reading.labels.iter().map(|(label, value)| (label.clone().into(), value.clone())).collect();
        Ok(Reading { name: name.clone().into(), labels, value: reading.value })
    };
    Ok(Looked {
        failure: told.error.clone(),
        took: Duration::try_from_secs_f64(told.duration_s).map_err(|_| ApiError::invalid("duration_s is a number of seconds"))?,
        readings: told.readings.iter().map(reading).collect::<ApiResult<_>>()?,
    })
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
