//! How many batches become durable in a second, and what the disk alone can do.
//!
//! `cargo test -p mainstay-ledger -- --ignored --nocapture measure`

use std::io::Write;
use std::time::{Duration, Instant};

use ledger::*;

use crate::support::*;

const LENGTH: Duration = Duration::from_secs(4);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement, not a check"]
async fn commits_in_a_second() {
    println!("one fsync: {:.2} ms", fsync_ms());
    let sqlite = TestDatabase::sqlite_file().await;
    let postgres = TestDatabase::postgres().await;
    for (name, database) in [("sqlite", &sqlite), ("postgres without fsync", &postgres)] {
        let ledger = database.open().await;
        for concurrent in [1, 32] {
            let (rate, median_ms) = commit_rate(&ledger, concurrent).await;
            println!("{name}, {concurrent} concurrent: {rate:.0} commits/s, median {median_ms:.2} ms");
        }
    }
}

fn fsync_ms() -> f64 {
    let mut file = tempfile::tempfile().unwrap();
    let mut times: Vec<Duration> = (0..200)
        .map(|_| {
            file.write_all(&[7; 4096]).unwrap();
            let start = Instant::now();
            file.sync_data().unwrap();
            start.elapsed()
        })
        .collect();
    times.sort();
    times[100].as_secs_f64() * 1e3
}

async fn commit_rate(ledger: &Ledger, concurrent: usize) -> (f64, f64) {
    let start = Instant::now();
    let workers = (0..concurrent).map(|worker| {
        let ledger = ledger.clone();
        tokio::spawn(async move {
            let mut times = Vec::new();
            while start.elapsed() < LENGTH {
                let begun = Instant::now();
                let event = happened("dev.mainstay.alarm.firing").subject("orders").key(format!("{concurrent}-{worker}-{}", times.len()));
                ledger.commit(Batch::new().event(event).alarm(an_alarm("orders"))).await.unwrap();
                times.push(begun.elapsed());
            }
            times
        })
    });
    let mut times: Vec<Duration> = Vec::new();
    for worker in futures::future::join_all(workers).await {
        times.extend(worker.unwrap());
    }
    let rate = times.len() as f64 / start.elapsed().as_secs_f64();
    times.sort();
    (rate, times[times.len() / 2].as_secs_f64() * 1e3)
}
