//! Searching traces, and one trace whole.

use axum::Json;
use axum::extract::State;
use kernel::table::Record;
use telemetry::sql;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use wire::error::Problem;
use wire::explore::{Trace, TraceQuery, TraceSpan, TraceSummary};

use super::Span;
use crate::error::{ApiError, ApiResult};
use crate::extract::{Path, Query};
use crate::state::App;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(search)).routes(routes!(trace))
}

const TRACES_DEFAULT: u32 = 50;
const TRACES_MAX: u32 = 1_000;
/// More spans than this and a trace is cut; no person reads them.
const SPANS_MAX: usize = 20_000;

/// Traces of a window, newest first.
#[utoipa::path(get, path = "/api/traces", tag = "explore", params(TraceQuery),
    responses((status = 200, body = Vec<TraceSummary>), (status = 400, body = Problem)))]
async fn search(State(app): State<App>, Query(query): Query<TraceQuery>) -> ApiResult<Json<Vec<TraceSummary>>> {
    let limit = query.limit.unwrap_or(TRACES_DEFAULT).clamp(1, TRACES_MAX) as usize;
    let window = Span::of(query.start, query.end, &app.clock)?.condition("start_time");
    let found = app.sql.sql(&found_sql(&window, &query), limit).await?;
    let ids: Vec<String> = found.records().filter_map(|record| record.text("trace_id").map(sql::text)).collect();
    if ids.is_empty() {
        return Ok(Json(Vec::new()));
    }
    let table = app.sql.sql(&summaries_sql(&window, &ids), limit).await?;
    Ok(Json(table.records().filter_map(summary).collect()))
}

/// All spans of a trace, in order of start.
#[utoipa::path(get, path = "/api/traces/{id}", tag = "explore",
    params(("id" = String, Path, description = "32 hexadecimal digits")),
    responses((status = 200, body = Trace), (status = 404, body = Problem)))]
async fn trace(State(app): State<App>, Path(id): Path<String>) -> ApiResult<Json<Trace>> {
    let id = id.to_lowercase();
    if id.len() != 32 || !id.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(ApiError::invalid(format!("{id:?} is not a trace id of 32 hexadecimal digits")));
    }
    let query = format!(
        "SELECT span_id, parent_span_id, service, name, kind, status, status_message, start_time, duration_ns, \
         attributes, resource, events, links FROM spans WHERE trace_id = {} ORDER BY start_time",
        sql::text(&id)
    );
    let spans: Vec<TraceSpan> = app.sql.sql(&query, SPANS_MAX).await?.records().filter_map(span).collect();
    if spans.is_empty() {
        return Err(ApiError::not_found(format!("trace {id}")));
    }
    Ok(Json(Trace { trace_id: id, spans }))
}

/// The newest traces that match. Asks for no more than it takes to find them, since it reads the whole window.
fn found_sql(window: &str, query: &TraceQuery) -> String {
    let mut having = Vec::new();
    if let Some(service) = &query.service {
        having.push(format!("bool_or(service = {})", sql::text(service)));
    }
    if let Some(operation) = &query.operation {
        having.push(format!("bool_or(name = {})", sql::text(operation)));
    }
    if query.errors {
        having.push("bool_or(status = 'error')".to_owned());
    }
    if let Some(ms) = query.min_duration_ms {
        having.push(format!("max(duration_ns) >= {}", (ms * 1e6) as i64));
    }
    if let Some(ms) = query.max_duration_ms {
        having.push(format!("max(duration_ns) <= {}", (ms * 1e6) as i64));
    }
    let having = if having.is_empty() { String::new() } else { format!("HAVING {}", having.join(" AND ")) };
    format!("SELECT trace_id FROM spans WHERE {window} GROUP BY trace_id {having} ORDER BY min(start_time) DESC")
}

/// Groups spans to traces; the root is the span without a parent, else the earliest.
fn summaries_sql(window: &str, ids: &[String]) -> String {
    const ROOT_FIRST: &str = "ORDER BY CASE WHEN parent_span_id IS NULL THEN 0 ELSE 1 END, start_time";
    format!(
        "SELECT trace_id, min(start_time) AS start_time, max(duration_ns) AS duration_ns, count(*) AS spans, \
         sum(CASE WHEN status = 'error' THEN 1 ELSE 0 END) AS errors, \
         first_value(service {ROOT_FIRST}) AS root_service, first_value(name {ROOT_FIRST}) AS root_name, \
         array_to_string(array_sort(array_agg(DISTINCT service)), ',') AS services \
         FROM spans WHERE {window} AND trace_id IN ({}) GROUP BY trace_id ORDER BY start_time DESC",
        ids.join(", ")
    )
}

fn summary(record: Record<'_>) -> Option<TraceSummary> {
    let count = |name| record.integer(name).unwrap_or_default().unsigned_abs();
    Some(TraceSummary {
        trace_id: record.text("trace_id")?.to_owned(),
        start_time: record.timestamp("start_time")?,
        duration_ms: record.number("duration_ns")? / 1e6,
        root_service: record.text("root_service").unwrap_or_default().to_owned(),
        root_name: record.text("root_name").unwrap_or_default().to_owned(),
        spans: count("spans"),
        errors: count("errors"),
        services: record.text("services").unwrap_or_default().split(',').map(str::to_owned).collect(),
    })
}

fn span(record: Record<'_>) -> Option<TraceSpan> {
    let text = |name| record.text(name).filter(|text| !text.is_empty()).map(str::to_owned);
    Some(TraceSpan {
        span_id: text("span_id")?,
        parent_span_id: text("parent_span_id"),
        service: text("service").unwrap_or_default(),
        name: text("name").unwrap_or_default(),
        kind: text("kind").unwrap_or_default(),
        status: text("status").unwrap_or_default(),
        status_message: text("status_message"),
        start_time: record.timestamp("start_time")?,
        duration_ms: record.number("duration_ns")? / 1e6,
        attributes: record.json("attributes").unwrap_or_default(),
        resource: record.json("resource").unwrap_or_default(),
        events: record.json("events").map(readable_times).unwrap_or_default(),
        links: record.json("links").unwrap_or_default(),
    })
}

/// The lake keeps an event's time in nanoseconds since the epoch, more than a number of JSON's readers can
/// hold; here it is RFC 3339 like every other time.
fn readable_times(mut events: serde_json::Value) -> serde_json::Value {
    for event in events.as_array_mut().into_iter().flatten() {
        let time = event["time"].as_i64().and_then(|ns| kernel::Timestamp::from_nanosecond(ns.into()).ok());
        if let Some(time) = time {
            event["time"] = time.to_string().into();
        }
    }
    events
}
