//! Prometheus's HTTP API, so that Grafana and other clients can use Mainstay as a Prometheus source.
//!
//! Paths are relative to `/prometheus/api/v1`. Source: Prometheus documentation, "HTTP API".

mod answer;
mod params;
mod query;
mod rules;
mod series;
mod status;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use ::telemetry::MetricSource;
use ::telemetry::promql::Engine;
use axum::Router;
use axum::routing::get;
use operate::alarms::Rules;

use answer::Failure;

#[derive(Clone)]
struct Api {
    engine: Engine,
    source: Arc<dyn MetricSource>,
    rules: Rules,
}

/// To be nested at `/prometheus/api/v1`. Where clients may send a form, POST works like GET.
pub fn router(engine: Engine, source: Arc<dyn MetricSource>, rules: Rules) -> Router {
    Router::new()
        .route("/query", get(query::instant).post(query::instant))
        .route("/query_range", get(query::range).post(query::range))
        .route("/query_exemplars", get(query::exemplars).post(query::exemplars))
        .route("/format_query", get(query::format).post(query::format))
        .route("/series", get(series::series).post(series::series))
        .route("/labels", get(series::label_names).post(series::label_names))
        .route("/label/{name}/values", get(series::label_values))
        .route("/metadata", get(series::metadata))
        .route("/rules", get(rules::rules))
        .route("/alerts", get(rules::alerts))
        .route("/status/buildinfo", get(status::build))
        .fallback(async || Failure::NotFound("this part of Prometheus's API is not served here".to_owned()))
        .with_state(Api { engine, source, rules })
}
