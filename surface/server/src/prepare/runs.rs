//! `/api/runs`

use std::convert::Infallible;

use axum::Json;
use axum::extract::{DefaultBodyLimit, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use futures::Stream;
use kernel::{IncidentId, RunId};
use ledger::{Run, RunFilter, RunStatus};
use prepare::runs::{ATTACHMENTS_BYTES_MAX, Attached, Recorded, Request, Resume};
use prepare::scenarios;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use wire::error::Problem;
use wire::runs::{Approve, RecordRun, RequestRun, ResumeFrom, ResumeRun, RunDetail, RunOutput, SentAttachment};

use crate::error::ApiResult;
use crate::extract::{Acting, Json as Body, Path, Query};
use crate::state::App;

pub fn routes() -> OpenApiRouter<App> {
    let recorded = OpenApiRouter::new().routes(routes!(record)).layer(DefaultBodyLimit::max(RECORDED_BYTES_MAX));
    OpenApiRouter::new()
        .merge(recorded)
        .routes(routes!(list, request))
        .routes(routes!(one))
        .routes(routes!(output))
        .routes(routes!(stream))
        .routes(routes!(approve))
        .routes(routes!(reject))
        .routes(routes!(cancel))
        .routes(routes!(resume))
}

/// Attachments in Base64, and what the run told beside them.
pub const RECORDED_BYTES_MAX: usize = ATTACHMENTS_BYTES_MAX / 3 * 4 + (4 << 20);
const OUTPUT_CHUNKS: u32 = 1_000;

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct RunQuery {
    /// e.g. `running`
    #[param(value_type = Option<String>)]
    status: Option<RunStatus>,
    document: Option<String>,
    #[param(value_type = Option<String>)]
    incident: Option<IncidentId>,
    /// Only those that canaries asked for, or only the others.
    routine: Option<bool>,
    /// At most this many, newest first; 200 if absent.
    limit: Option<u32>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct OutputQuery {
    /// Only chunks above this sequence; all from -1 on.
    after: Option<i64>,
}

/// Runs, newest first.
#[utoipa::path(get, path = "/api/runs", tag = "prepare", params(RunQuery), responses((status = 200, body = Vec<Run>)))]
async fn list(State(app): State<App>, Query(query): Query<RunQuery>) -> ApiResult<Json<Vec<Run>>> {
    let filter = RunFilter {
        statuses: query.status.into_iter().collect(),
        document: query.document,
        incident: query.incident,
        routine: query.routine,
        limit: query.limit.map(|limit| limit.clamp(1, 1_000)),
        ..Default::default()
    };
    Ok(Json(app.ledger.runs(&filter).await?))
}

/// Requests a run of a runbook, playbook, scenario or experiment.
#[utoipa::path(post, path = "/api/runs", tag = "prepare", request_body = RequestRun,
    responses((status = 200, body = Run), (status = 400, body = Problem), (status = 404, body = Problem)))]
async fn request(State(app): State<App>, Acting(actor): Acting, Body(wanted): Body<RequestRun>) -> ApiResult<Json<Run>> {
    let request = Request {
        document: wanted.document,
        parameters: wanted.parameters,
        initiator: actor,
        incident: wanted.incident,
        component: wanted.component,
        key: wanted.key,
    };
    Ok(Json(app.runs.request(request).await?))
}

/// Keeps a run that took place elsewhere, in a CI job for example. A load's figures go to the lake, too.
#[utoipa::path(post, path = "/api/runs/recorded", tag = "prepare", request_body = RecordRun,
    responses((status = 200, body = Run), (status = 400, body = Problem)))]
async fn record(State(app): State<App>, Acting(actor): Acting, Body(told): Body<RecordRun>) -> ApiResult<Json<Run>> {
    let series = scenarios::recorded_series(&told.report, told.started_at);
    let recorded = Recorded {
        kind: told.kind,
        title: told.title.unwrap_or_else(|| told.document.clone()),
        document: told.document,
        document_digest: told.digest,
        parameters: told.parameters,
        initiator: actor,
        started_at: told.started_at,
        finished_at: told.finished_at,
        error: told.error,
        outputs: told.outputs,
        lines: told.lines,
        report: told.report,
        attachments: attached(told.attachments),
    };
    let run = app.runs.record(recorded).await?;
    if let Err(error) = app.metrics.append(series).await {
        tracing::warn!(run = %run.id, %error, "the figures of a recorded load could not be written to the lake");
    }
    Ok(Json(run))
}

/// What was sent, as it is kept.
pub fn attached(sent: Vec<SentAttachment>) -> Vec<Attached> {
    sent.into_iter().map(|SentAttachment { number, name, media_type, data }| Attached { number, name, media_type, data }).collect()
}

/// A run with its steps.
#[utoipa::path(get, path = "/api/runs/{id}", tag = "prepare", params(("id" = String, Path)),
    responses((status = 200, body = RunDetail), (status = 404, body = Problem)))]
async fn one(State(app): State<App>, Path(id): Path<RunId>) -> ApiResult<Json<RunDetail>> {
    Ok(Json(detail(&app, &id).await?))
}

/// What the steps printed, in order.
#[utoipa::path(get, path = "/api/runs/{id}/output", tag = "prepare", params(("id" = String, Path), OutputQuery),
    responses((status = 200, body = RunOutput), (status = 404, body = Problem)))]
async fn output(State(app): State<App>, Path(id): Path<RunId>, Query(query): Query<OutputQuery>) -> ApiResult<Json<RunOutput>> {
    app.ledger.run(&id).await?;
    Ok(Json(output_after(&app, &id, query.after.unwrap_or(-1)).await?))
}

/// Server-sent events: `run` with the run and its steps whenever they change, `output` with each chunk.
/// Ends once the run has ended and everything was sent.
#[utoipa::path(get, path = "/api/runs/{id}/stream", tag = "prepare", params(("id" = String, Path), OutputQuery),
    responses((status = 200, body = RunDetail, content_type = "text/event-stream"), (status = 404, body = Problem)))]
async fn stream(
    State(app): State<App>,
    Path(id): Path<RunId>,
    Query(query): Query<OutputQuery>,
) -> ApiResult<Sse<impl Stream<Item = Result<Event, Infallible>>>> {
    app.ledger.run(&id).await?;
    let follower = Follower { after: query.after.unwrap_or(-1), wake: app.ledger.watch_output(), app: app.clone(), id, told: None };
    let batches = futures::stream::unfold(follower, |follower| follower.next());
    let events = futures::StreamExt::flat_map(batches, |batch| futures::stream::iter(batch.into_iter().map(Ok)));
    Ok(Sse::new(crate::live::until_shutdown(events, app.shutdown)).keep_alive(KeepAlive::default()))
}

/// Approves the step that waits. The one who asked for the run cannot.
#[utoipa::path(post, path = "/api/runs/{id}/approve", tag = "prepare", params(("id" = String, Path)), request_body = Approve,
    responses((status = 200, body = Run), (status = 403, body = Problem), (status = 409, body = Problem)))]
async fn approve(State(app): State<App>, Path(id): Path<RunId>, Acting(actor): Acting, Body(body): Body<Approve>) -> ApiResult<Json<Run>> {
    Ok(Json(app.runs.approve(&id, &actor, Some(&body.digest)).await?))
}

/// Refuses the step that waits; the run is cancelled.
#[utoipa::path(post, path = "/api/runs/{id}/reject", tag = "prepare", params(("id" = String, Path)),
    responses((status = 200, body = Run), (status = 403, body = Problem), (status = 409, body = Problem)))]
async fn reject(State(app): State<App>, Path(id): Path<RunId>, Acting(actor): Acting) -> ApiResult<Json<Run>> {
    Ok(Json(app.runs.reject(&id, &actor, None).await?))
}

/// Cancels a run; what is under way is stopped.
#[utoipa::path(post, path = "/api/runs/{id}/cancel", tag = "prepare", params(("id" = String, Path)),
    responses((status = 200, body = Run), (status = 409, body = Problem)))]
async fn cancel(State(app): State<App>, Path(id): Path<RunId>, Acting(actor): Acting) -> ApiResult<Json<Run>> {
    Ok(Json(app.runs.cancel(&id, &actor).await?))
}

/// Goes on with an interrupted run.
#[utoipa::path(post, path = "/api/runs/{id}/resume", tag = "prepare", params(("id" = String, Path)), request_body = ResumeRun,
    responses((status = 200, body = Run), (status = 409, body = Problem)))]
async fn resume(State(app): State<App>, Path(id): Path<RunId>, Acting(actor): Acting, Body(body): Body<ResumeRun>) -> ApiResult<Json<Run>> {
    let how = match body.from {
        ResumeFrom::Repeat => Resume::Repeat,
        ResumeFrom::Skip => Resume::Skip,
    };
    Ok(Json(app.runs.resume(&id, &actor, how).await?))
}

async fn detail(app: &App, id: &RunId) -> ApiResult<RunDetail> {
    Ok(RunDetail { run: app.ledger.run(id).await?, steps: app.ledger.steps(id).await? })
}

async fn output_after(app: &App, id: &RunId, after: i64) -> ApiResult<RunOutput> {
    let chunks = app.ledger.output(id, after, OUTPUT_CHUNKS).await?;
    Ok(RunOutput { next: chunks.last().map_or(after, |chunk| chunk.sequence), chunks })
}

/// Turns the changes of a run into events, batch by batch.
struct Follower {
    app: App,
    id: RunId,
    after: i64,
    told: Option<RunDetail>,
    wake: tokio::sync::watch::Receiver<u64>,
}

impl Follower {
    async fn next(mut self) -> Option<(Vec<Event>, Self)> {
        loop {
            self.wake.mark_unchanged();
            let batch = self.batch().await.ok()?;
            if !batch.is_empty() {
                return Some((batch, self));
            }
            if self.told.as_ref().is_some_and(|told| told.run.status.is_final()) {
                return None;
            }
            self.wake.changed().await.ok()?;
        }
    }

    /// The run is read before its output, so that a run seen as ended has all its output behind it.
    async fn batch(&mut self) -> ApiResult<Vec<Event>> {
        let detail = detail(&self.app, &self.id).await?;
        let output = output_after(&self.app, &self.id, self.after).await?;
        self.after = output.next;
        let mut events: Vec<Event> = output.chunks.iter().map(|chunk| event("output", chunk)).collect();
        if !self.told.as_ref().is_some_and(|told| told.run == detail.run && told.steps == detail.steps) {
            events.push(event("run", &detail));
            self.told = Some(detail);
        }
        Ok(events)
    }
}

fn event(name: &str, data: &impl serde::Serialize) -> Event {
    Event::default().event(name).json_data(data).unwrap_or_default()
}
