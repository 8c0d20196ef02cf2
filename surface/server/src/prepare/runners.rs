//! `/api/runners`, and what runners tell of the shares that they play.

use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use kernel::RunId;
use operate::canaries::is_here;
use prepare::scenarios::received_spans;
use prepare::runners::{Caller, LEASE, OUTCOME_BYTES_MAX, Seen, Told, Work};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use wire::error::Problem;
use wire::runners::{AskForRounds, AskForWork, OfferedShare, PlayedShare, RoundsAnswer, RunnerSummary, ShareAnswer, TellShare, WorkAnswer};

use crate::error::{ApiError, ApiResult};
use crate::extract::{Json as Body, Path, Query};
use crate::state::App;

pub fn routes() -> OpenApiRouter<App> {
    let results = OpenApiRouter::new().routes(routes!(end)).layer(DefaultBodyLimit::max(OUTCOME_BYTES_MAX));
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(work)).routes(routes!(rounds)).routes(routes!(tell)).routes(routes!(spans)).merge(results)
}

/// Shorter than what proxies between the two give up after.
const WAIT_MAX: Duration = Duration::from_secs(30);
const SLOWEST_MAX: usize = 10;

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ShareQuery {
    runner: String,
    /// Of the lease.
    token: i64,
}

/// The runners that have called in the last ten minutes.
#[utoipa::path(get, path = "/api/runners", tag = "prepare", responses((status = 200, body = Vec<RunnerSummary>)))]
async fn list(State(app): State<App>) -> Json<Vec<RunnerSummary>> {
    let loaded = app.documents.borrow().clone();
    let summary = |seen: Seen| {
        let here = loaded.graph.canaries.values().filter(|canary| is_here(canary, &seen.location));
        RunnerSummary {
            canaries: here.map(|canary| canary.name.clone()).collect(),
            plays: seen.plays.map(|(run, share)| PlayedShare { run, share }),
            runner: seen.runner,
            location: seen.location,
            version: seen.version,
            since: seen.since,
            seen_at: seen.seen_at,
        }
    };
    Json(app.runners.list().into_iter().map(summary).collect())
}

/// A runner asks for a share of a load; the answer waits for one.
#[utoipa::path(post, path = "/api/runners/work", tag = "prepare", request_body = AskForWork,
    responses((status = 200, body = WorkAnswer), (status = 400, body = Problem)))]
async fn work(State(app): State<App>, Body(asked): Body<AskForWork>) -> ApiResult<Json<WorkAnswer>> {
    let caller = Caller { runner: asked.runner, location: asked.location, version: asked.version };
    let patience = Duration::from_millis(asked.wait_ms).min(WAIT_MAX);
    let work = tokio::select! {
        work = app.runners.work(&caller, patience) => work?,
        () = app.shutdown.cancelled() => None,
    };
    Ok(Json(WorkAnswer { now: app.clock.now(), share: work.map(offered) }))
}

/// A runner asks whether it makes the rounds of its location's canaries: of several that stand there, one does.
#[utoipa::path(post, path = "/api/runners/rounds", tag = "prepare", request_body = AskForRounds,
    responses((status = 200, body = RoundsAnswer), (status = 400, body = Problem)))]
async fn rounds(State(app): State<App>, Body(asked): Body<AskForRounds>) -> ApiResult<Json<RoundsAnswer>> {
    let caller = Caller { runner: asked.runner, location: asked.location, version: asked.version };
    Ok(Json(RoundsAnswer { yours: app.runners.rounds(&caller).await? }))
}

/// How a share goes. It is told at least every second: that keeps the lease.
#[utoipa::path(post, path = "/api/runs/{id}/shares/{share}", tag = "prepare", request_body = TellShare,
    params(("id" = String, Path), ("share" = u64, Path)),
    responses((status = 200, body = ShareAnswer), (status = 409, body = Problem)))]
async fn tell(State(app): State<App>, Path((run, share)): Path<(RunId, u64)>, Body(told): Body<TellShare>) -> ApiResult<Json<ShareAnswer>> {
    let unreadable = |error| ApiError::invalid(format!("what is told of the share cannot be read: {error}"));
    let snapshot = told.snapshot.map(serde_json::from_value).transpose().map_err(unreadable)?;
    let slowest = told.slowest.into_iter().take(SLOWEST_MAX).map(serde_json::from_value).collect::<Result<_, _>>().map_err(unreadable)?;
    let told = Told { runner: told.runner, token: told.token, ready: told.ready, snapshot, slowest };
    let heard = app.runners.tell(&run, share, told).await?;
    Ok(Json(ShareAnswer { now: app.clock.now(), start_at: heard.start_at, stop: heard.stop }))
}

/// The spans of a share's traced requests, as OTLP protobuf.
#[utoipa::path(post, path = "/api/runs/{id}/shares/{share}/spans", tag = "prepare",
    request_body(content = Vec<u8>, content_type = "application/x-protobuf"),
    params(("id" = String, Path), ("share" = u64, Path), ShareQuery),
    responses((status = 204), (status = 400, body = Problem), (status = 409, body = Problem)))]
async fn spans(
    State(app): State<App>,
    Path((run, share)): Path<(RunId, u64)>,
    Query(held): Query<ShareQuery>,
    body: Bytes,
) -> ApiResult<StatusCode> {
    app.runners.check(&run, share, &held.runner, held.token)?;
    let export = received_spans(body).map_err(|error| ApiError::invalid(format!("the spans cannot be read: {error}")))?;
    app.sink.write(export).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The end of a share: `{"played": …}` with all that was measured, `{"failed": "why"}`, or `{"refused": "why"}`.
#[utoipa::path(post, path = "/api/runs/{id}/shares/{share}/end", tag = "prepare", request_body = Object,
    params(("id" = String, Path), ("share" = u64, Path), ShareQuery),
    responses((status = 204), (status = 400, body = Problem), (status = 409, body = Problem), (status = 413, body = Problem)))]
async fn end(
    State(app): State<App>,
    Path((run, share)): Path<(RunId, u64)>,
    Query(held): Query<ShareQuery>,
    body: Bytes,
) -> ApiResult<StatusCode> {
    app.runners.end(&run, share, &held.runner, held.token, &body).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn offered(work: Work) -> OfferedShare {
    let offer = work.offer;
    OfferedShare {
        run: offer.run,
        share: work.share,
        of: offer.of,
        token: work.token,
        lease_ms: LEASE.as_millis() as u64,
        document: offer.document,
        digest: offer.digest,
        environment: offer.environment,
        target: offer.target,
        seed: offer.seed,
        test_id: offer.test_id,
        traced: offer.traced,
    }
}
