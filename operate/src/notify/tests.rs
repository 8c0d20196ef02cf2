//! Deliveries against a receiver that misbehaves.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use kernel::task::Task;
use kernel::{Classified, DeliveryId, EventId, Kind};
use ledger::{Actor, Batch, Channel, Delivery, DeliveryStatus, types};
use parking_lot::Mutex;
use serde_json::{Value, json};

use super::*;
use crate::testing::{House, shop};

/// A webhook that answers as it is told, one answer after the other, then 200.
#[derive(Clone, Default)]
struct Receiver {
    answers: Arc<Mutex<Vec<Answer>>>,
    requests: Arc<Mutex<Vec<(Uri, HeaderMap, Bytes)>>>,
}

type Answer = (StatusCode, Vec<(&'static str, String)>, String);

impl Receiver {
    /// Its address, with a secret in its path.
    async fn start(&self) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().fallback(receive).with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        format!("http://{address}/services/T0/s3cret")
    }

    fn will_answer(&self, status: u16, headers: &[(&'static str, &str)], body: &str) -> &Self {
        let headers = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        self.answers.lock().push((StatusCode::from_u16(status).unwrap(), headers, body.to_owned()));
        self
    }

    fn header(&self, request: usize, name: &str) -> String {
        self.requests.lock()[request].1[name].to_str().unwrap().to_owned()
    }

    fn count(&self) -> usize {
        self.requests.lock().len()
    }
}

async fn receive(State(receiver): State<Receiver>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    receiver.requests.lock().push((uri, headers, body));
    let mut answers = receiver.answers.lock();
    if answers.is_empty() {
        return StatusCode::OK.into_response();
    }
    let (status, headers, body) = answers.remove(0);
    let headers: HeaderMap = headers.into_iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
    (status, headers, body).into_response()
}

struct Stage {
    house: House,
    receiver: Receiver,
    url: String,
}

async fn stage() -> Stage {
    // Clients are made with the provider that the process has installed; a second install is refused.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let receiver = Receiver::default();
    let url = receiver.start().await;
    Stage { house: House::new(shop()).await, receiver, url }
}

impl Stage {
    fn task(&self) -> NotifyTask {
        let url = self.url.clone();
        let secrets: Secrets = Arc::new(move |name| match name {
            "HOOK" => Some(url.clone()),
            "TOKEN" => Some("Bearer t0ken".to_owned()),
            _ => None,
        });
        NotifyTask::new(self.house.ledger.clone(), self.house.shared_clock()).held_by("here").with_secrets(secrets)
    }

    async fn add(&self, target: &str, channel: Channel, body: Value) -> DeliveryId {
        let delivery = Delivery {
            id: DeliveryId::random(),
            channel,
            rule: "tell".to_owned(),
            target: target.to_owned(),
            headers: BTreeMap::from([("authorization".to_owned(), "env:TOKEN".to_owned())]),
            body,
            status: DeliveryStatus::Pending,
            attempts: 0,
            next_attempt_at: Some(self.house.shared_clock().now()),
            last_error: None,
            created_at: self.house.shared_clock().now(),
            delivered_at: None,
            cause: EventId::random(),
            incident: None,
        };
        self.house.ledger.commit(Batch::new().delivery(delivery.clone())).await.unwrap();
        delivery.id
    }

    async fn get(&self, id: &DeliveryId) -> Delivery {
        self.house.ledger.delivery(id).await.unwrap()
    }

    /// Moves the clock to the next attempt and makes it.
    async fn next_attempt(&self, task: &NotifyTask, id: &DeliveryId) -> Delivery {
        self.house.clock.set(self.get(id).await.next_attempt_at.unwrap());
        task.pass().await.unwrap();
        self.get(id).await
    }
}

#[tokio::test]
async fn events_texts_and_slack_messages_arrive_as_they_should() {
    let stage = stage().await;
    let task = stage.task();
    for (channel, body, content_type) in [
        (Channel::Webhook, json!({ "specversion": "1.0" }), "application/cloudevents+json"),
        (Channel::Webhook, json!("orders fail"), "text/plain; charset=utf-8"),
        (Channel::Slack, json!({ "text": "orders fail" }), "application/json"),
    ] {
        let id = stage.add("env:HOOK", channel, body.clone()).await;
        task.pass().await.unwrap();
        assert_eq!(stage.get(&id).await.status, DeliveryStatus::Delivered);
        let last = stage.receiver.count() - 1;
        assert_eq!(stage.receiver.header(last, "content-type"), content_type);
        assert_eq!(stage.receiver.header(last, "idempotency-key"), id.as_str());
        assert_eq!(stage.receiver.header(last, "authorization"), "Bearer t0ken");
        let sent = stage.receiver.requests.lock()[last].2.clone();
        assert_eq!(sent, body.as_str().map_or_else(|| body.to_string(), str::to_owned));
    }
    assert_eq!(stage.house.events(&[types::NOTIFICATION_DELIVERED]).await.len(), 3);
}

#[tokio::test]
async fn a_failing_receiver_is_tried_again_with_the_same_key() {
    let stage = stage().await;
    stage.receiver.will_answer(503, &[], "busy").will_answer(429, &[("retry-after", "300")], "");
    let id = stage.add("env:HOOK", Channel::Webhook, json!({})).await;
    stage.task().pass().await.unwrap();
    let first = stage.get(&id).await;
    assert_eq!((first.status, first.attempts), (DeliveryStatus::Pending, 1));
    assert_eq!(first.last_error.as_deref(), Some("the receiver answered 503 Service Unavailable: busy"));
    // Before its time nothing is sent, whoever begins anew.
    let task = stage.task();
    task.pass().await.unwrap();
    assert_eq!(stage.receiver.count(), 1);

    let before = first.next_attempt_at.unwrap();
    let second = stage.next_attempt(&task, &id).await;
    assert_eq!(second.next_attempt_at.unwrap().duration_since(before).as_secs(), 300);
    let third = stage.next_attempt(&task, &id).await;
    assert_eq!((third.status, third.attempts, third.last_error), (DeliveryStatus::Delivered, 3, None));
    let keys: Vec<_> = (0..3).map(|request| stage.receiver.header(request, "idempotency-key")).collect();
    assert_eq!(keys, [id.as_str(); 3]);
}

#[tokio::test]
async fn a_refusal_is_final_until_a_person_tries_again() {
    let stage = stage().await;
    stage.receiver.will_answer(404, &[], "no_service /services/T0/s3cret");
    let id = stage.add("env:HOOK", Channel::Slack, json!({ "text": "x" })).await;
    let task = stage.task();
    task.pass().await.unwrap();
    let dead = stage.get(&id).await;
    assert_eq!((dead.status, dead.next_attempt_at), (DeliveryStatus::Dead, None));
    assert_eq!(dead.last_error.as_deref(), Some("the receiver answered 404 Not Found"));
    let [event] = stage.house.events(&[types::NOTIFICATION_DEAD]).await.try_into().unwrap();
    assert_eq!(event.data["delivery"], json!(id));

    let deliveries = Deliveries::new(stage.house.ledger.clone(), stage.house.shared_clock());
    deliveries.retry(&id, &Actor("user:default/jo".to_owned())).await.unwrap();
    task.pass().await.unwrap();
    assert_eq!(stage.get(&id).await.status, DeliveryStatus::Delivered);
    let again = deliveries.retry(&id, &Actor::system()).await.unwrap_err();
    assert_eq!(again.kind(), Kind::Conflict);
}

#[tokio::test]
async fn after_the_last_attempt_a_delivery_is_dead() {
    let stage = stage().await;
    let unused = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/s3cret", unused.local_addr().unwrap());
    drop(unused);
    let id = stage.add(&url, Channel::Webhook, json!({})).await;
    let task = stage.task();
    let mut delivery = stage.get(&id).await;
    while delivery.status == DeliveryStatus::Pending {
        delivery = stage.next_attempt(&task, &id).await;
        let error = delivery.last_error.clone().unwrap();
        assert!(error.starts_with("the receiver cannot be reached") && !error.contains("s3cret"), "{error}");
    }
    assert_eq!((delivery.status, delivery.attempts), (DeliveryStatus::Dead, state::ATTEMPTS_MAX));
    assert_eq!(shown_target(&delivery), "http://127.0.0.1/…");
}

#[tokio::test]
async fn redirects_are_followed_only_within_the_host_and_with_the_whole_request() {
    let stage = stage().await;
    let elsewhere = Receiver::default();
    let other = elsewhere.start().await;
    stage.receiver.will_answer(308, &[("location", "/moved")], "").will_answer(200, &[], "");
    let within = stage.add("env:HOOK", Channel::Webhook, json!({ "a": 1 })).await;
    let task = stage.task();
    task.pass().await.unwrap();
    assert_eq!(stage.get(&within).await.status, DeliveryStatus::Delivered);
    assert_eq!(stage.receiver.requests.lock()[1].0.path(), "/moved");
    assert_eq!(stage.receiver.requests.lock()[1].2, json!({ "a": 1 }).to_string());

    stage.receiver.will_answer(307, &[("location", &other)], "");
    let away = stage.add("env:HOOK", Channel::Webhook, json!({})).await;
    task.pass().await.unwrap();
    assert_eq!((stage.get(&away).await.status, elsewhere.count()), (DeliveryStatus::Dead, 0));
}

#[tokio::test]
async fn what_cannot_be_sent_says_why() {
    let stage = stage().await;
    let missing = stage.add("env:MISSING", Channel::Webhook, json!({})).await;
    let odd = stage.add("ftp://example.org/", Channel::Webhook, json!({})).await;
    stage.task().pass().await.unwrap();
    let missing = stage.get(&missing).await;
    assert_eq!(missing.status, DeliveryStatus::Pending);
    assert_eq!(missing.last_error.as_deref(), Some("the environment variable MISSING is not set; set it where the server runs"));
    let odd = stage.get(&odd).await;
    assert_eq!((odd.status, odd.last_error.as_deref()), (DeliveryStatus::Dead, Some("the target is not an http or https URL")));
}

#[tokio::test]
async fn a_receiver_that_does_not_answer_in_time_does_not_hold_up_the_others() {
    let stage = stage().await;
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let stuck = stage.add(&format!("http://{}/", silent.local_addr().unwrap()), Channel::Webhook, json!({})).await;
    let quick = stage.add("env:HOOK", Channel::Webhook, json!({})).await;
    let task = Arc::new(stage.task());
    let pass = tokio::spawn({
        let task = task.clone();
        async move { task.pass().await.map(drop).map_err(|error| error.to_string()) }
    });
    let mut positions = stage.house.ledger.watch();
    let delivered = tokio::time::timeout(Duration::from_secs(5), async {
        while stage.get(&quick).await.status != DeliveryStatus::Delivered {
            positions.changed().await.unwrap();
        }
    });
    delivered.await.unwrap();
    assert_eq!(stage.get(&stuck).await.status, DeliveryStatus::Pending);
    pass.abort();
}
