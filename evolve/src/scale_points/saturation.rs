//! Which component saturated first: one that got slow or failed while nothing that it calls did.

use kernel::Timestamp;
use serde::Serialize;
use telemetry::sql::timestamp;
use telemetry::{SqlError, SqlSource};

/// A stretch of time; the end is not part of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Window {
    pub start: Timestamp,
    pub end: Timestamp,
}

/// What a service did in a stretch of time.
#[derive(Debug, Clone, PartialEq)]
pub struct Work {
    pub service: String,
    pub error_ratio: f64,
    pub p95_ms: f64,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Saturated {
    pub service: String,
    pub reason: String,
}

/// A service is saturated if its latency grew by this factor …
const SLOWER: f64 = 2.0;
/// … and by this much, since twice very little is very little, …
const SLOWER_MS: f64 = 5.0;
/// … or if this much more of its work failed.
const MORE_ERRORS: f64 = 0.01;
const SERVICES_MAX: usize = 1_000;

/// Compares what the services did while all held with what they did when it broke. None if the traces tell nothing.
pub async fn find(sql: &dyn SqlSource, calm: Window, broken: Window) -> Result<Option<Saturated>, SqlError> {
    let (before, after) = (work(sql, calm).await?, work(sql, broken).await?);
    if before.is_empty() || after.is_empty() {
        return Ok(None);
    }
    Ok(first(&before, &after, &calls(sql, broken).await?))
}

/// `calls` are pairs of caller and callee.
pub fn first(before: &[Work], after: &[Work], calls: &[(String, String)]) -> Option<Saturated> {
    let compared = after.iter().filter_map(|now| Some((before.iter().find(|then| then.service == now.service)?, now)));
    let saturated: Vec<(&Work, &Work)> = compared.filter(|(then, now)| is_saturated(then, now)).collect();
    let suffers = |service: &str| saturated.iter().any(|(_, now)| now.service == service);
    let own = saturated.iter().filter(|(_, now)| !calls.iter().any(|(caller, callee)| *caller == now.service && suffers(callee)));
    let worst = own.max_by(|a, b| growth(a).total_cmp(&growth(b)))?;
    let (then, now) = worst;
    let reason = format!(
        "p95 {:.0} → {:.0} ms, failed {:.1} → {:.1} %, and nothing that it calls got worse",
        then.p95_ms,
        now.p95_ms,
        then.error_ratio * 100.0,
        now.error_ratio * 100.0
    );
    Some(Saturated { service: now.service.clone(), reason })
}

fn is_saturated(then: &Work, now: &Work) -> bool {
    let slower = now.p95_ms > then.p95_ms * SLOWER && now.p95_ms - then.p95_ms > SLOWER_MS;
    slower || now.error_ratio - then.error_ratio > MORE_ERRORS
}

fn growth((then, now): &(&Work, &Work)) -> f64 {
    now.p95_ms / then.p95_ms.max(0.001) + (now.error_ratio - then.error_ratio) * 100.0
}

async fn work(sql: &dyn SqlSource, window: Window) -> Result<Vec<Work>, SqlError> {
    let query = format!(
        "SELECT service, avg(CASE WHEN status = 'error' THEN 1.0 ELSE 0.0 END) AS error_ratio, \
         approx_percentile_cont(0.95) WITHIN GROUP (ORDER BY duration_ns) / 1e6 AS p95_ms \
         FROM spans WHERE kind IN ('server', 'consumer') AND {} GROUP BY service",
        within("start_time", window)
    );
    let table = sql.sql(&query, SERVICES_MAX).await?;
    let one = |record: kernel::table::Record<'_>| {
        Some(Work { service: record.text("service")?.to_owned(), error_ratio: record.number("error_ratio")?, p95_ms: record.number("p95_ms")? })
    };
    Ok(table.records().filter_map(one).collect())
}

async fn calls(sql: &dyn SqlSource, window: Window) -> Result<Vec<(String, String)>, SqlError> {
    let query = format!(
        "SELECT DISTINCT caller.service AS caller, callee.service AS callee FROM spans callee \
         JOIN spans caller ON callee.trace_id = caller.trace_id AND callee.parent_span_id = caller.span_id \
         WHERE caller.service <> callee.service AND {} AND {}",
        within("callee.start_time", window),
        within("caller.start_time", window)
    );
    let table = sql.sql(&query, SERVICES_MAX).await?;
    let one = |record: kernel::table::Record<'_>| Some((record.text("caller")?.to_owned(), record.text("callee")?.to_owned()));
    Ok(table.records().filter_map(one).collect())
}

fn within(column: &str, window: Window) -> String {
    format!("{column} >= {} AND {column} < {}", timestamp(window.start), timestamp(window.end))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn work(service: &str, error_ratio: f64, p95_ms: f64) -> Work {
        Work { service: service.to_owned(), error_ratio, p95_ms }
    }

    fn calls(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
    }

    #[test]
    fn whoever_waits_for_a_saturated_service_is_not_the_first() {
        let before = [work("web", 0.0, 20.0), work("orders", 0.0, 15.0), work("stock", 0.0, 2.0)];
        let after = [work("web", 0.2, 900.0), work("orders", 0.0, 800.0), work("stock", 0.0, 2.5)];
        let found = first(&before, &after, &calls(&[("web", "orders"), ("orders", "stock")])).unwrap();
        assert_eq!(found.service, "orders");
        assert!(found.reason.starts_with("p95 15 → 800 ms"), "{}", found.reason);
    }

    #[test]
    fn failing_counts_as_much_as_being_slow() {
        let before = [work("web", 0.0, 20.0), work("orders", 0.0, 15.0)];
        let after = [work("web", 0.5, 20.0), work("orders", 0.5, 3.0)];
        assert_eq!(first(&before, &after, &calls(&[("web", "orders")])).unwrap().service, "orders");
    }

    #[test]
    fn nothing_is_said_where_nothing_changed() {
        let same = [work("web", 0.0, 2.0)];
        assert_eq!(first(&same, &[work("web", 0.0, 5.0)], &[]), None);
    }
}
