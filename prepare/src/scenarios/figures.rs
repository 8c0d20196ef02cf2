//! The figures of a load as series of the lake.

use kernel::Timestamp;
use scenario::load::Point;
use serde_json::Value;
use telemetry::Labels;
use telemetry::ports::{Sample, Series};

/// How a load stood at an instant.
#[derive(Debug, Clone, Copy)]
pub struct Figures {
    pub time_ms: i64,
    /// Since its start.
    pub requests: u64,
    pub errors: u64,
    /// Under way.
    pub vusers: u64,
    /// Of the last second, in milliseconds: p50, p95 and p99.
    pub latency_ms: [f64; 3],
}

/// One sample for each figure.
pub fn series(scenario: &str, environment: Option<&str>, figures: &Figures) -> Vec<Series> {
    let one = |name: &str, quantile: Option<&str>, value: f64| {
        let fixed = [("__name__", name), ("scenario", scenario), ("environment", environment.unwrap_or_default())];
        let labels = fixed.into_iter().chain(quantile.map(|quantile| ("quantile", quantile))).filter(|(_, value)| !value.is_empty());
        Series { labels: Labels::from_pairs(labels), samples: vec![Sample { time_ms: figures.time_ms, value }] }
    };
    let counts = [
        one("scenario_requests_total", None, figures.requests as f64),
        one("scenario_errors_total", None, figures.errors as f64),
        one("scenario_vusers", None, figures.vusers as f64),
    ];
    let latency = ["0.5", "0.95", "0.99"].into_iter().zip(figures.latency_ms);
    let latency = latency.map(|(quantile, ms)| one("scenario_latency_seconds", Some(quantile), ms / 1e3));
    counts.into_iter().chain(latency).collect()
}

/// The series of a load that was played elsewhere, from its report; none if it is a report of something else.
pub fn recorded_series(report: &Value, started_at: Timestamp) -> Vec<Series> {
    if report["report"] != "load" {
        return Vec::new();
    }
    let Some(name) = report["name"].as_str() else { return Vec::new() };
    let points = report["series"].as_array().map(Vec::as_slice).unwrap_or_default();
    let (mut requests, mut errors) = (0, 0);
    let mut all: Vec<Series> = Vec::new();
    for point in points.iter().filter_map(|point| serde_json::from_value::<Point>(point.clone()).ok()) {
        requests += point.requests;
        errors += point.errors;
        let time_ms = started_at.as_millisecond().saturating_add_unsigned((point.second + 1).saturating_mul(1000));
        let latency_ms = [point.p50_ms, point.p95_ms, point.p99_ms];
        let figures = Figures { time_ms, requests, errors, vusers: point.active, latency_ms };
        let now = series(name, report["environment"].as_str(), &figures);
        match all.is_empty() {
            true => all = now,
            false => all.iter_mut().zip(now).for_each(|(series, now)| series.samples.extend(now.samples)),
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_recorded_load_is_told_second_by_second() {
        let point = |second: u64, requests: u64| {
            json!({ "second": second, "arrivals": 1, "requests": requests, "responses": requests, "errors": 1, "active": 2,
                "p50_ms": 1.0, "p95_ms": 2.0, "p99_ms": 3.0, "max_ms": 4.0 })
        };
        let report = json!({ "report": "load", "name": "checkout", "series": [point(0, 5), point(1, 7)] });
        let series = recorded_series(&report, Timestamp::UNIX_EPOCH);
        let values: Vec<(i64, f64)> = series[0].samples.iter().map(|sample| (sample.time_ms, sample.value)).collect();
        assert_eq!(values, [(1000, 5.0), (2000, 12.0)]);
        assert_eq!(series.len(), 6);
        assert!(recorded_series(&json!({ "report": "test", "name": "checkout" }), Timestamp::UNIX_EPOCH).is_empty());
    }
}
