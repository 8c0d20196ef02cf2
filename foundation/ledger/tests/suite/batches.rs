//! A batch is written whole or not at all.

use ledger::*;

use crate::support::*;

on_every_backend!(
    a_batch_is_written_whole,
    a_conflict_undoes_the_whole_batch,
    a_conflict_leaves_concurrent_batches_alone,
    a_known_key_makes_the_batch_a_no_op,
    two_servers_race_for_one_key,
    revisions_guard_runs_and_incidents,
    an_active_incident_owns_its_fingerprint,
    what_is_too_large_is_refused,
);

async fn a_batch_is_written_whole(database: TestDatabase) {
    let ledger = database.open().await;
    let run = a_run();
    let batch = Batch::new()
        .event(happened("dev.mainstay.run.requested").run(run.id.clone()))
        .event(happened("dev.mainstay.run.started"))
        .run(run.clone())
        .step(a_step(&run.id, 0))
        .output(a_chunk(&run.id, 0, "one\0two\n"));
    let committed = ledger.commit(batch).await.unwrap();
    assert!(committed.written);
    assert_eq!(committed.events.iter().map(|event| event.position.0).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(ledger.events(&EventFilter::default()).await.unwrap(), committed.events);
    assert_eq!(ledger.run(&run.id).await.unwrap(), Run { revision: 1, ..run.clone() });
    assert_eq!(ledger.steps(&run.id).await.unwrap(), [a_step(&run.id, 0)]);
    assert_eq!(ledger.output(&run.id, -1, 10).await.unwrap(), [a_chunk(&run.id, 0, "one\0two\n")]);
}

async fn a_conflict_undoes_the_whole_batch(database: TestDatabase) {
    let ledger = database.open().await;
    let run = a_run();
    ledger.commit(Batch::new().run(run.clone())).await.unwrap();
    let stale = Batch::new().event(happened("x")).alarm(an_alarm("a")).run(run.clone()).cursor("reader", Position(7));
    let error = ledger.commit(stale).await.unwrap_err();
    assert!(matches!(error, LedgerError::Conflict(_)), "{error}");
    assert_eq!(ledger.events(&EventFilter::default()).await.unwrap(), []);
    assert_eq!(ledger.alarms().await.unwrap(), []);
    assert_eq!(ledger.cursor("reader").await.unwrap(), None);
    let next = ledger.commit(Batch::new().event(happened("y"))).await.unwrap();
    assert_eq!(next.events[0].position, Position(1), "a failed batch uses no position");
}

async fn a_conflict_leaves_concurrent_batches_alone(database: TestDatabase) {
    let ledger = database.open().await;
    let run = a_run();
    ledger.commit(Batch::new().run(run.clone())).await.unwrap();
    let commits = (0..40).map(|n| {
        let good = Batch::new().event(happened("good"));
        let bad = Batch::new().event(happened("bad")).run(run.clone());
        ledger.commit(if n % 2 == 0 { good } else { bad })
    });
    let results = futures::future::join_all(commits).await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 20);
    let events = ledger.events(&EventFilter::default()).await.unwrap();
    assert!(events.iter().all(|event| event.kind == "good"));
    assert_eq!(events.iter().map(|event| event.position.0).collect::<Vec<_>>(), (1..=20).collect::<Vec<_>>());
}

async fn a_known_key_makes_the_batch_a_no_op(database: TestDatabase) {
    let ledger = database.open().await;
    let first = ledger.commit(Batch::new().event(happened("x").key("once"))).await.unwrap();
    let run = a_run();
    let again = Batch::new().event(happened("other")).event(happened("x").key("once")).run(run.clone());
    let second = ledger.commit(again).await.unwrap();
    assert_eq!(second, Committed { events: first.events, written: false });
    assert!(ledger.run(&run.id).await.is_err());
    assert_eq!(ledger.position().await.unwrap(), Position(1));
    let twice = Batch::new().event(happened("x").key("same")).event(happened("x").key("same"));
    assert!(matches!(ledger.commit(twice).await.unwrap_err(), LedgerError::Invalid(_)));
}

async fn two_servers_race_for_one_key(database: TestDatabase) {
    let one = database.open().await;
    let other = if database.shared { database.open().await } else { one.clone() };
    let commits = (0..40).map(|n| {
        let ledger = if n % 2 == 0 { &one } else { &other };
        ledger.commit(Batch::new().event(happened("x").key(format!("key-{}", n / 4))))
    });
    let written = futures::future::join_all(commits).await.into_iter().filter(|c| c.as_ref().unwrap().written).count();
    assert_eq!(written, 10);
    assert_eq!(one.events(&EventFilter::default()).await.unwrap().len(), 10);
}

async fn revisions_guard_runs_and_incidents(database: TestDatabase) {
    let ledger = database.open().await;
    let (run, incident) = (a_run(), an_incident(1));
    ledger.commit(Batch::new().run(run.clone()).incident(incident.clone())).await.unwrap();
    let changed = Run { status: RunStatus::Running, ..ledger.run(&run.id).await.unwrap() };
    ledger.commit(Batch::new().run(changed.clone())).await.unwrap();
    for stale in [
        Batch::new().run(changed),
        Batch::new().run(run),
        Batch::new().run(Run { revision: 3, ..a_run() }),
        Batch::new().incident(incident.clone()),
        Batch::new().incident(Incident { revision: 2, ..incident }),
    ] {
        let error = ledger.commit(stale).await.unwrap_err();
        assert!(matches!(error, LedgerError::Conflict(_)), "{error}");
    }
}

async fn an_active_incident_owns_its_fingerprint(database: TestDatabase) {
    let ledger = database.open().await;
    let with = |number| Incident { fingerprint: Some("orders-errors".to_owned()), ..an_incident(number) };
    ledger.commit(Batch::new().incident(with(1))).await.unwrap();
    let error = ledger.commit(Batch::new().event(happened("x")).incident(with(2))).await.unwrap_err();
    assert!(matches!(error, LedgerError::Conflict(_)), "{error}");
    let resolved = Incident { status: IncidentStatus::Resolved, revision: 1, ..with(1) };
    ledger.commit(Batch::new().incident(resolved).incident(with(2))).await.unwrap();
    let filter = IncidentFilter { fingerprint: Some("orders-errors".to_owned()), ..IncidentFilter::default() };
    assert_eq!(ledger.incidents(&filter).await.unwrap().len(), 2);
}

async fn what_is_too_large_is_refused(database: TestDatabase) {
    let ledger = database.open().await;
    let run = a_run();
    let chunk = |bytes| Batch::new().output(a_chunk(&run.id, 0, &"x".repeat(bytes)));
    ledger.commit(chunk(limits::OUTPUT_CHUNK_BYTES_MAX)).await.unwrap();
    let error = ledger.commit(chunk(limits::OUTPUT_CHUNK_BYTES_MAX + 1)).await.unwrap_err();
    assert_eq!(kernel::Classified::kind(&error), kernel::Kind::TooLarge);
    assert!(error.to_string().contains("1048577 bytes; the ledger takes at most 1048576"), "{error}");
    let many = (0..17).fold(Batch::new(), |batch, n| batch.output(a_chunk(&run.id, n, &"x".repeat(1 << 20))));
    assert!(matches!(ledger.commit(many).await.unwrap_err(), LedgerError::TooLarge { .. }));
    let long_key = Batch::new().event(happened("x").key("k".repeat(limits::KEY_BYTES_MAX + 1)));
    assert!(matches!(ledger.commit(long_key).await.unwrap_err(), LedgerError::TooLarge { .. }));
    let zero = Batch::new().event(happened("x").subject("a\0b"));
    assert!(matches!(ledger.commit(zero).await.unwrap_err(), LedgerError::Invalid(_)));
    assert_eq!(ledger.position().await.unwrap(), Position(0));
}
