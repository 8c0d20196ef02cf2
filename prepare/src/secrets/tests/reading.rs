//! Who may read, and what is on record.

use documents::value::SecretAt;
use ledger::types;
use secrecy::ExposeSecret;

use super::world::*;
use crate::secrets::{Asking, Principal, SecretError};

fn person(name: &str) -> Principal {
    Principal::person(&user(name))
}

fn run(document: &str) -> Principal {
    Principal::run(&user("bob"), document)
}

#[tokio::test]
async fn the_policy_says_who_reads() {
    let world = World::new().await;
    for path in ["/shop/orders/db", "/shop/orders/keys/api", "/shop/shared", "/shop/unknown/x"] {
        world.put(path, "hunter22").await;
    }
    let may = async |principal: Principal, path: &str| match world.secrets.read(path, &SecretAt::Current, &asking(principal)).await {
        Ok((_, value)) => value.expose_secret() == "hunter22",
        Err(SecretError::Forbidden(_)) => false,
        Err(error) => panic!("{error}"),
    };
    assert!(may(person("jo"), "/shop/orders/db").await, "of the team that owns the component in the path");
    assert!(!may(person("ann"), "/shop/orders/db").await);
    assert!(may(run("restart"), "/shop/orders/db").await, "a runbook of the component");
    assert!(!may(run("other"), "/shop/orders/db").await);
    assert!(!may(Principal::run(&user("jo"), "other"), "/shop/orders/db").await, "a run reads as its document, not as who asked for it");
    assert!(may(person("ann"), "/shop/orders/keys/api").await, "the longest entry decides");
    assert!(!may(person("jo"), "/shop/orders/keys/api").await);
    assert!(!may(run("restart"), "/shop/orders/keys/api").await);
    assert!(may(person("jo"), "/shop/shared").await && may(run("other"), "/shop/shared").await);
    assert!(!may(person("jo"), "/shop/unknown/x").await, "what nobody speaks for is read by nobody");
}

#[tokio::test]
async fn a_refusal_names_its_mend_and_is_on_record() {
    let world = World::new().await;
    world.put("/elsewhere/x", "hunter22").await;
    let error = world.read("/elsewhere/x", SecretAt::Current).await.unwrap_err().to_string();
    assert_eq!(
        error,
        "no entry of the workload's spec.secrets is for /elsewhere/x, and no part of it names a component: add one with its `readers` or `documents`"
    );
    let refused = world.events("/elsewhere/x").await.pop().unwrap();
    assert_eq!((refused.kind.as_str(), &refused.actor), (types::SECRET_REFUSED, &user("jo")));
    assert!(world.ledger.secret_reads().await.unwrap().is_empty());
}

#[tokio::test]
async fn every_reading_is_on_record_without_the_value() {
    let world = World::new().await;
    world.put("/shop/orders/db", "hunter22").await;
    let unexplained = Asking { why: " ".to_owned(), ..asking(person("jo")) };
    assert!(matches!(world.secrets.read("/shop/orders/db", &SecretAt::Current, &unexplained).await, Err(SecretError::NoReason)));
    let asking = Asking { why: "to log in by hand".to_owned(), ..asking(person("jo")) };
    world.secrets.read("/shop/orders/db", &SecretAt::Current, &asking).await.unwrap();
    let read = world.events("/shop/orders/db").await.pop().unwrap();
    assert_eq!((read.kind.as_str(), &read.actor), (types::SECRET_READ, &user("jo")));
    assert_eq!((&read.data["why"], &read.data["version"]), (&"to log in by hand".into(), &1.into()));
    let last = world.secrets.list("/shop").await.unwrap().pop().unwrap().last_read.unwrap();
    assert_eq!((last.by, last.version), (user("jo"), 1));
}

#[tokio::test]
async fn the_value_is_in_no_file() {
    let world = World::new().await;
    world.put("/shop/orders/db", "hunter22-and-more").await;
    world.read("/shop/orders/db", SecretAt::Current).await.unwrap();
    world.secrets.rewrap(true, &user("jo")).await.unwrap();
    let mut files = 0;
    for entry in std::fs::read_dir(world.folder.path()).unwrap().flatten().filter(|entry| entry.path().is_file()) {
        let bytes = std::fs::read(entry.path()).unwrap();
        assert!(!bytes.windows(17).any(|window| window == b"hunter22-and-more"), "{:?}", entry.path());
        files += 1;
    }
    assert!(files >= 2, "the ledger and its log, at least");
}
