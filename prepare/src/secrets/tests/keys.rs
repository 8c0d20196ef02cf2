//! Master keys: where they lie, who may see them, and how they change.

use std::os::unix::fs::PermissionsExt;

use documents::value::SecretAt;

use super::world::*;
use crate::secrets::keys::{KeyError, KeySource};

fn path(source: &KeySource) -> std::path::PathBuf {
    match source {
        KeySource::File(path) => path.clone(),
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn the_first_use_makes_a_file_that_nobody_else_reads() {
    let mut world = World::new().await;
    let file = path(&world.key_file());
    assert!(!file.exists());
    world.put("/shop/orders/a", "hunter22").await;
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    world.restart().await;
    assert_eq!(world.read("/shop/orders/a", SecretAt::Current).await.unwrap(), "hunter22");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).unwrap();
    world.restart().await;
    let error = world.read("/shop/orders/a", SecretAt::Current).await.unwrap_err().to_string();
    assert!(error.contains("can be read by others (mode 640); allow nobody else: chmod 600"), "{error}");
}

#[tokio::test]
async fn a_lost_file_is_not_replaced_by_a_new_one() {
    let mut world = World::new().await;
    world.put("/shop/orders/a", "hunter22").await;
    let file = path(&world.key_file());
    std::fs::remove_file(&file).unwrap();
    world.restart().await;
    let error = world.secrets.put("/shop/orders/b", &"hunter22".into(), None, false, &user("jo")).await.unwrap_err().to_string();
    assert!(error.contains("is gone, and values in the ledger are sealed with it; put it back"), "{error}");
    assert!(!file.exists());
}

#[tokio::test]
async fn a_new_key_wraps_everything_anew_and_the_old_one_can_go() {
    let mut world = World::new().await;
    for n in 0..3 {
        world.put(&format!("/shop/orders/{n}"), "hunter22").await;
    }
    let before = world.ledger.secret_version("/shop/orders/1", 1).await.unwrap();
    let rewrapped = world.secrets.rewrap(true, &user("jo")).await.unwrap();
    assert_eq!(rewrapped.count, 3);
    let after = world.ledger.secret_version("/shop/orders/1", 1).await.unwrap();
    assert_ne!((&after.sealed.key, &after.sealed.wrapped), (&before.sealed.key, &before.sealed.wrapped));
    assert_eq!(after.sealed.ciphertext, before.sealed.ciphertext, "the value itself stays as it is");
    let file = path(&world.key_file());
    let text = std::fs::read_to_string(&file).unwrap();
    assert_eq!(text.lines().count(), 2, "the old key is kept until somebody takes it away");
    std::fs::write(&file, text.lines().next().unwrap()).unwrap();
    world.restart().await;
    assert_eq!(world.read("/shop/orders/1", SecretAt::Current).await.unwrap(), "hunter22");
    assert_eq!(world.secrets.rewrap(false, &user("jo")).await.unwrap().count, 0, "it may be repeated");
}

#[tokio::test]
async fn a_key_may_move_to_another_place() {
    let world = World::new().await;
    world.put("/shop/orders/a", "hunter22").await;
    let other = KeySource::File(world.folder.path().join("other.key"));
    let unable = world.with_keys(other.clone(), Vec::new());
    std::fs::write(path(&other), "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\n").unwrap();
    std::fs::set_permissions(path(&other), std::fs::Permissions::from_mode(0o600)).unwrap();
    let error = read(&unable, "/shop/orders/a", SecretAt::Current).await.unwrap_err().to_string();
    assert!(error.contains("name where it is by --old-master-key"), "{error}");
    let able = world.with_keys(other, vec![world.key_file()]);
    assert_eq!(read(&able, "/shop/orders/a", SecretAt::Current).await.unwrap(), "hunter22");
    assert_eq!(able.rewrap(false, &user("jo")).await.unwrap().count, 1);
    assert_eq!(read(&unable, "/shop/orders/a", SecretAt::Current).await.unwrap(), "hunter22", "now it suffices");
}

#[tokio::test]
async fn a_file_that_is_no_key_is_told_from_one() {
    let world = World::new().await;
    let file = path(&world.key_file());
    for text in ["", "# only words\n", "hunter22", "AAAA"] {
        std::fs::write(&file, text).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
        let error = world.secrets.put("/shop/orders/a", &"hunter22".into(), None, false, &user("jo")).await.unwrap_err().to_string();
        assert!(error.contains("holds no master key: a key is 32 bytes in Base64"), "{error}");
    }
}

#[test]
fn a_place_is_named_in_one_of_three_ways() {
    assert_eq!("file:/x/y".parse::<KeySource>().unwrap(), KeySource::File("/x/y".into()));
    assert_eq!("kms:alias/ops".parse::<KeySource>().unwrap().to_string(), "kms:alias/ops");
    assert!(matches!("env:SHOP_KEY".parse::<KeySource>(), Err(KeyError::Seen { .. })));
    assert!(matches!("vault:x".parse::<KeySource>(), Err(KeyError::Source { .. })));
}
