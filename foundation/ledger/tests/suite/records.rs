//! Runs, incidents, alarms and their like are read as they were written, and found again.

use std::collections::BTreeMap;

use kernel::{ActionId, EntityRef, IncidentId, RunId};
use ledger::*;

use crate::support::*;

on_every_backend!(
    runs_are_found_by_what_they_are,
    output_is_read_from_where_a_reader_stands,
    attachments_are_kept_for_the_newest_runs,
    incidents_are_found_by_what_they_are,
    practice_is_told_from_real_trouble,
    alarms_come_and_go,
    deliveries_are_an_outbox,
    postmortems_and_actions_are_kept,
    cursors_move,
    what_is_absent_is_not_found,
);

fn component(name: &str) -> EntityRef {
    EntityRef::new("component", "default", name)
}

async fn runs_are_found_by_what_they_are(database: TestDatabase) {
    let ledger = database.open().await;
    let old = Run { requested_at: instant(1), component: Some(component("orders")), ..a_run() };
    let new = Run { requested_at: instant(2), status: RunStatus::Failed, incident: Some(IncidentId::from_number(4)), ..a_run() };
    let other = Run { requested_at: instant(3), document: "diagnose".to_owned(), ..a_run() };
    ledger.commit(Batch::new().run(new.clone()).run(old.clone()).run(other.clone())).await.unwrap();
    let found = async |filter: RunFilter| -> Vec<_> {
        ledger.runs(&filter).await.unwrap().into_iter().map(|run| run.id).collect()
    };
    let any = RunFilter::default;
    assert_eq!(found(any()).await, [other.id.clone(), new.id.clone(), old.id.clone()], "newest first");
    assert_eq!(found(RunFilter { limit: Some(1), ..any() }).await, [other.id.clone()]);
    let statuses = vec![RunStatus::Failed, RunStatus::Cancelled];
    assert_eq!(found(RunFilter { statuses, ..any() }).await, [new.id.clone()]);
    assert_eq!(found(RunFilter { document: Some("diagnose".to_owned()), ..any() }).await, [other.id]);
    assert_eq!(found(RunFilter { incident: new.incident, ..any() }).await, [new.id]);
    assert_eq!(found(RunFilter { component: Some(component("orders")), ..any() }).await, [old.id]);
}

async fn output_is_read_from_where_a_reader_stands(database: TestDatabase) {
    let ledger = database.open().await;
    let (run, other) = (a_run().id, a_run().id);
    let batch = (0..5).fold(Batch::new(), |batch, n| batch.output(a_chunk(&run, n, &format!("line {n}\n"))));
    ledger.commit(batch.output(a_chunk(&other, 0, "elsewhere"))).await.unwrap();
    let sequences = async |after, limit| -> Vec<i64> {
        ledger.output(&run, after, limit).await.unwrap().iter().map(|chunk| chunk.sequence).collect()
    };
    assert_eq!(sequences(-1, 100).await, [0, 1, 2, 3, 4]);
    assert_eq!(sequences(1, 2).await, [2, 3]);
    assert_eq!(sequences(4, 2).await, Vec::<i64>::new());
}

async fn attachments_are_kept_for_the_newest_runs(database: TestDatabase) {
    let ledger = database.open().await;
    let picture = |run: &RunId, number, data: &str| RunAttachment {
        run: run.clone(),
        number,
        name: "failed.png".to_owned(),
        media_type: "image/png".to_owned(),
        data: data.to_owned(),
    };
    let runs: Vec<RunId> = (0..=limits::RUNS_WITH_ATTACHMENTS_MAX).map(|_| a_run().id).collect();
    let mut in_order = runs.clone();
    in_order.sort_by_key(ToString::to_string);
    for run in &runs {
        ledger.commit(Batch::new().attachment(picture(run, 0, "AAAA")).attachment(picture(run, 1, "BBBB"))).await.unwrap();
    }
    let (oldest, newest) = (in_order.first().unwrap(), in_order.last().unwrap());
    assert_eq!(ledger.attachment(newest, 1).await.unwrap().data, "BBBB");
    assert!(matches!(ledger.attachment(oldest, 0).await, Err(LedgerError::NotFound(_))));
    ledger.commit(Batch::new().attachment(picture(newest, 1, "CCCC"))).await.unwrap();
    assert_eq!(ledger.attachment(newest, 1).await.unwrap().data, "CCCC", "written again");
    ledger.commit(Batch::new().forget_run(newest.clone())).await.unwrap();
    assert!(matches!(ledger.attachment(newest, 0).await, Err(LedgerError::NotFound(_))));
    let large = picture(oldest, 0, &"A".repeat(limits::ATTACHMENT_BYTES_MAX * 2));
    assert!(matches!(ledger.commit(Batch::new().attachment(large)).await, Err(LedgerError::TooLarge { .. })));
}

async fn incidents_are_found_by_what_they_are(database: TestDatabase) {
    let ledger = database.open().await;
    let roles = BTreeMap::from([(Role::Scribe, EntityRef::new("user", "default", "jo"))]);
    let first = Incident { components: vec![component("orders"), component("web")], roles, ..an_incident(1) };
    let second = Incident { status: IncidentStatus::Resolved, ..an_incident(2) };
    ledger.commit(Batch::new().incident(first.clone()).incident(second)).await.unwrap();
    let found = async |filter: IncidentFilter| -> Vec<i64> {
        ledger.incidents(&filter).await.unwrap().iter().map(|incident| incident.id.number()).collect()
    };
    let any = IncidentFilter::default;
    assert_eq!(found(any()).await, [2, 1]);
    assert_eq!(found(IncidentFilter { statuses: vec![IncidentStatus::Open], ..any() }).await, [1]);
    assert_eq!(found(IncidentFilter { component: Some(component("web")), ..any() }).await, [1]);
    let moved = Incident { components: vec![component("orders")], revision: 1, ..first };
    ledger.commit(Batch::new().incident(moved.clone())).await.unwrap();
    assert_eq!(found(IncidentFilter { component: Some(component("web")), ..any() }).await, Vec::<i64>::new());
    assert_eq!(ledger.incident(moved.id).await.unwrap(), Incident { revision: 2, ..moved });
}

async fn practice_is_told_from_real_trouble(database: TestDatabase) {
    let ledger = database.open().await;
    let practice = Incident { practice: true, ..an_incident(1) };
    ledger.commit(Batch::new().incident(practice.clone()).incident(an_incident(2))).await.unwrap();
    let found = async |practice| -> Vec<i64> {
        let filter = IncidentFilter { practice, ..IncidentFilter::default() };
        ledger.incidents(&filter).await.unwrap().iter().map(|incident| incident.id.number()).collect()
    };
    assert_eq!((found(None).await, found(Some(true)).await, found(Some(false)).await), (vec![2, 1], vec![1], vec![2]));
    let real = Incident { practice: false, revision: 1, ..practice };
    ledger.commit(Batch::new().incident(real)).await.unwrap();
    assert_eq!(found(Some(false)).await, [2, 1], "it turned out to be real");
}

async fn alarms_come_and_go(database: TestDatabase) {
    let ledger = database.open().await;
    let instance = |value| AlarmInstance {
        labels: BTreeMap::from([("service".to_owned(), "orders".to_owned())]),
        annotations: BTreeMap::new(),
        state: AlarmState::Firing,
        value,
        active_at: instant(0),
        fired_at: Some(instant(1)),
        resolved_at: None,
        last_true_at: instant(2),
        incident: None,
    };
    let firing = AlarmRecord { instances: vec![instance(1.5), instance(f64::INFINITY), instance(-f64::INFINITY)], ..an_alarm("a") };
    ledger.commit(Batch::new().alarm(an_alarm("a")).alarm(an_alarm("b"))).await.unwrap();
    ledger.commit(Batch::new().alarm(firing.clone()).remove_alarm("b".to_owned())).await.unwrap();
    assert_eq!(ledger.alarms().await.unwrap(), [firing]);
    let undefined = AlarmRecord { instances: vec![instance(f64::NAN)], ..an_alarm("a") };
    ledger.commit(Batch::new().alarm(undefined)).await.unwrap();
    assert!(ledger.alarm("a").await.unwrap().instances[0].value.is_nan());
}

async fn deliveries_are_an_outbox(database: TestDatabase) {
    let ledger = database.open().await;
    let (early, late) = (a_delivery(1), a_delivery(60));
    ledger.commit(Batch::new().delivery(late.clone()).delivery(early.clone())).await.unwrap();
    assert_eq!(ledger.deliveries(None, 10).await.unwrap(), [late.clone(), early.clone()]);
    assert_eq!(ledger.due_deliveries(instant(59), 10).await.unwrap(), [early.clone()]);
    assert_eq!(ledger.due_deliveries(instant(60), 10).await.unwrap(), [early.clone(), late]);
    let dead = Delivery { status: DeliveryStatus::Dead, next_attempt_at: None, ..early };
    ledger.commit(Batch::new().delivery(dead.clone())).await.unwrap();
    assert_eq!(ledger.deliveries(Some(DeliveryStatus::Dead), 10).await.unwrap(), [dead.clone()]);
    assert_eq!(ledger.delivery(&dead.id).await.unwrap(), dead);
    assert_eq!(ledger.due_deliveries(instant(59), 10).await.unwrap(), []);
}

async fn postmortems_and_actions_are_kept(database: TestDatabase) {
    let ledger = database.open().await;
    let incident = IncidentId::from_number(1);
    let postmortem = Postmortem {
        incident,
        title: "Orders failed".to_owned(),
        path: "ops/postmortems/inc-1.md".to_owned(),
        drafted_at: instant(9),
    };
    let action = Action {
        id: ActionId::random(),
        incident,
        title: "Alarm on the queue".to_owned(),
        owner: None,
        status: ActionStatus::Open,
        created_at: instant(10),
        done_at: None,
    };
    ledger.commit(Batch::new().postmortem(postmortem.clone()).action(action.clone())).await.unwrap();
    assert_eq!(ledger.postmortem(incident).await.unwrap(), postmortem);
    assert_eq!(ledger.postmortems().await.unwrap(), [postmortem]);
    let done = Action { status: ActionStatus::Done, done_at: Some(instant(20)), ..action };
    ledger.commit(Batch::new().action(done.clone())).await.unwrap();
    assert_eq!(ledger.action(&done.id).await.unwrap(), done);
    assert_eq!(ledger.actions(Some(incident)).await.unwrap(), [done]);
    assert_eq!(ledger.actions(Some(IncidentId::from_number(2))).await.unwrap(), []);
}

async fn cursors_move(database: TestDatabase) {
    let ledger = database.open().await;
    assert_eq!(ledger.cursor("rules").await.unwrap(), None);
    for position in [3, 9] {
        ledger.commit(Batch::new().cursor("rules", Position(position))).await.unwrap();
        assert_eq!(ledger.cursor("rules").await.unwrap(), Some(Position(position)));
    }
}

async fn what_is_absent_is_not_found(database: TestDatabase) {
    let ledger = database.open().await;
    let errors = [
        ledger.run(&a_run().id).await.map(drop).unwrap_err(),
        ledger.incident(IncidentId::from_number(7)).await.map(drop).unwrap_err(),
        ledger.alarm("a/b").await.map(drop).unwrap_err(),
        ledger.postmortem(IncidentId::from_number(7)).await.map(drop).unwrap_err(),
    ];
    for error in errors {
        assert_eq!(kernel::Classified::kind(&error), kernel::Kind::NotFound);
    }
}
