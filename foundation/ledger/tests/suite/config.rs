//! Rollouts of configurations: who writes first, and what is kept of the versions.

use kernel::RunId;
use ledger::*;

use crate::support::*;

on_every_backend!(a_rollout_is_changed_by_one_at_a_time, a_version_is_kept_while_somebody_has_it);

fn arrived(version: &str) -> ConfigRollout {
    ConfigRollout {
        profile: "checkout".to_owned(),
        environment: "production".to_owned(),
        arrived: version.to_owned(),
        arrived_at: instant(0),
        arrived_by: None,
        coming: None,
        refused: None,
        revision: 0,
    }
}

fn coming(version: &str) -> Option<ConfigComing> {
    let (digest, key) = ("d".to_owned(), "config/1".to_owned());
    Some(ConfigComing { version: version.to_owned(), digest, run: RunId::random(), key, weight_percent: 12.5, since: instant(1) })
}

fn version(environment: &str, version: &str) -> ConfigVersion {
    ConfigVersion {
        profile: "checkout".to_owned(),
        environment: environment.to_owned(),
        version: version.to_owned(),
        flags_format: Some("flagd".to_owned()),
        content_type: "application/json".to_owned(),
        file: None,
        commit: None,
        text: "{}".to_owned(),
    }
}

async fn a_rollout_is_changed_by_one_at_a_time(database: TestDatabase) {
    let ledger = database.open().await;
    assert_eq!(ledger.config_rollout("checkout", "production").await.unwrap(), None);
    ledger.commit(Batch::new().config_rollout(arrived("1"))).await.unwrap();
    assert!(matches!(ledger.commit(Batch::new().config_rollout(arrived("2"))).await, Err(LedgerError::Conflict(_))), "it is there already");
    let begun = ConfigRollout { coming: coming("2"), revision: 1, ..arrived("1") };
    ledger.commit(Batch::new().config_rollout(begun.clone())).await.unwrap();
    assert!(matches!(ledger.commit(Batch::new().config_rollout(begun.clone())).await, Err(LedgerError::Conflict(_))), "somebody was quicker");
    assert_eq!(ledger.config_rollouts().await.unwrap(), [ConfigRollout { revision: 2, ..begun }]);
}

async fn a_version_is_kept_while_somebody_has_it(database: TestDatabase) {
    let ledger = database.open().await;
    let kept = async |name: &str| ledger.config_version("checkout", "production", name).await.is_ok();
    ledger.commit(Batch::new().config_version(version("production", "1")).config_version(version("beta", "1")).config_rollout(arrived("1"))).await.unwrap();
    let begun = ConfigRollout { coming: coming("2"), revision: 1, ..arrived("1") };
    ledger.commit(Batch::new().config_version(version("production", "2")).config_rollout(begun)).await.unwrap();
    assert!(kept("1").await && kept("2").await);
    ledger.commit(Batch::new().config_rollout(ConfigRollout { revision: 2, ..arrived("2") })).await.unwrap();
    assert!(!kept("1").await && kept("2").await);
    assert_eq!(ledger.config_version("checkout", "beta", "1").await.unwrap(), version("beta", "1"), "another environment's");
}
