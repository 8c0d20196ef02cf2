//! Stages move as in AWS Secrets Manager.

use std::collections::BTreeMap;

use documents::value::SecretAt;
use ledger::{Stage, types};

use super::world::*;
use crate::secrets::{SecretError, state};

const PATH: &str = "/shop/orders/db";

fn stages(pairs: &[(Stage, i64)]) -> BTreeMap<Stage, i64> {
    pairs.iter().copied().collect()
}

#[tokio::test]
async fn what_becomes_current_makes_the_other_previous() {
    let (world, jo) = (World::new().await, user("jo"));
    assert_eq!(world.put(PATH, "one-1").await.stages, stages(&[(Stage::Current, 1)]));
    assert_eq!(world.put(PATH, "two-2").await.stages, stages(&[(Stage::Current, 2), (Stage::Previous, 1)]));
    let pending = world.secrets.put(PATH, &"three-3".into(), Some("the database"), true, &jo).await.unwrap();
    assert_eq!(pending.stages, stages(&[(Stage::Current, 2), (Stage::Pending, 3), (Stage::Previous, 1)]));
    assert_eq!(world.read(PATH, SecretAt::Pending).await.unwrap(), "three-3");
    let promoted = world.secrets.promote(PATH, &jo).await.unwrap();
    assert_eq!(promoted.stages, stages(&[(Stage::Current, 3), (Stage::Previous, 2)]));
    let back = world.secrets.roll_back(PATH, &jo).await.unwrap();
    assert_eq!(back.stages, stages(&[(Stage::Current, 2), (Stage::Previous, 3)]));
    assert_eq!(world.read(PATH, SecretAt::Current).await.unwrap(), "two-2");
    assert_eq!(world.read(PATH, SecretAt::Version(1)).await.unwrap(), "one-1");
    assert!(matches!(world.secrets.promote(PATH, &jo).await, Err(SecretError::NoStage { stage: Stage::Pending, .. })));
    world.secrets.put(PATH, &"four-4".into(), None, true, &jo).await.unwrap();
    let dropped = world.secrets.drop_pending(PATH, &jo).await.unwrap();
    assert_eq!((dropped.stages, dropped.description.as_deref()), (back.stages, Some("the database")));
    let kinds: Vec<String> = world.events(PATH).await.into_iter().map(|event| event.kind).filter(|kind| kind != types::SECRET_READ).collect();
    let written = types::SECRET_WRITTEN;
    assert_eq!(kinds, [written, written, written, types::SECRET_PROMOTED, types::SECRET_ROLLED_BACK, written, types::SECRET_DROPPED]);
}

#[tokio::test]
async fn old_versions_make_room() {
    let world = World::new().await;
    for n in 0..state::VERSIONS_MAX + 5 {
        world.put(PATH, &format!("value-{n}")).await;
    }
    let (secret, versions) = world.secrets.history(PATH).await.unwrap();
    assert_eq!((secret.latest, versions.len() as i64), (state::VERSIONS_MAX + 5, state::VERSIONS_MAX));
}

#[tokio::test]
async fn what_cannot_be_kept_is_refused_without_being_repeated() {
    let world = World::new().await;
    for value in ["pin", "zero\0zero", &"x".repeat(state::VALUE_BYTES_MAX + 1)] {
        let error = world.secrets.put(PATH, &value.into(), None, false, &user("jo")).await.unwrap_err().to_string();
        assert!(!error.contains(value), "{error}");
    }
    assert!(matches!(world.secrets.put("no/path", &"hunter22".into(), None, false, &user("jo")).await, Err(SecretError::Path(_))));
}
