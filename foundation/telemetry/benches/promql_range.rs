//! Range queries over series in memory, without any store behind them.
//!
//! `cargo bench -p mainstay-telemetry --bench promql_range`: the median and the best of eleven runs.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use mainstay_telemetry::ports::{Matcher, Metadata, MetricSource, Sample, Series, SinkError, SourceError};
use mainstay_telemetry::promql::Engine;
use mainstay_telemetry::{Labels, memory::matches};

const SERIES: usize = 10_000;
const STEP_MS: i64 = 15_000;
const SAMPLES: i64 = 480;

/// Two hours of counters every 15 s; the range queries leave out the first five minutes.
const START_MS: i64 = 5 * 60_000;
const STEPS: i64 = 463;

const QUERIES: &[&str] = &[
    "sum by (job) (rate(requests_total[5m]))",
    "sum(requests_total)",
    "count(requests_total)",
    "avg_over_time(requests_total{shard=\"3\"}[1h])",
    "topk(5, rate(requests_total[5m]))",
    "sum by (job) (rate(requests_total[5m])) / on (job) group_left count by (job) (requests_total)",
    "max_over_time(sum(rate(requests_total[5m]))[10m:1m])",
    "requests_total{instance=\"7\"}",
];

#[tokio::main(flavor = "multi_thread", worker_threads = 1)]
async fn main() {
    // `cargo bench` says so; the tests ask only whether it still runs.
    let rounds = if std::env::args().any(|argument| argument == "--bench") { 11 } else { 1 };
    let engine = Engine::new(Arc::new(Ready(counters())));
    println!("| query | samples read | median ms | best ms |\n|---|---|---|---|");
    for query in QUERIES {
        let mut times = Vec::new();
        let mut read = 0;
        for _ in 0..rounds {
            let started = Instant::now();
            let answer = engine.range(query, START_MS, START_MS + (STEPS - 1) * STEP_MS, STEP_MS).await.expect("the query is valid");
            times.push(started.elapsed());
            read = answer.samples_read;
        }
        times.sort();
        let ms = |time: Duration| time.as_secs_f64() * 1e3;
        println!("| `{query}` | {read} | {:.1} | {:.1} |", ms(times[times.len() / 2]), ms(times[0]));
    }
}

fn counters() -> Vec<Series> {
    let counter = |i: usize| Series {
        labels: Labels::from_pairs([
            ("__name__", "requests_total".to_owned()),
            ("instance", i.to_string()),
            ("job", format!("job-{}", i % 20)),
            ("shard", (i % 10).to_string()),
        ]),
        samples: (0..SAMPLES).map(|n| Sample { time_ms: n * STEP_MS + (i as i64 % 15) * 1000, value: (n * (i as i64 % 7 + 1)) as f64 }).collect(),
    };
    (0..SERIES).map(counter).collect()
}

/// Copies what it has, as a store would decode it.
struct Ready(Vec<Series>);

#[async_trait]
impl MetricSource for Ready {
    async fn select(&self, matchers: &[Matcher], window_ms: RangeInclusive<i64>) -> Result<Vec<Series>, SourceError> {
        let cut = |series: &Series| {
            let from = series.samples.partition_point(|sample| sample.time_ms < *window_ms.start());
            let to = series.samples.partition_point(|sample| sample.time_ms <= *window_ms.end());
            Series { labels: series.labels.clone(), samples: series.samples[from..to].to_vec() }
        };
        Ok(self.0.iter().filter(|series| matches(matchers, &series.labels)).map(cut).collect())
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
