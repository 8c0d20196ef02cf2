//! What the spans tell of services: golden signals, who calls whom, names to choose from.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use kernel::table::Record;
use organize::catalog;
use telemetry::sql;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use wire::catalog::{GoldenSignals, ServiceEdge, ServiceMap, ServiceNode, Window};
use wire::error::Problem;
use wire::explore::ServiceNames;

use super::Span;
use crate::error::ApiResult;
use crate::extract::{Path, Query};
use crate::state::App;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(signals)).routes(routes!(map)).routes(routes!(names))
}

/// Spans that are requests served, as opposed to parts of serving one.
const SERVED: &str = "kind IN ('server', 'consumer')";
const STEPS: u32 = 90;

const FIGURES: &str = "count(*) AS requests, sum(CASE WHEN status = 'error' THEN 1 ELSE 0 END) AS errors, \
    approx_percentile_cont(0.5) WITHIN GROUP (ORDER BY duration_ns) / 1e6 AS p50_ms, \
    approx_percentile_cont(0.95) WITHIN GROUP (ORDER BY duration_ns) / 1e6 AS p95_ms, \
    approx_percentile_cont(0.99) WITHIN GROUP (ORDER BY duration_ns) / 1e6 AS p99_ms";

/// Rate, errors and duration of a service, from its server and consumer spans.
#[utoipa::path(get, path = "/api/services/{service}/signals", tag = "explore",
    params(("service" = String, Path, description = "The `service.name`"), Window),
    responses((status = 200, body = GoldenSignals), (status = 400, body = Problem)))]
async fn signals(State(app): State<App>, Path(service): Path<String>, Query(window): Query<Window>) -> ApiResult<Json<GoldenSignals>> {
    let span = Span::of(window.start, window.end, &app.clock)?;
    let steps = span.steps(STEPS);
    let query = format!(
        "SELECT {} AS step, {FIGURES} FROM spans WHERE service = {} AND {SERVED} AND {} GROUP BY 1",
        steps.bin("start_time"),
        sql::text(&service),
        span.condition("start_time")
    );
    let table = app.sql.sql(&query, 100_000).await?;
    let mut signals = GoldenSignals {
        service,
        step_s: steps.length_s as f64,
        time_s: steps.starts_s(),
        rate: vec![0.0; steps.count],
        errors: vec![0.0; steps.count],
        p50_ms: vec![None; steps.count],
        p95_ms: vec![None; steps.count],
        p99_ms: vec![None; steps.count],
    };
    for record in table.records() {
        let Some(i) = record.timestamp("step").and_then(|start| steps.index(start)) else { continue };
        signals.rate[i] = record.number("requests").unwrap_or_default() / signals.step_s;
        signals.errors[i] = record.number("errors").unwrap_or_default() / signals.step_s;
        signals.p50_ms[i] = record.number("p50_ms");
        signals.p95_ms[i] = record.number("p95_ms");
        signals.p99_ms[i] = record.number("p99_ms");
    }
    Ok(Json(signals))
}

/// Who calls whom, with rate, errors and latency.
#[utoipa::path(get, path = "/api/service-map", tag = "explore", params(Window),
    responses((status = 200, body = ServiceMap), (status = 400, body = Problem)))]
async fn map(State(app): State<App>, Query(window): Query<Window>) -> ApiResult<Json<ServiceMap>> {
    let span = Span::of(window.start, window.end, &app.clock)?;
    let figures = figures_by_service(&app, span).await?;
    let alarms = app.ledger.alarms().await?;
    let documents = app.documents.borrow().clone();
    let nodes = figures
        .into_iter()
        .map(|(service, figures)| {
            let component = documents.graph.component_of_service(&service);
            ServiceNode {
                component: component.map(|c| c.reference.clone()),
                impact: component.and_then(|c| c.impact),
                alarm_state: component.and_then(|c| catalog::alarm_state(&alarms, c)),
                service,
                rate: figures.rate,
                error_ratio: figures.error_ratio,
                p95_ms: figures.p95_ms,
            }
        })
        .collect();
    Ok(Json(ServiceMap { nodes, edges: edges(&app, span).await? }))
}

/// Services and the names of their spans in the last hour.
#[utoipa::path(get, path = "/api/service-names", tag = "explore", responses((status = 200, body = ServiceNames)))]
async fn names(State(app): State<App>) -> ApiResult<Json<ServiceNames>> {
    let span = Span::of(None, None, &app.clock)?;
    let query = format!(
        "SELECT DISTINCT service, name FROM spans WHERE {} UNION SELECT DISTINCT service, NULL FROM logs WHERE {}",
        span.condition("start_time"),
        span.condition("time")
    );
    let mut operations: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for record in app.sql.sql(&query, 10_000).await?.records() {
        let names = operations.entry(record.text("service").unwrap_or_default().to_owned()).or_default();
        names.extend(record.text("name").map(str::to_owned));
    }
    operations.values_mut().for_each(|names| names.sort());
    Ok(Json(ServiceNames { services: operations.keys().cloned().collect(), operations }))
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Figures {
    pub rate: f64,
    pub error_ratio: f64,
    pub p95_ms: f64,
}

impl Figures {
    fn of(record: Record<'_>, seconds: f64) -> Self {
        let requests = record.number("requests").unwrap_or_default();
        Self {
            rate: requests / seconds,
            error_ratio: record.number("errors").unwrap_or_default() / requests.max(1.0),
            p95_ms: record.number("p95_ms").unwrap_or_default(),
        }
    }
}

pub(crate) async fn figures_by_service(app: &App, span: Span) -> ApiResult<BTreeMap<String, Figures>> {
    let query = format!(
        "SELECT service, {FIGURES} FROM spans WHERE {SERVED} AND {} GROUP BY service",
        span.condition("start_time")
    );
    let table = app.sql.sql(&query, 10_000).await?;
    Ok(table.records().filter_map(|r| Some((r.text("service")?.to_owned(), Figures::of(r, span.seconds())))).collect())
}

/// An edge is a served span whose parent, in another service, called it or sent the message.
async fn edges(app: &App, span: Span) -> ApiResult<Vec<ServiceEdge>> {
    let query = format!(
        "SELECT parent.service AS caller, child.service AS callee, child.kind = 'consumer' AS asynchronous, \
         count(*) AS requests, sum(CASE WHEN child.status = 'error' THEN 1 ELSE 0 END) AS errors, \
         approx_percentile_cont(0.95) WITHIN GROUP (ORDER BY child.duration_ns) / 1e6 AS p95_ms \
         FROM spans child JOIN spans parent ON child.parent_span_id = parent.span_id AND child.trace_id = parent.trace_id \
         WHERE child.service <> parent.service AND {} AND {} GROUP BY 1, 2, 3",
        span.condition("child.start_time"),
        span.condition("parent.start_time")
    );
    let table = app.sql.sql(&query, 10_000).await?;
    let edge = |record: Record<'_>| {
        let figures = Figures::of(record, span.seconds());
        Some(ServiceEdge {
            from: record.text("caller")?.to_owned(),
            to: record.text("callee")?.to_owned(),
            rate: figures.rate,
            error_ratio: figures.error_ratio,
            p95_ms: figures.p95_ms,
            asynchronous: matches!(record.get("asynchronous"), Some(kernel::table::Cell::Boolean(true))),
        })
    };
    Ok(table.records().filter_map(edge).collect())
}
