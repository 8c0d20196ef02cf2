//! The background work.

use std::time::Duration;

use telemetry::{Export, ExportBody, MetricSource, SignalSink, SinkError};
use tempfile::TempDir;

use crate::support::*;

#[tokio::test]
async fn a_head_is_flushed_when_it_is_old() {
    let folder = TempDir::new().unwrap();
    let clock = clock();
    let lake = open_at(folder.path(), &clock).await;
    write_log(&lake, log("orders", 0, "line")).await;
    let pass = flushes(&lake).pass().await.unwrap();
    assert_eq!(lake.status().logs.files, 0);
    assert!(pass.next.is_some());
    clock.advance(Duration::from_secs(600));
    let pass = flushes(&lake).pass().await.unwrap();
    assert_eq!(pass.summary, "1 log records, 0 spans and 0 samples flushed");
    assert_eq!((lake.status().logs.files, lake.status().logs.head_records), (1, 0));
}

#[tokio::test]
async fn a_full_head_wakes_the_flush_and_refuses_writers_at_its_limit() {
    let folder = TempDir::new().unwrap();
    let mut settings = lake::LakeSettings::below(folder.path());
    settings.flush.head_bytes = 1;
    settings.flush.head_bytes_max = 1;
    // The machine's clock, because it goes on between two looks at it.
    let lake = lake::Lake::open(settings, std::sync::Arc::new(kernel::SystemClock), vec![]).await.unwrap();
    let (flush, wake) = lake.tasks().remove(0);
    write_log(&lake, log("orders", 0, "line")).await;
    assert!(wake.has_changed().unwrap());
    let refused = lake.write(Export::from_request(ExportBody::Logs(log("orders", 1, "line")))).await;
    assert!(matches!(refused, Err(SinkError::Busy { .. })));
    flush.pass().await.unwrap();
    write_log(&lake, log("orders", 2, "line")).await;
    assert_eq!(lines(&lake, "SELECT count(*) FROM logs").await, ["2"]);
}

#[tokio::test]
async fn small_files_become_one_that_says_the_same() {
    let folder = TempDir::new().unwrap();
    let lake = open(folder.path()).await;
    for number in 0..8 {
        write_log(&lake, log(if number % 2 == 0 { "web" } else { "orders" }, number, &format!("line {number}"))).await;
        write_span(&lake, span("orders", number, number as u8 + 1, true)).await;
        write_metrics(&lake, gauge("orders", "level", number * 1_000, &[number as f64])).await;
        lake.flush().await.unwrap();
    }
    let before = lake.select(&[], 0..=i64::MAX).await.unwrap();
    assert_eq!(lake.status().metrics.files, 8);
    compaction(&lake).pass().await.unwrap();
    let status = lake.status();
    assert_eq!((status.logs.files, status.spans.files, status.metrics.files), (1, 1, 1));
    assert_eq!(lake.select(&[], 0..=i64::MAX).await.unwrap(), before);
    let expected: Vec<_> = (0..8).map(|number| format!("line {number}")).collect();
    assert_eq!(lines(&lake, "SELECT body FROM logs ORDER BY time").await, expected);
    assert_eq!(lines(&lake, "SELECT count(DISTINCT trace_id) FROM spans").await, ["8"]);

    let lake = reopen(lake, folder.path()).await;
    assert_eq!(lines(&lake, "SELECT body FROM logs ORDER BY time").await, expected);
    let kept = std::fs::read_dir(folder.path().join("lake/logs/2026-03-01")).unwrap().count();
    assert_eq!(kept, 1, "replaced files are deleted");
}

#[tokio::test]
async fn files_past_their_retention_go_as_a_whole() {
    let folder = TempDir::new().unwrap();
    let clock = clock();
    let lake = open_at(folder.path(), &clock).await;
    write_log(&lake, log("orders", 0, "old")).await;
    lake.flush().await.unwrap();
    clock.advance(Duration::from_secs(40 * 86_400));
    write_log(&lake, log("orders", 40 * 86_400_000, "new")).await;
    lake.flush().await.unwrap();
    compaction(&lake).pass().await.unwrap();
    assert_eq!(lines(&lake, "SELECT body FROM logs").await, ["new"]);
    assert_eq!(lake.status().logs.files, 1);
}

#[tokio::test]
async fn a_sender_with_wild_clocks_makes_few_files() {
    let folder = TempDir::new().unwrap();
    let lake = open(folder.path()).await;
    for day in 0..40 {
        write_log(&lake, log("orders", -day * 86_400_000, "line")).await;
        write_metrics(&lake, gauge("orders", "level", -day * 86_400_000, &[1.0])).await;
    }
    lake.flush().await.unwrap();
    let status = lake.status();
    assert!(status.logs.files <= 8 && status.metrics.files <= 8, "{status:?}");
    assert_eq!(lines(&lake, "SELECT count(*) FROM logs").await, ["40"]);
    assert_eq!(lines(&lake, "SELECT count(*) FROM metrics").await, ["40"]);
}
