//! Doubles of the lake: numbers of `orders` and `web`, and one gauge.

use std::ops::RangeInclusive;

use async_trait::async_trait;
use kernel::Timestamp;
use kernel::table::{Cell, Column, ColumnType, Table, TableSchema};
use telemetry::ports::{Matcher, Metadata, Sample, Series};
use telemetry::{Labels, MetricSource, SinkError, SourceError, SqlError, SqlSource};

#[derive(Debug, Default)]
pub struct Lake {
    pub broken: bool,
}

#[async_trait]
impl SqlSource for Lake {
    async fn sql(&self, query: &str, _limit: usize) -> Result<Table, SqlError> {
        if self.broken {
            return Err(SqlError::Invalid { message: "there is no table named spans".to_owned() });
        }
        if query.contains("date_bin") {
            return Ok(over_time(step_s(query)));
        }
        // The time before ends where the incident's begins.
        let before = query.contains("start_time < TIMESTAMP '2026-11-21T12:00:30Z'");
        let rows = match before {
            true => vec![figures("orders", 900, 0, 41.0), figures("web", 1800, 0, 55.2), figures("worker", 900, 0, 9.0)],
            false => vec![figures("orders", 1000, 230, 812.4), figures("web", 2000, 228, 903.0), figures("worker", 770, 0, 9.5)],
        };
        Ok(table(&[("service", ColumnType::Text), ("requests", ColumnType::Integer), ("failed", ColumnType::Integer), ("p95_ms", ColumnType::Float)], rows))
    }

    fn tables(&self) -> Vec<TableSchema> {
        Vec::new()
    }
}

fn figures(service: &str, requests: i64, failed: i64, p95_ms: f64) -> Vec<Cell> {
    vec![Cell::Text(service.to_owned()), Cell::Integer(requests), Cell::Integer(failed), Cell::Float(p95_ms)]
}

/// Of `date_bin(INTERVAL '33 seconds', …)`.
fn step_s(query: &str) -> i64 {
    let (_, interval) = query.split_once("INTERVAL '").unwrap();
    interval.split(' ').next().unwrap().parse().unwrap()
}

/// Forty-five minutes, with failures from the twelfth to the fortieth.
fn over_time(step_s: i64) -> Table {
    let start: Timestamp = "2026-11-21T11:50:00Z".parse().unwrap();
    let row = |service: &str, n: i64| {
        let step = Cell::Timestamp(start + std::time::Duration::from_secs((step_s * n) as u64));
        let failed = if (12 * 60..40 * 60).contains(&(n * step_s)) { 5 + n % 3 } else { 0 };
        vec![Cell::Text(service.to_owned()), step, Cell::Integer(33), Cell::Integer(failed), Cell::Float(40.0 + 20.0 * failed as f64)]
    };
    let rows = ["orders", "web"].into_iter().flat_map(|service| (0..45 * 60 / step_s).map(move |n| row(service, n))).collect();
    let columns = [
        ("service", ColumnType::Text),
        ("step", ColumnType::Timestamp),
        ("requests", ColumnType::Integer),
        ("failed", ColumnType::Integer),
        ("p95_ms", ColumnType::Float),
    ];
    table(&columns, rows)
}

fn table(columns: &[(&str, ColumnType)], rows: Vec<Vec<Cell>>) -> Table {
    let columns = columns.iter().map(|(name, kind)| Column { name: (*name).to_owned(), kind: *kind }).collect();
    Table { columns, rows, truncated: false }
}

#[async_trait]
impl MetricSource for Lake {
    async fn select(&self, _: &[Matcher], window_ms: RangeInclusive<i64>) -> Result<Vec<Series>, SourceError> {
        let labels = Labels::from_pairs([("__name__", "up"), ("job", "orders")]);
        let samples = window_ms.step_by(15_000).map(|time_ms| Sample { time_ms, value: 1.0 }).collect();
        Ok(vec![Series { labels, samples }])
    }

    async fn series(&self, _: &[Vec<Matcher>], _: RangeInclusive<i64>) -> Result<Vec<Labels>, SourceError> {
        Ok(Vec::new())
    }

    async fn label_names(&self, _: &[Vec<Matcher>], _: RangeInclusive<i64>) -> Result<Vec<String>, SourceError> {
        Ok(Vec::new())
    }

    async fn label_values(&self, _: &str, _: &[Vec<Matcher>], _: RangeInclusive<i64>) -> Result<Vec<String>, SourceError> {
        Ok(Vec::new())
    }

    async fn metadata(&self) -> Result<Vec<Metadata>, SourceError> {
        Ok(Vec::new())
    }

    async fn append(&self, _: Vec<Series>) -> Result<(), SinkError> {
        Ok(())
    }
}
