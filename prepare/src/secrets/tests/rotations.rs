//! Rotations end as their runs do, whenever the server was killed.

use std::collections::BTreeMap;

use documents::value::SecretAt;
use kernel::task::Task;
use ledger::{Actor, Batch, EventFilter, Run, RunKind, RunStatus, Secret, Stage, types};
use secrecy::ExposeSecret;

use super::world::*;
use crate::secrets::{New, Principal, SecretError};

const PATH: &str = "/shop/orders/db";

/// The run as an executor would have written it.
async fn run_becomes(world: &World, secret: &Secret, status: RunStatus) {
    let rotation = secret.rotation.as_ref().unwrap();
    let now = rotation.begun_at;
    let run = Run {
        id: rotation.run.clone(),
        kind: RunKind::Runbook,
        document: rotation.runbook.clone(),
        title: rotation.runbook.clone(),
        document_digest: String::new(),
        status,
        initiator: Actor::system(),
        incident: None,
        component: None,
        parameters: BTreeMap::new(),
        outputs: BTreeMap::new(),
        requested_at: now,
        started_at: Some(now),
        finished_at: Some(now),
        deadline: None,
        error: (status == RunStatus::Failed).then(|| "the database refused".to_owned()),
        cancel_requested: false,
        revision: 0,
    };
    world.ledger.commit(Batch::new().run(run)).await.unwrap();
}

async fn pass(world: &World) {
    world.secrets.task().pass().await.unwrap();
}

async fn begun() -> (World, Secret) {
    let world = World::new().await;
    world.put(PATH, "old-value").await;
    let secret = world.secrets.rotate(PATH, "restart", New::Given("new-value".into()), &user("jo")).await.unwrap();
    (world, secret)
}

#[tokio::test]
async fn a_run_is_asked_for_together_with_the_pending_version() {
    let (world, secret) = begun().await;
    assert_eq!(secret.stages[&Stage::Pending], 2);
    let filter = EventFilter { kinds: vec![types::RUN_REQUESTED.to_owned()], ..EventFilter::default() };
    let requested = world.ledger.events(&filter).await.unwrap().pop().unwrap();
    assert_eq!((requested.run.as_ref(), &requested.data["document"]), (secret.rotation.as_ref().map(|rotation| &rotation.run), &"restart".into()));
    assert!(!requested.data.to_string().contains("new-value"));
    let busy = world.secrets.put(PATH, &"third-value".into(), None, false, &user("jo")).await.unwrap_err();
    assert!(matches!(busy, SecretError::Rotating { .. }), "nobody moves stages meanwhile");
}

#[tokio::test]
async fn the_run_that_rotates_may_read_and_no_other() {
    let (world, secret) = begun().await;
    let mut asking = asking(Principal::run(&user("bob"), "other"));
    assert!(matches!(world.secrets.read(PATH, &SecretAt::Pending, &asking).await, Err(SecretError::Forbidden(_))));
    asking.run = secret.rotation.map(|rotation| rotation.run);
    assert_eq!(world.secrets.read(PATH, &SecretAt::Pending, &asking).await.unwrap().1.expose_secret(), "new-value");
}

#[tokio::test]
async fn a_success_makes_it_current_even_after_a_crash() {
    let (mut world, secret) = begun().await;
    pass(&world).await;
    assert_eq!(world.ledger.secret(PATH).await.unwrap().revision, secret.revision, "it waits for its run");
    world.restart().await;
    run_becomes(&world, &secret, RunStatus::Succeeded).await;
    world.restart().await;
    pass(&world).await;
    pass(&world).await;
    let after = world.ledger.secret(PATH).await.unwrap();
    assert_eq!((after.rotation.is_none(), after.stages), (true, BTreeMap::from([(Stage::Current, 2), (Stage::Previous, 1)])));
    assert_eq!(world.read(PATH, SecretAt::Current).await.unwrap(), "new-value");
    let rotated = world.events(PATH).await.into_iter().filter(|event| event.kind == types::SECRET_ROTATED).count();
    assert_eq!(rotated, 1, "once, however often the task looks");
}

#[tokio::test]
async fn a_failure_drops_it_and_says_so() {
    for status in [RunStatus::Failed, RunStatus::Cancelled] {
        let (mut world, secret) = begun().await;
        run_becomes(&world, &secret, status).await;
        world.restart().await;
        pass(&world).await;
        let after = world.ledger.secret(PATH).await.unwrap();
        assert_eq!((after.rotation.is_none(), after.stages), (true, BTreeMap::from([(Stage::Current, 1)])));
        assert!(world.ledger.secret_version(PATH, 2).await.is_err(), "its ciphertext is gone, too");
        let failed = world.events(PATH).await.pop().unwrap();
        assert_eq!(failed.kind, types::SECRET_ROTATION_FAILED);
        assert_eq!(failed.data["error"].as_str(), (status == RunStatus::Failed).then_some("the database refused"));
        assert_eq!(world.put(PATH, "third-value").await.latest, 3, "a number is never used twice");
    }
}

#[tokio::test]
async fn a_value_can_be_made_and_a_runbook_must_be_there() {
    let world = World::new().await;
    world.put(PATH, "old-value").await;
    let rotate = async |runbook: &str, length, actor: &str| world.secrets.rotate(PATH, runbook, New::Generated(length), &user(actor)).await;
    assert!(matches!(rotate("restrat", 32, "jo").await, Err(SecretError::NoRunbook(_))));
    assert!(matches!(rotate("restart", 3, "jo").await, Err(SecretError::Length { .. })));
    assert!(matches!(rotate("restart", 32, "bob").await, Err(SecretError::Forbidden(_))), "a runbook is given what its asker may see");
    rotate("restart", 40, "jo").await.unwrap();
    let value = world.read(PATH, SecretAt::Pending).await.unwrap();
    assert!(value.len() == 40 && value.bytes().all(|byte| byte.is_ascii_alphanumeric()));
}
