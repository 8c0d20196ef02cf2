//! A lease has one holder, and a late writer is told from the present one.

use std::time::Duration;

use kernel::ManualClock;
use ledger::*;

use crate::support::*;

on_every_backend!(a_lease_has_one_holder, a_late_writer_is_fenced_off, tokens_grow_after_a_release);

const TTL: Duration = Duration::from_secs(30);

async fn a_lease_has_one_holder(database: TestDatabase) {
    let clock = ManualClock::at(instant(0));
    let ledger = database.open_at(&clock).await;
    let lease = ledger.acquire_lease("alarms", "a", TTL).await.unwrap().unwrap();
    assert_eq!((lease.token, lease.expires_at), (1, instant(30)));
    assert_eq!(ledger.acquire_lease("alarms", "b", TTL).await.unwrap(), None);
    assert!(ledger.acquire_lease("other", "b", TTL).await.unwrap().is_some());
    clock.advance(Duration::from_secs(20));
    let renewed = ledger.renew_lease(&lease, TTL).await.unwrap().unwrap();
    assert_eq!((renewed.token, renewed.expires_at), (1, instant(50)));
    clock.advance(Duration::from_secs(29));
    assert_eq!(ledger.acquire_lease("alarms", "b", TTL).await.unwrap(), None);
    clock.advance(Duration::from_secs(1));
    let taken = ledger.acquire_lease("alarms", "b", TTL).await.unwrap().unwrap();
    assert_eq!(taken.token, 2);
    assert_eq!(ledger.renew_lease(&renewed, TTL).await.unwrap(), None);
    ledger.release_lease(&renewed).await.unwrap();
    assert_eq!(ledger.acquire_lease("alarms", "c", TTL).await.unwrap(), None, "a stale release changes nothing");
}

async fn a_late_writer_is_fenced_off(database: TestDatabase) {
    let clock = ManualClock::at(instant(0));
    let ledger = database.open_at(&clock).await;
    let write = async |token| ledger.commit(Batch::new().event(happened("x")).under_lease("run", token)).await;
    let first = ledger.acquire_lease("run", "a", TTL).await.unwrap().unwrap();
    write(first.token).await.unwrap();
    let second = ledger.acquire_lease("run", "a", TTL).await.unwrap().unwrap();
    assert!(matches!(write(first.token).await.unwrap_err(), LedgerError::Conflict(_)), "a restarted holder fences itself");
    write(second.token).await.unwrap();
    clock.advance(TTL);
    assert!(matches!(write(second.token).await.unwrap_err(), LedgerError::Conflict(_)), "an expired lease does not count");
    ledger.renew_lease(&second, TTL).await.unwrap().expect("nobody took it");
    write(second.token).await.unwrap();
    assert_eq!(ledger.position().await.unwrap(), Position(3));
}

async fn tokens_grow_after_a_release(database: TestDatabase) {
    let ledger = database.open().await;
    let mut before = 0;
    for holder in ["a", "b", "a"] {
        let lease = ledger.acquire_lease("run", holder, TTL).await.unwrap().unwrap();
        assert!(lease.token > before);
        before = lease.token;
        ledger.release_lease(&lease).await.unwrap();
        assert_eq!(ledger.renew_lease(&lease, TTL).await.unwrap(), None);
    }
}
