//! What a parameter may hold, and where labels stand.

use std::sync::Arc;

use documents::value::ParameterAt;
use kernel::SystemClock;
use ledger::{Actor, EventFilter, Ledger, ParameterKind, types};
use serde_json::{Value, json};

use super::*;

async fn parameters() -> Parameters {
    let clock: SharedClock = Arc::new(SystemClock);
    Parameters::new(Ledger::open("sqlite::memory:", clock.clone()).await.unwrap(), clock)
}

fn put(path: &str, kind: ParameterKind, value: Value) -> Put {
    Put { path: path.to_owned(), kind, value, description: None, label: None }
}

fn text(path: &str, value: &str) -> Put {
    put(path, ParameterKind::String, json!(value))
}

#[tokio::test]
async fn a_label_moves_between_versions() {
    let (parameters, jo) = (parameters().await, Actor("user:default/jo".to_owned()));
    let path = "/shop/orders/timeout";
    parameters.put(Put { label: Some("prod".to_owned()), ..text(path, "5s") }, &jo).await.unwrap();
    parameters.put(text(path, "3s"), &jo).await.unwrap();
    let value = async |at| parameters.get(path, &at).await.unwrap().value;
    assert_eq!(value(ParameterAt::Latest).await, "3s");
    assert_eq!(value(ParameterAt::Label("prod".to_owned())).await, "5s");
    parameters.label(path, "prod", Some(2), &jo).await.unwrap();
    assert_eq!(value(ParameterAt::Label("prod".to_owned())).await, "3s");
    assert_eq!(value(ParameterAt::Version(1)).await, "5s");
    let (_, history) = parameters.history(path).await.unwrap();
    assert_eq!(history.iter().map(|version| version.version).collect::<Vec<_>>(), [2, 1]);
    let events = parameters.ledger.events(&EventFilter { subject: Some(path.to_owned()), ..EventFilter::default() }).await.unwrap();
    let kinds: Vec<&str> = events.iter().map(|event| event.kind.as_str()).collect();
    assert_eq!(kinds, [types::PARAMETER_CHANGED, types::PARAMETER_CHANGED, types::PARAMETER_LABELLED]);
    assert!(events.iter().all(|event| event.actor == jo));
}

#[tokio::test]
async fn those_who_write_together_write_one_after_the_other() {
    let parameters = parameters().await;
    let puts = (0..8).map(|n| {
        let parameters = parameters.clone();
        async move { parameters.put(text("/a", &n.to_string()), &Actor::system()).await.unwrap() }
    });
    futures::future::join_all(puts).await;
    assert_eq!(parameters.history("/a").await.unwrap().1.len(), 8);
}

#[tokio::test]
async fn old_versions_make_room_unless_they_are_labelled() {
    let parameters = parameters().await;
    for version in 1..=state::VERSIONS_MAX + 3 {
        let label = (version == 2).then(|| "kept".to_owned());
        parameters.put(Put { label, ..text("/a", "x") }, &Actor::system()).await.unwrap();
    }
    let kept: Vec<i64> = parameters.history("/a").await.unwrap().1.iter().map(|version| version.version).collect();
    assert_eq!(kept.len() as i64, state::VERSIONS_MAX + 1);
    assert!(kept.contains(&2) && !kept.contains(&1) && !kept.contains(&3));
}

#[tokio::test]
async fn what_cannot_be_is_refused_with_the_mend() {
    let parameters = parameters().await;
    for (put, expected) in [
        (text("shop", "x"), "is not a path"),
        (put("/a", ParameterKind::List, json!("x")), "a list of texts"),
        (put("/a", ParameterKind::String, json!(5)), "must be a text"),
        (text("/a", &"x".repeat(state::VALUE_BYTES_MAX + 1)), "at most 8192"),
        (text("/shop/db-password", "hunter2"), "`db-password` looks like a secret"),
        (put("/a", ParameterKind::Json, json!({ "db": [{ "client_secret": "x" }] })), "`client_secret` looks like a secret"),
        (text("/a", "-----BEGIN PRIVATE KEY-----"), "mainstay secret put"),
        (text("/a", "key=AKIAIOSFODNN7EXAMPLE"), "looks like a secret"),
        (Put { label: Some("1st".to_owned()), ..text("/a", "x") }, "cannot be a label"),
    ] {
        let error = parameters.put(put, &Actor::system()).await.unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    parameters.put(put("/a", ParameterKind::Json, json!({ "password_rounds": "12", "secret": "", "keys": ["a"] })), &Actor::system()).await.unwrap();
    let unknown = parameters.get("/a", &ParameterAt::Label("prod".to_owned())).await.unwrap_err().to_string();
    assert_eq!(unknown, "/a has no label \"prod\"; it has none");
}
