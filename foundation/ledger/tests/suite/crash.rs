//! What was acknowledged survives the process being killed, once.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};

use ledger::*;

use crate::support::*;

on_every_shared_backend!(acknowledged_means_durable);

const ROUNDS: usize = 12;
const WRITERS: usize = 4;

/// Kills a writing process again and again, each time after another number of acknowledgements.
async fn acknowledged_means_durable(database: TestDatabase) {
    let mut acknowledged = BTreeSet::new();
    for round in 0..ROUNDS {
        let url = database.url.clone();
        let enough = 10 + round * 23 % 70;
        let acks = tokio::task::spawn_blocking(move || write_and_kill(&url, round, enough)).await.unwrap();
        assert!(acks.len() >= enough, "round {round}: only {acks:?}");
        acknowledged.extend(acks);
        assert_whole(&database.open().await, &acknowledged).await;
    }
}

/// Every acknowledged event is there once, in a row without gaps, and each with the run it was written with.
async fn assert_whole(ledger: &Ledger, acknowledged: &BTreeSet<String>) {
    let all = EventFilter { limit: Some(u32::MAX), ..EventFilter::default() };
    let events = ledger.events(&all).await.unwrap();
    let positions: Vec<i64> = events.iter().map(|event| event.position.0).collect();
    assert_eq!(positions, (1..=events.len() as i64).collect::<Vec<_>>());
    let present: BTreeSet<String> = events.iter().filter_map(|event| event.subject.clone()).collect();
    assert_eq!(present.len(), events.len(), "no event is doubled");
    assert_eq!(acknowledged.difference(&present).collect::<Vec<_>>(), Vec::<&String>::new());
    let runs = ledger.runs(&RunFilter { limit: Some(u32::MAX), ..RunFilter::default() }).await.unwrap();
    let of_events: BTreeSet<_> = events.iter().filter_map(|event| event.run.clone()).collect();
    assert_eq!(runs.into_iter().map(|run| run.id).collect::<BTreeSet<_>>(), of_events);
}

/// What the process had acknowledged when it died.
fn write_and_kill(url: &str, round: usize, enough: usize) -> Vec<String> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "crash::writes_until_it_is_killed", "--ignored", "--nocapture"])
        .env("MAINSTAY_TEST_CRASH_URL", url)
        .env("MAINSTAY_TEST_CRASH_ROUND", round.to_string())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(child.stderr.take().unwrap());
    let mut text = String::new();
    for _ in 0..enough {
        said.read_line(&mut text).unwrap();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    said.read_to_string(&mut text).unwrap();
    // A line without its end was not said to the end.
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    whole.lines().filter_map(|line| line.strip_prefix("acknowledged ")).map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "the process that the crash test starts and kills"]
async fn writes_until_it_is_killed() {
    let (Ok(url), Ok(round)) = (std::env::var("MAINSTAY_TEST_CRASH_URL"), std::env::var("MAINSTAY_TEST_CRASH_ROUND")) else {
        return;
    };
    let ledger = Ledger::open(&url, std::sync::Arc::new(kernel::SystemClock)).await.unwrap();
    let writers = (0..WRITERS).map(|writer| {
        let (ledger, round) = (ledger.clone(), round.clone());
        tokio::spawn(async move {
            for n in 0.. {
                let name = format!("{round}-{writer}-{n}");
                let run = a_run();
                let event = happened("x").subject(&name).key(&name).run(run.id.clone());
                ledger.commit(Batch::new().event(event).run(run)).await.unwrap();
                eprintln!("acknowledged {name}");
            }
        })
    });
    futures::future::join_all(writers).await;
}
