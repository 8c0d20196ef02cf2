//! What was acknowledged is there after any end, once.

use std::fs;
use std::path::{Path, PathBuf};

use lake::Lake;
use proptest::prelude::*;
use telemetry::MetricSource;
use tempfile::TempDir;

use crate::support::*;

async fn counts(lake: &Lake) -> [String; 3] {
    let count = async |table: &str| lines(lake, &format!("SELECT count(*) FROM {table}")).await.remove(0);
    [count("logs").await, count("spans").await, count("metrics").await]
}

async fn write_one_of_each(lake: &Lake, number: u8) {
    write_log(lake, log("orders", i64::from(number), &format!("log {number}"))).await;
    write_span(lake, span("orders", i64::from(number), number, true)).await;
    write_metrics(lake, gauge("orders", "level", i64::from(number) * 1_000, &[f64::from(number)])).await;
}

#[tokio::test]
async fn without_a_close_everything_comes_back_once() {
    let folder = TempDir::new().unwrap();
    let mut lake = open(folder.path()).await;
    for number in 1..=6 {
        write_one_of_each(&lake, number).await;
        if number % 3 == 0 {
            lake.flush().await.unwrap();
        }
        lake = reopen(lake, folder.path()).await;
        let n = number.to_string();
        assert_eq!(counts(&lake).await, [n.clone(), n.clone(), n]);
    }
    let metadata = lake.metadata().await.unwrap();
    assert_eq!(metadata.len(), 1);
}

#[tokio::test]
async fn after_a_close_there_is_nothing_to_replay() {
    let folder = TempDir::new().unwrap();
    let lake = open(folder.path()).await;
    write_one_of_each(&lake, 1).await;
    lake.clone().close().await.unwrap();
    let lake = reopen(lake, folder.path()).await;
    let status = lake.status();
    assert_eq!((status.logs.head_records, status.logs.file_records, status.logs.log_bytes), (0, 1, 0));
    assert_eq!(counts(&lake).await, ["1", "1", "1"]);
}

#[tokio::test]
async fn a_replay_larger_than_a_head_is_flushed_on_the_way() {
    let folder = TempDir::new().unwrap();
    let mut settings = lake::LakeSettings::below(folder.path());
    let lake = open(folder.path()).await;
    for number in 0..20 {
        write_log(&lake, log("orders", number, "a line")).await;
    }
    drop(lake);
    settings.flush.head_bytes = 1;
    let lake = Lake::open(settings, std::sync::Arc::new(clock()), vec![]).await.unwrap();
    assert_eq!((lake.status().logs.head_records, lake.status().logs.file_records), (0, 20));
    assert_eq!(lines(&lake, "SELECT count(*) FROM logs").await, ["20"]);
}

fn segments(folder: &Path, signal: &str) -> Vec<PathBuf> {
    let mut paths: Vec<_> = fs::read_dir(folder.join("wal").join(signal)).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn a_log_damaged_anywhere_opens_and_keeps_what_came_before(
        records in 1..8usize,
        at in any::<prop::sample::Index>(),
        cut in any::<bool>(),
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async {
            let folder = TempDir::new().unwrap();
            let lake = open(folder.path()).await;
            let mut ends = Vec::new();
            for number in 0..records {
                write_log(&lake, log("orders", number as i64, &format!("log {number}"))).await;
                ends.push(fs::metadata(&segments(folder.path(), "logs")[0]).unwrap().len());
            }
            drop(lake);
            let path = segments(folder.path(), "logs").remove(0);
            let mut bytes = fs::read(&path).unwrap();
            let at = at.index(bytes.len());
            if cut { bytes.truncate(at) } else { bytes[at] ^= 0x55 }
            fs::write(&path, bytes).unwrap();
            let lake = open(folder.path()).await;
            let kept = lines(&lake, "SELECT body FROM logs ORDER BY time").await;
            // The first bytes hold the salt, without which nothing is proven whole.
            let before = if at < 12 { 0 } else { ends.iter().filter(|end| **end <= at as u64).count() };
            let expected: Vec<_> = (0..before).map(|number| format!("log {number}")).collect();
            assert_eq!(kept[..before], expected);
            write_log(&lake, log("orders", 99, "afterwards")).await;
            assert_eq!(lines(&lake, "SELECT body FROM logs WHERE body = 'afterwards'").await.len(), 1);
        });
    }
}
