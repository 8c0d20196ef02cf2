//! A ledger opens where it can, and says how to mend it where it cannot.

use std::sync::Arc;

use kernel::SystemClock;
use ledger::*;

use crate::support::*;

on_every_backend!(a_closed_ledger_refuses_and_has_finished);
on_every_shared_backend!(
    a_ledger_keeps_what_it_knew,
    an_older_format_is_brought_up,
    a_newer_format_is_refused,
    many_servers_open_at_once,
);

async fn a_closed_ledger_refuses_and_has_finished(database: TestDatabase) {
    let ledger = database.open().await;
    let accepted = tokio::spawn({
        let ledger = ledger.clone();
        async move { ledger.commit(Batch::new().event(happened("x"))).await }
    });
    let answer = accepted.await.unwrap();
    ledger.close().await;
    assert!(answer.unwrap().written);
    assert!(matches!(ledger.commit(Batch::new().event(happened("y"))).await, Err(LedgerError::Closed)));
}

async fn a_ledger_keeps_what_it_knew(database: TestDatabase) {
    let ledger = database.open().await;
    ledger.commit(Batch::new().event(happened("x").key("once")).alarm(an_alarm("a"))).await.unwrap();
    let number = ledger.next_incident_id().await.unwrap().number();
    ledger.close().await;
    let ledger = database.open().await;
    assert_eq!(*ledger.watch().borrow(), 1);
    assert_eq!(ledger.alarms().await.unwrap(), [an_alarm("a")]);
    assert!(!ledger.commit(Batch::new().event(happened("x").key("once"))).await.unwrap().written);
    assert_eq!(ledger.next_incident_id().await.unwrap().number(), number + 1);
}

async fn an_older_format_is_brought_up(database: TestDatabase) {
    let ledger = database.open().await;
    ledger.commit(Batch::new().incident(an_incident(1))).await.unwrap();
    ledger.close().await;
    database.execute("ALTER TABLE incidents DROP COLUMN practice").await;
    for table in ["parameters", "parameter_versions", "secrets", "secret_versions", "secret_reads", "config_rollouts", "config_versions"] {
        database.execute(&format!("DROP TABLE {table}")).await;
    }
    database.execute("UPDATE ledger_format SET version = 3").await;
    let ledger = database.open().await;
    let real = IncidentFilter { practice: Some(false), ..IncidentFilter::default() };
    assert_eq!(ledger.incidents(&real).await.unwrap(), [Incident { revision: 1, ..an_incident(1) }], "what was there before is no practice");
}

async fn a_newer_format_is_refused(database: TestDatabase) {
    database.open().await.close().await;
    database.execute("UPDATE ledger_format SET version = 999").await;
    let error = Ledger::open(&database.url, Arc::new(SystemClock)).await.unwrap_err().to_string();
    assert!(error.contains("written by a newer Mainstay (format 999; this one knows up to 6)"), "{error}");
    assert!(error.contains("use that version or a newer one"), "{error}");
}

async fn many_servers_open_at_once(database: TestDatabase) {
    let ledgers = futures::future::join_all((0..5).map(|_| database.open())).await;
    for ledger in &ledgers {
        ledger.commit(Batch::new().event(happened("x"))).await.unwrap();
    }
    assert_eq!(ledgers[0].position().await.unwrap(), Position(5));
}

#[tokio::test]
async fn a_wrong_url_names_the_mend() {
    let folder = tempfile::tempdir().unwrap();
    let inside = |name: &str| folder.path().join(name).display().to_string();
    std::fs::write(inside("notes.txt"), "these are not the records that you are looking for, ".repeat(40)).unwrap();
    for (url, mend) in [
        ("mysql://localhost/x".to_owned(), "write sqlite:PATH"),
        ("ledger.db".to_owned(), "write sqlite:PATH"),
        ("sqlite:".to_owned(), "the path is missing; write sqlite:PATH"),
        (format!("sqlite:{}", folder.path().display()), "is a folder; name a file in it"),
        (format!("sqlite:{}", inside("absent/ledger.db")), "does not exist; create it first"),
        (format!("sqlite:{}", inside("notes.txt")), "is not a SQLite database; name another file"),
        ("postgres://jo:secret@127.0.0.1:1/ops".to_owned(), "is PostgreSQL running there"),
        ("postgres://".to_owned() + "jo:secret@127.0.0.1:no/ops", "write postgres://USER:PASSWORD@HOST:PORT/DATABASE"),
    ] {
        let error = Ledger::open(&url, Arc::new(SystemClock)).await.unwrap_err().to_string();
        assert!(error.contains(mend), "{url}: {error}");
        assert!(!error.contains("secret"), "{error}");
    }
}
