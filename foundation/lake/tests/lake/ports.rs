//! Each port, on each store, from memory and from files.

use std::sync::Arc;

use lake::{Lake, Store};
use telemetry::labels::METRIC_NAME;
use telemetry::ports::{MatchOp, Matcher, Sample, Series};
use telemetry::{Labels, LogTail, MetricSource};
use tempfile::TempDir;

use crate::support::*;

/// Runs a test on each store, once with everything in memory, once with everything in files.
async fn on_each_store<F: Future<Output = ()>>(fill: impl AsyncFn(&Lake), check: impl Fn(Lake) -> F) {
    for flushed in [false, true] {
        let folder = TempDir::new().unwrap();
        for store in [Store::memory(), Store::folder(&folder.path().join("lake")).unwrap()] {
            let data = TempDir::new().unwrap();
            let lake = open_on(data.path(), store).await;
            fill(&lake).await;
            if flushed {
                lake.flush().await.unwrap();
                assert_eq!(lake.status().logs.head_records, 0);
            }
            check(lake).await;
        }
    }
}

#[tokio::test]
async fn logs_are_found_by_time_service_and_attribute() {
    let fill = async |lake: &Lake| {
        write_log(lake, log("orders", 0, "payment failed")).await;
        write_log(lake, log("web", 1_000, "hello")).await;
    };
    on_each_store(fill, async |lake| {
        let query = "SELECT time, service, severity, body, attributes->>'http.route', resource->>'service.name', trace_id, span_id FROM logs ORDER BY time";
        let trace = "07".repeat(16);
        let expected = [
            format!("\"2026-03-01T12:00:00Z\"|orders|ERROR|payment failed|/orders/{{id}}|orders|{trace}|{}", "09".repeat(8)),
            format!("\"2026-03-01T12:00:01Z\"|web|INFO|hello|/orders/{{id}}|web|{trace}|{}", "09".repeat(8)),
        ];
        assert_eq!(lines(&lake, query).await, expected);
        assert_eq!(lines(&lake, "SELECT body FROM logs WHERE service = 'web'").await, ["hello"]);
        assert_eq!(lines(&lake, "SELECT body FROM logs WHERE time > '2026-03-01T12:00:00Z'").await, ["hello"]);
        assert_eq!(lines(&lake, "SELECT body FROM logs WHERE time < TIMESTAMP '2026-03-01T12:00:00.5Z' AND severity = 'ERROR'").await, ["payment failed"]);
        assert_eq!(lines(&lake, &format!("SELECT count(*) FROM logs WHERE trace_id = '{trace}'")).await, ["2"]);
        assert_eq!(lines(&lake, "SELECT count(*) FROM logs WHERE trace_id = 'absent'").await, ["0"]);
    })
    .await;
}

#[tokio::test]
async fn spans_are_found_with_their_promoted_attributes() {
    let fill = async |lake: &Lake| {
        write_span(lake, span("orders", 0, 1, true)).await;
        write_span(lake, span("orders", 5, 2, false)).await;
    };
    on_each_store(fill, async |lake| {
        let query = "SELECT service, name, kind, status, duration_ns, http_method, http_route, trace_id, parent_span_id, events FROM spans WHERE status = 'error'";
        let expected = format!("orders|GET /orders/{{id}}|server|error|1500000|GET|/orders/{{id}}|{}|null|[]", "02".repeat(16));
        assert_eq!(lines(&lake, query).await, [expected]);
    })
    .await;
}

#[tokio::test]
async fn metrics_are_found_by_matchers_and_by_sql() {
    let fill = async |lake: &Lake| {
        write_metrics(lake, gauge("orders", "queue.length", 0, &[1.0, 2.0, 3.0])).await;
        write_metrics(lake, gauge("web", "queue.length", 0, &[7.5])).await;
    };
    on_each_store(fill, async |lake| {
        let all = NOW_MS - 1..=NOW_MS + 60_000;
        let orders = [Matcher::equal(METRIC_NAME, "queue_length"), Matcher::equal("job", "orders")];
        let found = lake.select(&orders, all.clone()).await.unwrap();
        let samples = [1.0, 2.0, 3.0].iter().zip(0..).map(|(value, i)| Sample { time_ms: NOW_MS + i * 1_000, value: *value }).collect();
        assert_eq!(found, [Series { labels: Labels::from_pairs([(METRIC_NAME, "queue_length"), ("job", "orders")]), samples }]);

        let window = NOW_MS + 1_000..=NOW_MS + 1_000;
        assert_eq!(lake.select(&orders, window).await.unwrap()[0].samples, [Sample { time_ms: NOW_MS + 1_000, value: 2.0 }]);
        let any = Matcher { name: "job".to_owned(), op: MatchOp::Regex(regex::Regex::new("^(?:.+)$").unwrap()), value: ".+".to_owned() };
        assert_eq!(lake.select(std::slice::from_ref(&any), all.clone()).await.unwrap().len(), 2);
        assert_eq!(lake.series(&[], all.clone()).await.unwrap().len(), 2);
        assert_eq!(lake.label_names(&[], all.clone()).await.unwrap(), [METRIC_NAME, "job"]);
        assert_eq!(lake.label_values("job", &[vec![any]], all.clone()).await.unwrap(), ["orders", "web"]);
        assert_eq!(lake.series(&[], 0..=10).await.unwrap(), []);
        let metadata = lake.metadata().await.unwrap();
        assert_eq!((metadata[0].name.as_str(), metadata[0].kind.as_str(), metadata[0].help.as_str()), ("queue_length", "gauge", "For tests."));

        let query = "SELECT time, job, labels, value FROM metrics WHERE name = 'queue_length' AND time >= '2026-03-01T12:00:01Z' ORDER BY time";
        assert_eq!(lines(&lake, query).await, [r#""2026-03-01T12:00:01Z"|orders|{"job":"orders"}|2.0"#, r#""2026-03-01T12:00:02Z"|orders|{"job":"orders"}|3.0"#]);
        assert_eq!(lines(&lake, "SELECT count(*), max(value) FROM metrics").await, ["4|7.5"]);
    })
    .await;
}

#[tokio::test]
async fn recorded_series_are_kept_and_the_first_of_two_values_wins() {
    let folder = TempDir::new().unwrap();
    let lake = open(folder.path()).await;
    let labels = Labels::from_pairs([(METRIC_NAME, "job:errors:rate5m"), ("job", "orders")]);
    let series = |value| Series { labels: labels.clone(), samples: vec![Sample { time_ms: NOW_MS, value }] };
    lake.append(vec![series(1.0)]).await.unwrap();
    lake.append(vec![series(2.0)]).await.unwrap();
    lake.flush().await.unwrap();
    lake.append(vec![series(3.0)]).await.unwrap();
    let lake = reopen(lake, folder.path()).await;
    assert_eq!(lake.select(&[], NOW_MS..=NOW_MS).await.unwrap(), [series(1.0)]);
}

#[tokio::test]
async fn samples_out_of_the_lakes_time_are_rejected_and_the_rest_is_kept() {
    let folder = TempDir::new().unwrap();
    let lake = open(folder.path()).await;
    let accepted = write_metrics(&lake, gauge("orders", "a", -200 * 86_400_000, &[1.0])).await;
    assert_eq!(accepted.rejected, 1);
    assert!(accepted.reason.unwrap().contains("retention"));
    assert_eq!(write_metrics(&lake, gauge("orders", "a", -3_600_000, &[1.0])).await.rejected, 0);
    assert_eq!(lake.status().metrics.head_records, 1);
}

#[tokio::test]
async fn a_tail_hears_logs_as_they_arrive() {
    let folder = TempDir::new().unwrap();
    let lake = open(folder.path()).await;
    let mut tail = lake.tail();
    let request = log("orders", 0, "hello");
    write_log(&lake, request.clone()).await;
    assert_eq!(tail.recv().await.unwrap(), Arc::new(request));
}

#[tokio::test]
async fn a_second_process_is_refused() {
    let folder = TempDir::new().unwrap();
    let _lake = open(folder.path()).await;
    let second = Lake::open(lake::LakeSettings::below(folder.path()), Arc::new(clock()), vec![]).await;
    assert!(matches!(second.err(), Some(lake::LakeError::Locked { .. })));
}
