//! Incidents from the outside: declared, led, told, resolved.

use std::collections::BTreeMap;
use std::time::Duration;

use kernel::task::Task;
use kernel::{Classified, IncidentId, Kind, RunId, Severity};
use ledger::{Actor, AlarmInstance, AlarmRecord, AlarmState, Batch, IncidentStatus, NewEvent, types};
use serde_json::json;

use super::*;
use crate::testing::{House, reference, shop};

fn jo() -> Actor {
    Actor::user(&reference("user:default/jo"))
}

async fn house() -> (House, Incidents) {
    let house = House::new(shop()).await;
    let incidents = Incidents::new(house.ledger.clone(), house.graph(), house.shared_clock());
    (house, incidents)
}

fn orders_fail() -> Declaration {
    let components = vec![reference("component:default/orders")];
    Declaration { title: "Orders fail".to_owned(), components, ..Declaration::default() }
}

#[tokio::test]
async fn a_declared_incident_takes_severity_and_commander_from_its_component() {
    let (house, incidents) = house().await;
    let incident = incidents.declare(orders_fail(), &jo()).await.unwrap();
    assert_eq!(incident.id.to_string(), "INC-1");
    assert_eq!((incident.severity, incident.commander), (Severity::Sev2, Some(reference("user:default/jo"))));
    let unknown = incidents.declare(Declaration { title: "Odd".to_owned(), ..Declaration::default() }, &jo()).await.unwrap();
    assert_eq!((unknown.severity, unknown.commander), (Severity::Sev3, None));
    assert_eq!(house.events(&[types::INCIDENT_OPENED]).await[0].actor, jo());
}

#[tokio::test]
async fn changes_notes_and_ends_are_on_the_timeline() {
    let (house, incidents) = house().await;
    let incident = incidents.declare(orders_fail(), &jo()).await.unwrap();
    let worse = Change { severity: Some(Severity::Sev1), status: Some(IncidentStatus::Acknowledged), ..Change::default() };
    incidents.update(incident.id, &worse, &jo()).await.unwrap();
    incidents.note(incident.id, "rolled\nback", &jo()).await.unwrap();
    let run = RunId::random();
    let data = json!({ "document": "restart-orders", "title": "Restart orders" });
    let requested = NewEvent::new("/prepare", types::RUN_REQUESTED, data.clone()).run(run.clone()).incident(incident.id).actor(jo());
    // What the run tells later does not repeat the incident.
    let succeeded = NewEvent::new("/prepare", types::RUN_SUCCEEDED, data).run(run);
    house.ledger.commit(Batch::new().event(requested).event(succeeded)).await.unwrap();
    house.clock.advance(Duration::from_secs(60));
    let resolved = incidents.resolve(incident.id, None, &jo()).await.unwrap();
    assert_eq!(resolved.resolved_at, Some(house.shared_clock().now()));
    incidents.reopen(incident.id, Some("it is back".to_owned()), &jo()).await.unwrap();

    let lines: Vec<String> = incidents.timeline(incident.id).await.unwrap().into_iter().map(|entry| entry.text).collect();
    assert_eq!(
        lines,
        [
            "user:default/jo opened as SEV2: Orders fail",
            "user:default/jo changed severity to sev1, status to acknowledged",
            "user:default/jo: rolled back",
            "user:default/jo requested Restart orders",
            "Restart orders succeeded",
            "user:default/jo resolved the incident",
            "user:default/jo reopened the incident: it is back",
        ]
    );
}

#[tokio::test]
async fn what_cannot_be_is_refused_with_its_kind() {
    let (_house, incidents) = house().await;
    let kind = |error: IncidentError| error.kind();
    assert_eq!(kind(incidents.declare(Declaration::default(), &jo()).await.unwrap_err()), Kind::Invalid);
    assert_eq!(kind(incidents.note(IncidentId::from_number(9), "x", &jo()).await.unwrap_err()), Kind::NotFound);
    let incident = incidents.declare(orders_fail(), &jo()).await.unwrap();
    assert_eq!(kind(incidents.note(incident.id, "  ", &jo()).await.unwrap_err()), Kind::Invalid);
    assert_eq!(kind(incidents.reopen(incident.id, None, &jo()).await.unwrap_err()), Kind::Conflict);
}

#[tokio::test]
async fn changes_at_the_same_time_are_all_kept() {
    let (_house, incidents) = house().await;
    let incident = incidents.declare(orders_fail(), &jo()).await.unwrap();
    let changes = [
        Change { title: Some("Orders and carts fail".to_owned()), ..Change::default() },
        Change { summary: Some("since the deployment".to_owned()), ..Change::default() },
        Change { severity: Some(Severity::Sev1), ..Change::default() },
    ];
    let actor = jo();
    futures::future::try_join_all(changes.iter().map(|change| incidents.update(incident.id, change, &actor))).await.unwrap();
    let incident = incidents.get(incident.id).await.unwrap();
    assert_eq!((incident.title.as_str(), incident.summary.as_str(), incident.severity), ("Orders and carts fail", "since the deployment", Severity::Sev1));
}

/// An incident that a rule opened for one instance of the alarm `shop/Errors`.
async fn opened_by_rule(house: &House, state: AlarmState) -> IncidentId {
    let incidents = Incidents::new(house.ledger.clone(), house.graph(), house.shared_clock());
    let incident = incidents.declare(orders_fail(), &Actor::rule("page")).await.unwrap();
    let data = json!({ "resolve_with_alarm": true, "alarm": { "id": "shop/Errors", "labels": { "service": "orders" } } });
    let attached = NewEvent::new("/operate/incidents", types::INCIDENT_ATTACHED, data).incident(incident.id);
    house.ledger.commit(Batch::new().event(attached)).await.unwrap();
    set_alarm(house, state, state).await;
    incident.id
}

async fn set_alarm(house: &House, state: AlarmState, overall: AlarmState) {
    let now = house.shared_clock().now();
    let instance = AlarmInstance {
        labels: BTreeMap::from([("service".to_owned(), "orders".to_owned())]),
        annotations: BTreeMap::new(),
        state,
        value: 1.0,
        active_at: now,
        fired_at: Some(now),
        resolved_at: None,
        last_true_at: now,
        incident: None,
    };
    let record = AlarmRecord {
        id: "shop/Errors".to_owned(),
        group: "shop".to_owned(),
        name: "Errors".to_owned(),
        expression: "errors > 0".to_owned(),
        component: None,
        severity: None,
        runbook: None,
        state: overall,
        since: now,
        error: None,
        instances: vec![instance],
        verdict: None,
    };
    house.ledger.commit(Batch::new().alarm(record)).await.unwrap();
}

#[tokio::test]
async fn an_incident_ends_with_its_alarm_where_its_rule_asks_for_it() {
    let (house, incidents) = house().await;
    let task = IncidentTask::new(incidents.clone());
    let by_people = incidents.declare(orders_fail(), &jo()).await.unwrap();
    let id = opened_by_rule(&house, AlarmState::Firing).await;
    task.pass().await.unwrap();
    assert!(incidents.get(id).await.unwrap().status.is_active());

    // Without data nobody knows whether it is over.
    set_alarm(&house, AlarmState::Resolved, AlarmState::NoData).await;
    task.pass().await.unwrap();
    assert!(incidents.get(id).await.unwrap().status.is_active());

    set_alarm(&house, AlarmState::Resolved, AlarmState::Resolved).await;
    task.pass().await.unwrap();
    assert_eq!(incidents.get(id).await.unwrap().status, IncidentStatus::Resolved);
    assert!(incidents.get(by_people.id).await.unwrap().status.is_active());
    let [resolved] = house.events(&[types::INCIDENT_RESOLVED]).await.try_into().unwrap();
    assert_eq!((resolved.actor, resolved.data["reason"].as_str()), (Actor::system(), Some("all its alarms have resolved")));

    // Whoever reopens it decides when it ends.
    incidents.reopen(id, None, &jo()).await.unwrap();
    task.pass().await.unwrap();
    assert!(incidents.get(id).await.unwrap().status.is_active());
}

#[tokio::test]
async fn the_timeline_holds_the_alarm_from_its_beginning() {
    let (house, incidents) = house().await;
    let alarm = |kind: &str| {
        let data = json!({ "labels": { "service": "orders" }, "annotations": { "summary": "10 % errors" } });
        NewEvent::new("/operate/alarms", kind, data).subject("shop/Errors")
    };
    for kind in [types::ALARM_FIRING, types::ALARM_RESOLVED, types::ALARM_PENDING, types::ALARM_FIRING] {
        house.clock.advance(Duration::from_secs(60));
        house.ledger.commit(Batch::new().event(alarm(kind))).await.unwrap();
    }
    house.clock.advance(Duration::from_secs(1));
    let id = opened_by_rule(&house, AlarmState::Firing).await;
    house.ledger.commit(Batch::new().event(alarm(types::ALARM_RESOLVED))).await.unwrap();
    let lines: Vec<String> = incidents.timeline(id).await.unwrap().into_iter().map(|entry| entry.text).collect();
    assert_eq!(
        lines,
        [
            "Alarm shop/Errors is pending: 10 % errors",
            "Alarm shop/Errors is firing: 10 % errors",
            "Rule page opened as SEV2: Orders fail",
            "Mainstay attached alarm shop/Errors",
            "Alarm shop/Errors resolved",
        ]
    );
}
