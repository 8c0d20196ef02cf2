//! `/api/game-days` and `/api/trainings`

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use documents::Graph;
use documents::game_day::{GameDay, Hypothesis};
use evolve::game_days::coverage::{Cell, Tried};
use evolve::game_days::modes::{self, Mode};
use kernel::{EntityRef, RunId};
use ledger::{GameDayOutcome, RunFilter, Training};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use wire::error::Problem;
use wire::game_days::{
    Coverage, CoverageCell, CoverageComponent, CoverageMode, CoverageTry, GameDayAppointment, GameDayDetail, GameDayExperiment,
    GameDayHypothesis, GameDayParticipant, GameDayPast, GameDaySummary, JudgeHypothesis,
};

use crate::error::{ApiError, ApiResult};
use crate::extract::{Acting, Json as Body, Path, Query};
use crate::prepare::runbooks::last_runs;
use crate::state::App;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(coverage))
        .routes(routes!(one))
        .routes(routes!(join))
        .routes(routes!(judge))
        .routes(routes!(trainings))
}

/// Game days, with the last run and the last result of each.
#[utoipa::path(get, path = "/api/game-days", tag = "evolve", responses((status = 200, body = Vec<GameDaySummary>)))]
async fn list(State(app): State<App>) -> ApiResult<Json<Vec<GameDaySummary>>> {
    let mut last = last_runs(&app).await?;
    let outcomes = app.game_days.outcomes(None).await?;
    let loaded = app.documents.borrow().clone();
    let of = |day: &GameDay| outcomes.iter().filter(|outcome| outcome.name == day.name).cloned().collect::<Vec<_>>();
    let summaries = loaded.graph.game_days.values().map(|day| GameDaySummary { last_run: last.remove(&day.name), ..summary(day, &of(day)) });
    Ok(Json(summaries.collect()))
}

/// A game day with its runs and what came of them.
#[utoipa::path(get, path = "/api/game-days/{name}", tag = "evolve", params(("name" = String, Path)),
    responses((status = 200, body = GameDayDetail), (status = 404, body = Problem)))]
async fn one(State(app): State<App>, Path(name): Path<String>) -> ApiResult<Json<GameDayDetail>> {
    let loaded = app.documents.borrow().clone();
    let day = loaded.graph.game_days.get(&name).ok_or_else(|| ApiError::not_found(format!("game day {name:?}")))?;
    let outcomes = app.game_days.outcomes(Some(&name)).await?;
    let runs = app.ledger.runs(&RunFilter { document: Some(name), limit: Some(50), ..Default::default() }).await?;
    Ok(Json(GameDayDetail {
        summary: GameDaySummary { last_run: runs.first().cloned(), ..summary(day, &outcomes) },
        description: day.description.clone(),
        hypotheses: day.hypotheses.iter().map(hypothesis).collect(),
        participants: day.participants.iter().map(|one| GameDayParticipant { user: one.user.clone(), role: one.role.clone() }).collect(),
        abort_when: day.abort_when.clone(),
        played: day.experiments.iter().filter_map(|name| experiment(&loaded.graph, name)).collect(),
        outcomes,
        runs,
    }))
}

/// For each component and each failure mode: when it was tried last, and how it ended.
#[utoipa::path(get, path = "/api/game-days/coverage", tag = "evolve", responses((status = 200, body = Coverage)))]
async fn coverage(State(app): State<App>) -> ApiResult<Json<Coverage>> {
    let loaded = app.documents.borrow().clone();
    let title = |reference: &EntityRef| loaded.graph.entity(reference).and_then(|entity| entity.title.clone()).unwrap_or_else(|| reference.name().to_owned());
    let cells: Vec<CoverageCell> = app.game_days.coverage().await?.into_iter().map(cell).collect();
    let mut components: Vec<CoverageComponent> =
        cells.iter().map(|cell| CoverageComponent { title: title(&cell.component), reference: cell.component.clone() }).collect();
    components.dedup_by(|a, b| a.reference == b.reference);
    let modes = Mode::ALL.map(|mode| CoverageMode { name: mode.name().to_owned(), title: mode.title().to_owned() });
    Ok(Json(Coverage { modes: modes.into(), components, cells }))
}

/// Says that the person takes part in this run of a game day.
#[utoipa::path(post, path = "/api/game-days/runs/{run}/join", tag = "evolve", params(("run" = String, Path)),
    responses((status = 204), (status = 400, body = Problem), (status = 404, body = Problem)))]
async fn join(State(app): State<App>, Path(run): Path<RunId>, Acting(actor): Acting) -> ApiResult<StatusCode> {
    app.game_days.join(&run, &actor).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Says what became of a hypothesis; a person's last word counts more than the experiments.
#[utoipa::path(post, path = "/api/game-days/runs/{run}/verdicts", tag = "evolve", params(("run" = String, Path)), request_body = JudgeHypothesis,
    responses((status = 204), (status = 400, body = Problem), (status = 404, body = Problem)))]
async fn judge(State(app): State<App>, Path(run): Path<RunId>, Acting(actor): Acting, Body(body): Body<JudgeHypothesis>) -> ApiResult<StatusCode> {
    app.game_days.judge(&run, body.hypothesis, body.verdict, &body.because, &actor).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct TrainingQuery {
    /// e.g. `user:default/jo`; all if absent.
    #[param(value_type = Option<String>)]
    user: Option<EntityRef>,
}

/// Who has practised which role when, newest first.
#[utoipa::path(get, path = "/api/trainings", tag = "evolve", params(TrainingQuery), responses((status = 200, body = Vec<Training>)))]
async fn trainings(State(app): State<App>, Query(query): Query<TrainingQuery>) -> ApiResult<Json<Vec<Training>>> {
    Ok(Json(app.game_days.trainings(query.user.as_ref()).await?))
}

/// `outcomes` are its own, newest first.
fn summary(day: &GameDay, outcomes: &[GameDayOutcome]) -> GameDaySummary {
    GameDaySummary {
        name: day.name.clone(),
        title: day.title.clone().unwrap_or_else(|| day.name.clone()),
        goal: day.goal.clone(),
        path: day.origin.path.clone(),
        components: day.components.clone(),
        experiments: day.experiments.clone(),
        severity: day.severity,
        schedule: day.schedule.map(|schedule| GameDayAppointment {
            start: schedule.start,
            duration_s: schedule.duration.as_secs_f64(),
            automatic: schedule.automatic,
        }),
        last_run: None,
        last_outcome: outcomes.first().cloned(),
        past: outcomes.iter().map(|outcome| GameDayPast { run: outcome.run.clone(), began_at: outcome.began_at, result: outcome.result }).collect(),
    }
}

fn hypothesis(hypothesis: &Hypothesis) -> GameDayHypothesis {
    let seconds = |limit: Option<Duration>| limit.map(|limit| limit.as_secs_f64());
    GameDayHypothesis {
        text: hypothesis.text.clone(),
        source: hypothesis.source.clone(),
        experiment: hypothesis.experiment.clone(),
        detect_within_s: seconds(hypothesis.detect_within),
        acknowledge_within_s: seconds(hypothesis.acknowledge_within),
        mitigate_within_s: seconds(hypothesis.mitigate_within),
    }
}

fn experiment(graph: &Graph, name: &str) -> Option<GameDayExperiment> {
    let experiment = graph.experiments.get(name)?;
    Some(GameDayExperiment {
        name: name.to_owned(),
        title: experiment.title.clone(),
        modes: modes::modes(experiment).into_iter().map(|mode| mode.name().to_owned()).collect(),
        production: experiment.safety.is_production(),
    })
}

fn cell(cell: Cell) -> CoverageCell {
    let tried = |last: Tried| CoverageTry { at: last.at, experiment: last.experiment, run: last.run, trial: last.trial };
    CoverageCell { component: cell.component, mode: cell.mode.name().to_owned(), experiments: cell.experiments, last: cell.last.map(tried) }
}
