//! Rollouts of configurations.

use super::{Result, Select, record, records};
use crate::backend::Value;
use crate::*;

impl Ledger {
    /// Of every profile and environment that was ever served, by name.
    pub async fn config_rollouts(&self) -> Result<Vec<ConfigRollout>> {
        let select = Select::from("SELECT record FROM config_rollouts");
        records(&select.rows(self, " ORDER BY profile, environment", u32::MAX).await?, "a configuration's rollout")
    }

    pub async fn config_rollout(&self, profile: &str, environment: &str) -> Result<Option<ConfigRollout>> {
        let mut select = Select::from("SELECT record FROM config_rollouts");
        select.only("profile = ", Value::key("a profile's name", profile)?);
        select.only("environment = ", Value::key("an environment's name", environment)?);
        let rows = select.rows(self, "", 1).await?;
        rows.first().map(|row| record(row, 0, "a configuration's rollout")).transpose()
    }

    /// What a version says that has arrived, or is on its way.
    pub async fn config_version(&self, profile: &str, environment: &str, version: &str) -> Result<ConfigVersion> {
        let mut select = Select::from("SELECT record FROM config_versions");
        select.only("profile = ", Value::key("a profile's name", profile)?);
        select.only("environment = ", Value::key("an environment's name", environment)?);
        select.only("version = ", Value::key("a configuration's version", version)?);
        let what = format!("version {version} of {profile} in {environment}");
        let rows = select.rows(self, "", 1).await?;
        record(rows.first().ok_or_else(|| LedgerError::NotFound(what.clone()))?, 0, &what)
    }
}
