//! Searching log records.

use axum::Json;
use axum::extract::State;
use kernel::table::Record;
use telemetry::sql;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use wire::error::Problem;
use wire::explore::{LogHistogram, LogHistogramSeries, LogLine, LogQuery, Logs};

use super::Span;
use crate::error::{ApiError, ApiResult};
use crate::extract::Query;
use crate::state::App;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(search)).routes(routes!(histogram))
}

const LINES_DEFAULT: u32 = 200;
const LINES_MAX: u32 = 10_000;
const HISTOGRAM_STEPS: u32 = 60;

/// Log records of a window, newest first.
#[utoipa::path(get, path = "/api/logs", tag = "explore", params(LogQuery),
    responses((status = 200, body = Logs), (status = 400, body = Problem)))]
async fn search(State(app): State<App>, Query(query): Query<LogQuery>) -> ApiResult<Json<Logs>> {
    let limit = query.limit.unwrap_or(LINES_DEFAULT).clamp(1, LINES_MAX) as usize;
    let sql = format!(
        "SELECT time, service, severity, body, trace_id, span_id, attributes, resource FROM logs WHERE {} ORDER BY time DESC",
        condition(&app, &query)?
    );
    let table = app.sql.sql(&sql, limit).await?;
    Ok(Json(Logs { lines: table.records().filter_map(line).collect(), truncated: table.truncated }))
}

/// How many records of each severity fell into each step of a window.
#[utoipa::path(get, path = "/api/logs/histogram", tag = "explore", params(LogQuery),
    responses((status = 200, body = LogHistogram), (status = 400, body = Problem)))]
async fn histogram(State(app): State<App>, Query(query): Query<LogQuery>) -> ApiResult<Json<LogHistogram>> {
    let steps = Span::of(query.start, query.end, &app.clock)?.steps(HISTOGRAM_STEPS);
    let sql = format!(
        "SELECT {} AS step, severity, count(*) AS records FROM logs WHERE {} GROUP BY 1, 2",
        steps.bin("time"),
        condition(&app, &query)?
    );
    let table = app.sql.sql(&sql, 100_000).await?;
    let mut series: Vec<LogHistogramSeries> = Vec::new();
    for record in table.records() {
        let severity = record.text("severity").unwrap_or_default();
        let at = series.iter().position(|s| s.severity == severity).unwrap_or_else(|| {
            series.push(LogHistogramSeries { severity: severity.to_owned(), counts: vec![0; steps.count] });
            series.len() - 1
        });
        if let (Some(index), Some(records)) = (record.timestamp("step").and_then(|t| steps.index(t)), record.integer("records")) {
            series[at].counts[index] += records.unsigned_abs();
        }
    }
    series.sort_by_key(|s| severity_number(&s.severity));
    Ok(Json(LogHistogram { step_s: steps.length_s as f64, time_s: steps.starts_s(), series }))
}

fn condition(app: &App, query: &LogQuery) -> ApiResult<String> {
    let mut conditions = vec![Span::of(query.start, query.end, &app.clock)?.condition("time")];
    if let Some(service) = &query.service {
        conditions.push(format!("service = {}", sql::text(service)));
    }
    if let Some(severity) = &query.severity {
        conditions.push(format!("severity_number >= {}", least_severity_number(severity)?));
    }
    if let Some(text) = &query.contains {
        conditions.push(format!("strpos(lower(body), {}) > 0", sql::text(&text.to_lowercase())));
    }
    if let Some(trace) = &query.trace_id {
        conditions.push(format!("trace_id = {}", sql::text(&trace.to_lowercase())));
    }
    Ok(conditions.join(" AND "))
}

/// The lowest `SeverityNumber` of a range of the OpenTelemetry log data model.
pub(super) fn least_severity_number(name: &str) -> ApiResult<i32> {
    match severity_number(name) {
        0 => Err(ApiError::invalid(format!("{name:?} is not a severity; choose trace, debug, info, warn, error or fatal"))),
        number => Ok(number),
    }
}

pub(super) fn severity_number(name: &str) -> i32 {
    const RANGES: [(&str, i32); 6] = [("trace", 1), ("debug", 5), ("info", 9), ("warn", 13), ("error", 17), ("fatal", 21)];
    RANGES.iter().find(|(range, _)| name.to_lowercase().starts_with(range)).map_or(0, |(_, number)| *number)
}

fn line(record: Record<'_>) -> Option<LogLine> {
    let text = |name| record.text(name).filter(|text| !text.is_empty()).map(str::to_owned);
    Some(LogLine {
        time: record.timestamp("time")?,
        service: text("service").unwrap_or_default(),
        severity: text("severity").unwrap_or_default(),
        body: text("body").unwrap_or_default(),
        trace_id: text("trace_id"),
        span_id: text("span_id"),
        attributes: record.json("attributes").unwrap_or_default(),
        resource: record.json("resource").unwrap_or_default(),
    })
}
