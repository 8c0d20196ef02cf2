//! What users had of it, in numbers from the lake: served requests and their failures, by service.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use kernel::Timestamp;
use kernel::table::{Record, Table};
use telemetry::sql::timestamp;
use telemetry::{SqlError, SqlSource};

use super::chart::{Chart, Line};

/// Spans that are requests served, as opposed to parts of serving one.
const SERVED: &str = "kind IN ('server', 'consumer')";
const FIGURES: &str = "count(*) AS requests, sum(CASE WHEN status = 'error' THEN 1 ELSE 0 END) AS failed, \
    approx_percentile_cont(0.95) WITHIN GROUP (ORDER BY duration_ns) / 1e6 AS p95_ms";
/// The time before, with which is compared, is at least this long.
const COMPARED_AT_LEAST: Duration = Duration::from_secs(10 * 60);
const MAX_ROWS: usize = 10_000;
const CHART_POINTS: f64 = 90.0;

/// A stretch of time; the end is not part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    pub start: Timestamp,
    pub end: Timestamp,
}

impl Window {
    pub fn length(&self) -> Duration {
        Duration::try_from(self.end.duration_since(self.start)).unwrap_or_default()
    }

    /// The stretch right before this one.
    fn before(&self) -> Self {
        Self { start: earlier(self.start, self.length().max(COMPARED_AT_LEAST)), end: self.start }
    }

    /// With some time on both sides, but not beyond `now`.
    pub fn with_surroundings(&self, now: Timestamp) -> Self {
        let margin = (self.length() / 2).clamp(Duration::from_secs(2 * 60), Duration::from_secs(3600));
        let end = self.end.checked_add(margin).unwrap_or(self.end);
        Self { start: earlier(self.start, margin), end: end.min(now.max(self.end)) }
    }

    fn condition(&self) -> String {
        format!("start_time >= {} AND start_time < {}", timestamp(self.start), timestamp(self.end))
    }
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Impact {
    pub services: Vec<ServiceImpact>,
    /// The query behind the numbers, to open again.
    pub query: String,
    /// Why there are no numbers.
    pub error: Option<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct ServiceImpact {
    pub service: String,
    pub requests: i64,
    pub failed: i64,
    pub p95_ms: Option<f64>,
    pub p95_ms_before: Option<f64>,
}

impl ServiceImpact {
    pub fn error_ratio(&self) -> f64 {
        if self.requests == 0 { 0.0 } else { self.failed as f64 / self.requests as f64 }
    }
}

/// The services of the incident's components, and every other one that failed requests meanwhile.
pub async fn measure(sql: &dyn SqlSource, window: Window, services: &BTreeSet<String>) -> Impact {
    let query = figures(window);
    match both(sql, &query, window).await {
        Ok((during, before)) => {
            let before: BTreeMap<&str, f64> =
                before.records().filter_map(|record| Some((record.text("service")?, record.number("p95_ms")?))).collect();
            let all = during.records().filter_map(|record| service_impact(record, &before));
            let services = all.filter(|figures| figures.failed > 0 || services.contains(&figures.service)).collect();
            Impact { services, query, error: None }
        }
        Err(error) => Impact { services: Vec::new(), query, error: Some(error.to_string()) },
    }
}

/// Requests, failures and the 95th percentile over time. Empty if the lake has nothing to show.
pub async fn charts(sql: &dyn SqlSource, window: Window, services: &BTreeSet<String>) -> Result<Vec<Chart>, SqlError> {
    if services.is_empty() {
        return Ok(Vec::new());
    }
    let step_s = (window.length().as_secs_f64() / CHART_POINTS).ceil().max(1.0);
    let names: Vec<String> = services.iter().map(|service| telemetry::sql::text(service)).collect();
    let query = format!(
        "SELECT service, date_bin(INTERVAL '{step_s} seconds', start_time) AS step, {FIGURES}\nFROM spans\nWHERE {SERVED} AND service IN ({})\n  AND {}\nGROUP BY 1, 2 ORDER BY 1, 2",
        names.join(", "),
        window.condition()
    );
    let table = sql.sql(&query, MAX_ROWS).await?;
    let chart = |name: &str, title: &str, unit: &str, lines: Vec<Line>| Chart {
        name: name.to_owned(),
        title: title.to_owned(),
        unit: unit.to_owned(),
        start_s: seconds(window.start),
        end_s: seconds(window.end),
        step_s,
        lines,
        marks: Vec::new(),
        query: query.clone(),
    };
    let rates = |column: &str| with_zeros(lines(&table, &|record| Some(record.number(column)? / step_s)), step_s);
    let charts = [
        chart("failures", "Failed requests by service", "per second", rates("failed")),
        chart("requests", "Requests by service", "per second", rates("requests")),
        chart("latency", "95th percentile of duration by service", "ms", lines(&table, &|record| record.number("p95_ms"))),
    ];
    Ok(charts.into_iter().filter(|chart| !chart.lines.is_empty()).collect())
}

fn figures(window: Window) -> String {
    format!("SELECT service, {FIGURES}\nFROM spans\nWHERE {SERVED}\n  AND {}\nGROUP BY service ORDER BY service", window.condition())
}

async fn both(sql: &dyn SqlSource, query: &str, window: Window) -> Result<(Table, Table), SqlError> {
    Ok((sql.sql(query, MAX_ROWS).await?, sql.sql(&figures(window.before()), MAX_ROWS).await?))
}

fn service_impact(record: Record<'_>, before: &BTreeMap<&str, f64>) -> Option<ServiceImpact> {
    let service = record.text("service")?.to_owned();
    Some(ServiceImpact {
        requests: record.integer("requests")?,
        failed: record.integer("failed").unwrap_or_default(),
        p95_ms: record.number("p95_ms"),
        p95_ms_before: before.get(service.as_str()).copied(),
        service,
    })
}

fn lines(table: &Table, value: &dyn Fn(Record<'_>) -> Option<f64>) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    for record in table.records() {
        let (Some(service), Some(step), Some(value)) = (record.text("service"), record.timestamp("step"), value(record)) else { continue };
        if lines.last().is_none_or(|line| line.name != service) {
            lines.push(Line { name: service.to_owned(), points: Vec::new() });
        }
        if let Some(line) = lines.last_mut() {
            line.points.push((seconds(step), value));
        }
    }
    lines
}

/// A step without a row had no requests, which is a rate of zero and not a gap.
fn with_zeros(mut lines: Vec<Line>, step_s: f64) -> Vec<Line> {
    for line in &mut lines {
        let mut points: Vec<(f64, f64)> = Vec::with_capacity(line.points.len());
        for point in line.points.drain(..) {
            while let Some((last, _)) = points.last().copied().filter(|(last, _)| point.0 - last > step_s * 1.5) {
                points.push((last + step_s, 0.0));
            }
            points.push(point);
        }
        line.points = points;
    }
    lines
}

pub fn seconds(instant: Timestamp) -> f64 {
    instant.as_millisecond() as f64 / 1e3
}

fn earlier(instant: Timestamp, by: Duration) -> Timestamp {
    instant.checked_sub(by).unwrap_or(instant)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_without_requests_is_a_rate_of_zero() {
        let line = Line { name: "orders".to_owned(), points: vec![(0.0, 2.0), (5.0, 1.0), (20.0, 3.0)] };
        assert_eq!(with_zeros(vec![line], 5.0)[0].points, [(0.0, 2.0), (5.0, 1.0), (10.0, 0.0), (15.0, 0.0), (20.0, 3.0)]);
    }
}
