//! Parameters and secrets: versions, what stands at them, and who wrote first.

use std::collections::BTreeMap;

use kernel::RunId;
use ledger::*;
use serde_json::json;

use crate::support::*;

on_every_backend!(
    parameters_lie_in_a_tree,
    a_version_is_written_once,
    secrets_are_found_by_what_happens_to_them,
    a_data_key_is_wrapped_anew,
    the_last_read_is_known,
);

pub fn a_parameter(path: &str) -> Parameter {
    Parameter {
        path: path.to_owned(),
        description: None,
        latest: 1,
        labels: BTreeMap::new(),
        changed_at: instant(0),
        changed_by: Actor::system(),
        revision: 0,
    }
}

fn a_value(path: &str, version: i64) -> ParameterVersion {
    let (kind, value) = (ParameterKind::List, json!(["a", "b"]));
    ParameterVersion { path: path.to_owned(), version, kind, value, written_at: instant(version), written_by: Actor::system() }
}

pub fn a_secret(path: &str) -> Secret {
    Secret {
        path: path.to_owned(),
        description: None,
        latest: 1,
        stages: BTreeMap::from([(Stage::Current, 1)]),
        created_at: instant(0),
        changed_at: instant(0),
        changed_by: Actor::system(),
        rotation: None,
        revision: 0,
    }
}

fn a_sealed_version(path: &str, version: i64, key: &str) -> SecretVersion {
    let sealed = Sealed { key: key.to_owned(), wrapped: "AAAA".to_owned(), ciphertext: "BBBB".to_owned() };
    SecretVersion { path: path.to_owned(), version, sealed, written_at: instant(version), written_by: Actor::system(), revision: 0 }
}

async fn parameters_lie_in_a_tree(database: TestDatabase) {
    let ledger = database.open().await;
    let paths = ["/shop/orders/timeout", "/shop/orders", "/shop-2/x", "/shop/payments/timeout", "/top"];
    let batch = paths.iter().fold(Batch::new(), |batch, path| batch.parameter(a_parameter(path)).parameter_version(a_value(path, 1)));
    ledger.commit(batch).await.unwrap();
    let below = async |folder: &str| -> Vec<String> { ledger.parameters(folder).await.unwrap().into_iter().map(|parameter| parameter.path).collect() };
    assert_eq!(below("/shop").await, ["/shop/orders", "/shop/orders/timeout", "/shop/payments/timeout"]);
    assert_eq!(below("/shop/orders/").await, ["/shop/orders/timeout"]);
    assert_eq!(below("/").await.len(), 5);
    assert_eq!(ledger.parameter_version("/top", 1).await.unwrap(), a_value("/top", 1));
    assert!(matches!(ledger.parameter("/shop").await, Err(LedgerError::NotFound(_))));
}

async fn a_version_is_written_once(database: TestDatabase) {
    let ledger = database.open().await;
    ledger.commit(Batch::new().parameter(a_parameter("/a")).parameter_version(a_value("/a", 1))).await.unwrap();
    let second = Parameter { latest: 2, labels: BTreeMap::from([("prod".to_owned(), 2)]), revision: 1, ..a_parameter("/a") };
    let late = ledger.commit(Batch::new().parameter(a_parameter("/a"))).await;
    assert!(matches!(late, Err(LedgerError::Conflict(_))), "it is there already");
    let again = Batch::new().parameter(second.clone()).parameter_version(a_value("/a", 1)).event(happened("x"));
    assert!(matches!(ledger.commit(again).await, Err(LedgerError::Conflict(_))), "a version does not change");
    assert_eq!(ledger.parameter("/a").await.unwrap().latest, 1, "all or nothing");
    ledger.commit(Batch::new().parameter(second.clone()).parameter_version(a_value("/a", 2))).await.unwrap();
    assert_eq!(ledger.parameter("/a").await.unwrap(), Parameter { revision: 2, ..second });
    let versions = async || -> Vec<i64> { ledger.parameter_versions("/a").await.unwrap().iter().map(|version| version.version).collect() };
    assert_eq!(versions().await, [2, 1]);
    ledger.commit(Batch::new().forget_parameter_version(("/a".to_owned(), 1))).await.unwrap();
    assert_eq!(versions().await, [2]);
}

async fn secrets_are_found_by_what_happens_to_them(database: TestDatabase) {
    let ledger = database.open().await;
    let run = RunId::random();
    let rotation = Rotation { run: run.clone(), runbook: "rotate".to_owned(), version: 2, begun_by: Actor::system(), begun_at: instant(1) };
    let rotating = Secret { rotation: Some(rotation), ..a_secret("/shop/a") };
    ledger.commit(Batch::new().secret(rotating.clone()).secret(a_secret("/shop/b"))).await.unwrap();
    let rotating = Secret { revision: 1, ..rotating };
    assert_eq!(ledger.rotating_secrets().await.unwrap(), [rotating.clone()]);
    assert_eq!(ledger.secret_rotated_by(&run).await.unwrap(), Some(rotating.clone()));
    assert_eq!(ledger.secret_rotated_by(&RunId::random()).await.unwrap(), None);
    ledger.commit(Batch::new().secret(Secret { rotation: None, ..rotating })).await.unwrap();
    assert_eq!(ledger.rotating_secrets().await.unwrap(), []);
    assert_eq!(ledger.secrets("/shop").await.unwrap().len(), 2);
}

async fn a_data_key_is_wrapped_anew(database: TestDatabase) {
    let ledger = database.open().await;
    let versions = [1, 2].map(|version| a_sealed_version("/a", version, "file:old"));
    ledger.commit(versions.iter().cloned().fold(Batch::new(), Batch::secret_version)).await.unwrap();
    assert_eq!(ledger.master_keys().await.unwrap(), [("file:old".to_owned(), 2)]);
    let first = ledger.secret_versions_not_under("file:new", 1).await.unwrap().pop().unwrap();
    assert_eq!((first.version, first.revision), (1, 1));
    let anew = SecretVersion { sealed: Sealed { key: "file:new".to_owned(), ..first.sealed.clone() }, ..first };
    ledger.commit(Batch::new().secret_version(anew.clone())).await.unwrap();
    assert!(matches!(ledger.commit(Batch::new().secret_version(anew)).await, Err(LedgerError::Conflict(_))), "somebody was quicker");
    let left: Vec<i64> = ledger.secret_versions_not_under("file:new", 10).await.unwrap().iter().map(|version| version.version).collect();
    assert_eq!(left, [2]);
}

async fn the_last_read_is_known(database: TestDatabase) {
    let ledger = database.open().await;
    let read = |second| SecretRead { path: "/a".to_owned(), version: 1, at: instant(second), by: Actor::system(), why: "a test".to_owned() };
    for second in [1, 2] {
        ledger.commit(Batch::new().secret_read(read(second)).event(happened("read"))).await.unwrap();
    }
    assert_eq!(ledger.secret_reads().await.unwrap(), [read(2)]);
}
