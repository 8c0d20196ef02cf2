//! `query`, `query_range`, and what goes with them.

use std::time::Instant;

use ::telemetry::promql;
use axum::extract::State;
use axum::response::Response;
use serde_json::json;

use super::Api;
use super::answer::{Failure, Success, result};
use super::params::{Params, now_ms};

/// `query`: an expression at one instant, now if no `time` is given.
pub async fn instant(State(api): State<Api>, params: Params) -> Result<Response, Failure> {
    let started = Instant::now();
    let time_ms = params.time_ms("time")?.unwrap_or_else(now_ms);
    let limit = params.limit("limit")?;
    let answer = api.engine.instant_with(params.required("query")?, time_ms, &params.options()?).await?;
    let stats = stats(&params, &answer, started);
    Ok(result(answer, limit, stats))
}

/// `query_range`: an expression at `start`, `start + step`, … up to `end`.
pub async fn range(State(api): State<Api>, params: Params) -> Result<Response, Failure> {
    let started = Instant::now();
    let missing = |name: &str| super::params::invalid(name, "it is missing");
    let start_ms = params.time_ms("start")?.ok_or_else(|| missing("start"))?;
    let end_ms = params.time_ms("end")?.ok_or_else(|| missing("end"))?;
    let step = params.duration("step")?.ok_or_else(|| missing("step"))?;
    let step_ms = i64::try_from(step.as_millis()).unwrap_or(i64::MAX);
    let limit = params.limit("limit")?;
    let answer = api.engine.range_with(params.required("query")?, start_ms, end_ms, step_ms, &params.options()?).await?;
    let stats = stats(&params, &answer, started);
    Ok(result(answer, limit, stats))
}

/// `query_exemplars`: none are stored, so the list is empty for every valid expression.
pub async fn exemplars(params: Params) -> Result<Success<[(); 0]>, Failure> {
    params.window_ms()?;
    promql::check(params.required("query")?)?;
    Ok(Success::of([]))
}

/// `format_query`: the expression laid out.
pub async fn format(params: Params) -> Result<Success<String>, Failure> {
    Ok(Success::of(promql::format(params.required("query")?)?))
}

/// What the query cost, for those who ask with `stats`.
fn stats(params: &Params, answer: &promql::Answer, started: Instant) -> Option<serde_json::Value> {
    params.get("stats").map(|_| {
        json!({
            "timings": { "execTotalTime": started.elapsed().as_secs_f64() },
            "samples": { "totalQueryableSamples": answer.samples_read },
        })
    })
}
