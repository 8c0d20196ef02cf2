//! Events keep their order and can be found again.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use kernel::{IncidentId, ManualClock, RunId};
use ledger::*;

use crate::support::*;

on_every_backend!(
    positions_have_no_gaps_under_concurrent_writers,
    an_event_is_read_as_it_was_written,
    filters_choose_events,
    an_id_is_taken_once,
);

/// Four writers on each of two servers, and a reader that must never see a position before the one below it.
async fn positions_have_no_gaps_under_concurrent_writers(database: TestDatabase) {
    const WRITERS: usize = 8;
    const EVENTS_EACH: usize = 25;
    let one = database.open().await;
    let other = if database.shared { database.open().await } else { one.clone() };
    let done = Arc::new(AtomicBool::new(false));
    let reader = tokio::spawn(read_until_done(one.clone(), done.clone()));
    let writers = (0..WRITERS).map(|writer| {
        let ledger = if writer % 2 == 0 { one.clone() } else { other.clone() };
        tokio::spawn(async move {
            for n in 0..EVENTS_EACH {
                let batch = Batch::new().event(happened("x").key(format!("{writer}-{n}"))).event(happened("y"));
                let positions: Vec<i64> =
                    ledger.commit(batch).await.unwrap().events.iter().map(|event| event.position.0).collect();
                assert_eq!(positions[0] + 1, positions[1], "the events of one batch are neighbours");
            }
        })
    });
    for writer in futures::future::join_all(writers).await {
        writer.unwrap();
    }
    done.store(true, Ordering::SeqCst);
    let total = (WRITERS * EVENTS_EACH * 2) as i64;
    assert_eq!(reader.await.unwrap(), (1..=total).collect::<Vec<_>>());
    assert_eq!(other.position().await.unwrap(), Position(total));
}

/// Follows the events as a reader with a cursor does; returns the positions in the order it saw them.
async fn read_until_done(ledger: Ledger, done: Arc<AtomicBool>) -> Vec<i64> {
    let mut seen: Vec<i64> = Vec::new();
    loop {
        let last_round = done.load(Ordering::SeqCst);
        let after = Position(seen.last().copied().unwrap_or(0));
        let filter = EventFilter { after: Some(after), ..EventFilter::default() };
        seen.extend(ledger.events(&filter).await.unwrap().iter().map(|event| event.position.0));
        if last_round {
            return seen;
        }
    }
}

async fn an_event_is_read_as_it_was_written(database: TestDatabase) {
    let clock = ManualClock::at(instant(5));
    let ledger = database.open_at(&clock).await;
    let (run, cause) = (RunId::random(), kernel::EventId::random());
    let event = NewEvent::new("/test", "dev.mainstay.x", serde_json::json!({"b": 1, "a": ["ä\0", null, 1.5]}))
        .subject("orders/HighErrors")
        .actor(Actor::rule("open"))
        .incident(IncidentId::from_number(3))
        .run(run.clone())
        .cause(cause.clone());
    let written = ledger.commit(Batch::new().event(event.clone())).await.unwrap().events.remove(0);
    assert_eq!(written.time, instant(5), "the clock's time where the event brings none");
    assert_eq!((written.run.as_ref(), written.cause.as_ref()), (Some(&run), Some(&cause)));
    assert_eq!(written.data, event.data);
    assert_eq!(ledger.events(&EventFilter::default()).await.unwrap(), [written.clone()]);
    let json = serde_json::to_value(&written).unwrap();
    assert_eq!((json["specversion"].as_str(), json["type"].as_str()), (Some("1.0"), Some("dev.mainstay.x")));
    assert_eq!(serde_json::from_value::<Event>(json).unwrap(), written);
}

async fn filters_choose_events(database: TestDatabase) {
    let ledger = database.open().await;
    let run = RunId::random();
    let batch = Batch::new()
        .event(happened("dev.mainstay.alarm.firing").subject("a"))
        .event(happened("dev.mainstay.alarm.resolved").incident(IncidentId::from_number(1)))
        .event(happened("dev.mainstay.alarms.x").run(run.clone()))
        .event(happened("dev.mainstay.alarm").subject("a"));
    ledger.commit(batch).await.unwrap();
    let positions = async |filter: EventFilter| -> Vec<i64> {
        ledger.events(&filter).await.unwrap().iter().map(|event| event.position.0).collect()
    };
    let any = EventFilter::default;
    let kinds = |kinds: &[&str]| EventFilter { kinds: kinds.iter().map(|kind| kind.to_string()).collect(), ..any() };
    assert_eq!(positions(kinds(&["dev.mainstay.alarm."])).await, [1, 2]);
    assert_eq!(positions(kinds(&["dev.mainstay.alarm", "dev.mainstay.alarms."])).await, [3, 4]);
    assert_eq!(positions(EventFilter { subject: Some("a".to_owned()), ..any() }).await, [1, 4]);
    assert_eq!(positions(EventFilter { incident: Some(IncidentId::from_number(1)), ..any() }).await, [2]);
    assert_eq!(positions(EventFilter { run: Some(run), ..any() }).await, [3]);
    let between = EventFilter { after: Some(Position(1)), before: Some(Position(4)), ..any() };
    assert_eq!(positions(between).await, [2, 3]);
    assert_eq!(positions(EventFilter { limit: Some(2), newest_first: true, ..any() }).await, [4, 3]);
}

async fn an_id_is_taken_once(database: TestDatabase) {
    let ledger = database.open().await;
    let event = happened("x");
    ledger.commit(Batch::new().event(event.clone())).await.unwrap();
    let error = ledger.commit(Batch::new().event(event)).await.unwrap_err();
    assert!(matches!(error, LedgerError::Conflict(_)), "{error}");
    let numbers = futures::future::join_all((0..20).map(|_| ledger.next_incident_id())).await;
    let numbers: BTreeSet<i64> = numbers.into_iter().map(|id| id.unwrap().number()).collect();
    assert_eq!(numbers, (1..=20).collect::<BTreeSet<_>>());
    ledger.commit(Batch::new().incident(an_incident(30))).await.unwrap();
    assert_eq!(ledger.next_incident_id().await.unwrap().number(), 31);
}
