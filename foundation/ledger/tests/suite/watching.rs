//! Whoever watches is woken by a commit, of this server or another.

use std::time::{Duration, Instant};

use ledger::*;

use crate::support::*;

on_every_backend!(
    a_commit_wakes_watchers_within_50_ms,
    a_commit_elsewhere_wakes_watchers_within_50_ms,
    output_wakes_its_watchers,
);

async fn a_commit_wakes_watchers_within_50_ms(database: TestDatabase) {
    let ledger = database.open().await;
    assert_wakes(&ledger, &ledger).await;
}

async fn a_commit_elsewhere_wakes_watchers_within_50_ms(database: TestDatabase) {
    let writer = database.open().await;
    writer.commit(Batch::new().event(happened("x"))).await.unwrap();
    let watcher = if database.shared { database.open().await } else { writer.clone() };
    assert_eq!(*watcher.watch().borrow(), 1, "who opens a ledger knows where it is");
    assert_wakes(&writer, &watcher).await;
}

/// The median of several, so that a busy machine does not fail the test.
async fn assert_wakes(writer: &Ledger, watcher: &Ledger) {
    let mut waits = Vec::new();
    let mut watch = watcher.watch();
    for _ in 0..15 {
        let committed = writer.commit(Batch::new().event(happened("x"))).await.unwrap();
        let durable = Instant::now();
        let position = committed.events[0].position.0.unsigned_abs();
        tokio::time::timeout(Duration::from_secs(10), watch.wait_for(|seen| *seen >= position)).await.unwrap().unwrap();
        waits.push(durable.elapsed());
        let filter = EventFilter { after: Some(Position(position as i64 - 1)), ..EventFilter::default() };
        assert_eq!(watcher.events(&filter).await.unwrap().len(), 1, "what is announced can be read");
    }
    waits.sort();
    assert!(waits[waits.len() / 2] < Duration::from_millis(50), "{waits:?}");
}

async fn output_wakes_its_watchers(database: TestDatabase) {
    let ledger = database.open().await;
    let (mut output, events) = (ledger.watch_output(), ledger.watch());
    let run = a_run();
    ledger.commit(Batch::new().output(a_chunk(&run.id, 0, "x"))).await.unwrap();
    assert!(output.has_changed().unwrap());
    assert!(!events.has_changed().unwrap(), "no event, no new position");
    output.mark_unchanged();
    ledger.commit(Batch::new().event(happened("x"))).await.unwrap();
    assert!(output.has_changed().unwrap() && events.has_changed().unwrap());
    output.mark_unchanged();
    ledger.commit(Batch::new().cursor("reader", Position(1))).await.unwrap();
    assert!(!output.has_changed().unwrap());
}
