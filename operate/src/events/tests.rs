//! Events against rules: what is asked for, once, and what is not.

use std::collections::BTreeMap;

use documents::Graph;
use documents::event_rule::{IncidentTarget, NotifyChannel, NotifyTarget, RunTarget, Target};
use kernel::task::Task;
use kernel::{EventId, Severity};
use ledger::{Actor, Batch, Channel, DeliveryStatus, Event, IncidentStatus, NewEvent, types};
use serde_json::{Value, json};

use super::EventRuleTask;
use crate::incidents::{Change, Declaration, Incidents};
use crate::testing::{House, event_rule, reference, shop};

fn incident_target() -> Target {
    Target::Incident(IncidentTarget {
        title: "{{ data.alert }} on {{ data.component }}".to_owned(),
        summary: Some("value {{ data.value }}, {{ data.nothing }}".to_owned()),
        severity: None,
        component: None,
        fingerprint: None,
        resolve_with_alarm: true,
    })
}

fn run_target(document: &str) -> Target {
    let parameters = BTreeMap::from([("service".to_owned(), "{{ data.labels.service.name }}".to_owned())]);
    Target::Run(RunTarget { document: document.to_owned(), parameters })
}

fn notify_target(channel: NotifyChannel, text: Option<&str>) -> Target {
    Target::Notify(NotifyTarget { channel, url: "env:HOOK".to_owned(), headers: BTreeMap::new(), text: text.map(str::to_owned) })
}

fn shop_with(rules: Vec<documents::event_rule::EventRule>) -> Graph {
    Graph { event_rules: rules, ..shop() }
}

fn firing(alert: &str) -> NewEvent {
    let data = json!({
        "id": format!("shop/{alert}"),
        "alert": alert,
        "component": "component:default/orders",
        "value": 0.25,
        "labels": { "alertname": alert, "service.name": "orders" },
    });
    NewEvent::new("/operate/alarms", types::ALARM_FIRING, data).subject(format!("shop/{alert}"))
}

fn task(house: &House) -> EventRuleTask {
    EventRuleTask::new(house.ledger.clone(), house.graph(), house.shared_clock()).held_by("here")
}

async fn append(house: &House, event: NewEvent) -> EventId {
    house.ledger.commit(Batch::new().event(event)).await.unwrap().events[0].id.clone()
}

#[tokio::test]
async fn an_alarm_opens_an_incident_requests_a_run_and_notifies() {
    let rule = event_rule(
        "page",
        json!({ "type": [types::ALARM_FIRING] }),
        vec![incident_target(), run_target("diagnose"), notify_target(NotifyChannel::Webhook, None), notify_target(NotifyChannel::Slack, Some("{{ data.alert }}!"))],
    );
    let house = House::new(shop_with(vec![rule])).await;
    let cause = append(&house, firing("Errors")).await;
    task(&house).pass().await.unwrap();

    let [incident] = house.ledger.incidents(&Default::default()).await.unwrap().try_into().unwrap();
    assert_eq!(incident.title, "Errors on component:default/orders");
    assert_eq!(incident.summary, "value 0.25, ");
    assert_eq!((incident.severity, incident.status), (Severity::Sev2, IncidentStatus::Open));
    assert_eq!(incident.commander, Some(reference("user:default/jo")));
    assert_eq!(incident.fingerprint.as_deref(), Some("component:default/orders/page"));

    let [opened] = house.events(&[types::INCIDENT_OPENED]).await.try_into().unwrap();
    assert_eq!((opened.incident, &opened.cause, &opened.actor), (Some(incident.id), &Some(cause.clone()), &Actor::rule("page")));
    assert_eq!(opened.data["alarm"]["id"], "shop/Errors");
    assert_eq!(opened.data["notes"], json!(["the event has no data.nothing"]));

    let [requested] = house.events(&[types::RUN_REQUESTED]).await.try_into().unwrap();
    assert_eq!(requested.incident, Some(incident.id));
    assert!(requested.run.is_some());
    assert_eq!(requested.data["document"], "diagnose");
    assert_eq!(requested.data["parameters"], json!({ "service": "orders" }));
    assert_eq!(requested.data["component"], "component:default/orders");

    let mut deliveries = house.ledger.due_deliveries(house.shared_clock().now(), 10).await.unwrap();
    deliveries.sort_by_key(|delivery| delivery.channel == Channel::Slack);
    assert!(deliveries.iter().all(|delivery| delivery.status == DeliveryStatus::Pending && delivery.incident == Some(incident.id)));
    assert_eq!(deliveries[0].body["id"], json!(cause));
    assert_eq!(deliveries[0].body["specversion"], "1.0");
    assert_eq!(deliveries[1].body["text"], "Errors!");
}

#[tokio::test]
async fn the_second_alarm_joins_the_active_incident_and_may_make_it_worse() {
    let by_severity = |name: &str, severity| {
        let mut target = incident_target();
        let Target::Incident(incident) = &mut target else { unreachable!() };
        incident.severity = Some(severity);
        incident.fingerprint = Some("orders".to_owned());
        event_rule(name, json!({ "data": { "alert": [name] } }), vec![target])
    };
    let house = House::new(shop_with(vec![by_severity("Slow", Severity::Sev3), by_severity("Down", Severity::Sev1)])).await;
    append(&house, firing("Slow")).await;
    append(&house, firing("Down")).await;
    let task = task(&house);
    task.pass().await.unwrap();
    let [incident] = house.ledger.incidents(&Default::default()).await.unwrap().try_into().unwrap();
    assert_eq!(incident.severity, Severity::Sev1);
    assert_eq!(house.events(&[types::INCIDENT_ATTACHED]).await.len(), 1);

    // Once it is resolved, the next alarm is a new incident.
    let resolved = ledger::Incident { status: IncidentStatus::Resolved, ..incident };
    house.ledger.commit(Batch::new().incident(resolved)).await.unwrap();
    append(&house, firing("Slow")).await;
    task.pass().await.unwrap();
    assert_eq!(house.ledger.incidents(&Default::default()).await.unwrap().len(), 2);
}

#[tokio::test]
async fn on_a_game_day_alarms_of_its_components_join_the_practice_incident() {
    let rules = ["page", "tell"].map(|name| event_rule(name, json!({ "type": [types::ALARM_FIRING] }), vec![incident_target()]));
    let house = House::new(shop_with(rules.into())).await;
    let incidents = Incidents::new(house.ledger.clone(), house.graph(), house.shared_clock());
    let orders = Declaration {
        title: "Practice".to_owned(),
        practice: true,
        components: vec![reference("component:default/orders")],
        fingerprint: Some("game-day/1".to_owned()),
        ..Declaration::default()
    };
    let practice = incidents.declare(orders.clone(), &Actor::system()).await.unwrap();
    assert_eq!(incidents.declare(orders, &Actor::system()).await.unwrap().id, practice.id, "declared again, it is the same");
    append(&house, firing("Errors")).await;
    task(&house).pass().await.unwrap();
    let attached = house.events(&[types::INCIDENT_ATTACHED]).await;
    assert_eq!(attached.iter().map(|event| event.incident).collect::<Vec<_>>(), [Some(practice.id); 2]);
    assert!(attached.iter().all(|event| event.data["resolve_with_alarm"] == false), "the game day ends its incident");
    assert_eq!(house.ledger.incidents(&Default::default()).await.unwrap().len(), 1);

    // It turns out to be real trouble: it counts from now on, and the next alarm is a case of its own.
    let real = Change { practice: Some(false), ..Change::default() };
    assert!(!incidents.update(practice.id, &real, &Actor::system()).await.unwrap().practice);
    append(&house, firing("Errors")).await;
    task(&house).pass().await.unwrap();
    assert_eq!(house.events(&[types::INCIDENT_OPENED]).await.len(), 3, "one for each rule");
}

#[tokio::test]
async fn an_event_is_handled_once_however_often_the_task_begins() {
    let rule = event_rule("page", json!({ "type": [types::ALARM_FIRING] }), vec![incident_target(), run_target("diagnose")]);
    let house = House::new(shop_with(vec![rule])).await;
    append(&house, firing("Errors")).await;
    task(&house).pass().await.unwrap();
    // The server dies after its commit and begins anew; at worst its cursor was lost, too.
    task(&house).pass().await.unwrap();
    house.ledger.commit(Batch::new().cursor("operate/events", ledger::Position(0))).await.unwrap();
    task(&house).pass().await.unwrap();
    assert_eq!(house.events(&[types::RUN_REQUESTED]).await.len(), 1);
    assert_eq!(house.events(&[types::INCIDENT_OPENED]).await.len(), 1);
    assert_eq!(house.events(&[types::INCIDENT_ATTACHED]).await.len(), 0);
    assert_eq!(house.ledger.cursor("operate/events").await.unwrap(), Some(house.ledger.position().await.unwrap()));
}

#[tokio::test]
async fn a_rule_does_not_feed_itself() {
    let again = event_rule("again", json!({ "type": [{ "prefix": "dev.mainstay." }] }), vec![run_target("diagnose")]);
    let house = House::new(shop_with(vec![again])).await;
    append(&house, firing("Errors")).await;
    let task = task(&house);
    for _ in 0..5 {
        task.pass().await.unwrap();
    }
    let [requested] = house.events(&[types::RUN_REQUESTED]).await.try_into().unwrap();

    // What the run tells is its consequence, too, also for a server that begins anew.
    let failed = NewEvent::new("/prepare", types::RUN_FAILED, Value::Null).run(requested.run);
    append(&house, failed).await;
    self::task(&house).pass().await.unwrap();
    assert_eq!(house.events(&[types::RUN_REQUESTED]).await.len(), 1);
}

#[tokio::test]
async fn rules_that_call_each_other_end() {
    let rule = |name| event_rule(name, json!({ "type": [types::ALARM_FIRING, types::RUN_REQUESTED] }), vec![run_target("next")]);
    let house = House::new(shop_with(vec![rule("ping"), rule("pong")])).await;
    append(&house, firing("Errors")).await;
    let task = task(&house);
    for _ in 0..10 {
        task.pass().await.unwrap();
    }
    // Each of the two follows the alarm and the other.
    assert_eq!(house.events(&[types::RUN_REQUESTED]).await.len(), 4);
}

#[tokio::test]
async fn disabled_rules_and_other_servers_work_are_left_alone() {
    let mut rule = event_rule("page", json!({ "type": [types::ALARM_FIRING] }), vec![run_target("diagnose")]);
    rule.enabled = false;
    let house = House::new(shop_with(vec![rule.clone()])).await;
    append(&house, firing("Errors")).await;
    task(&house).pass().await.unwrap();
    assert!(house.events(&[types::RUN_REQUESTED]).await.is_empty());

    house.change_documents(shop_with(vec![event_rule("page", json!({ "type": [types::ALARM_FIRING] }), vec![run_target("diagnose")])]));
    append(&house, firing("Errors")).await;
    let other = EventRuleTask::new(house.ledger.clone(), house.graph(), house.shared_clock()).held_by("there");
    assert_eq!(other.pass().await.unwrap().summary, "another server follows the event rules");
    task(&house).pass().await.unwrap();
    let events: Vec<Event> = house.events(&[types::RUN_REQUESTED]).await;
    assert_eq!(events.len(), 1);
}
