//! Parameters and secrets.

use kernel::RunId;

use super::{Result, Select, record, records};
use crate::backend::Value;
use crate::*;

impl Ledger {
    /// All that lie below a folder such as `/shop`, or all there are below `/`, by path.
    pub async fn parameters(&self, under: &str) -> Result<Vec<Parameter>> {
        let mut select = Select::from("SELECT record FROM parameters");
        select.only_below(under)?;
        records(&select.rows(self, " ORDER BY path", u32::MAX).await?, "a parameter")
    }

    pub async fn parameter(&self, path: &str) -> Result<Parameter> {
        self.one("SELECT record FROM parameters", "path = ", Value::key("a path", path)?, format!("the parameter {path}")).await
    }

    /// Newest first; those that were forgotten are missing.
    pub async fn parameter_versions(&self, path: &str) -> Result<Vec<ParameterVersion>> {
        let mut select = Select::from("SELECT record FROM parameter_versions");
        select.only("path = ", Value::key("a path", path)?);
        records(&select.rows(self, " ORDER BY version DESC", u32::MAX).await?, "a parameter's version")
    }

    pub async fn parameter_version(&self, path: &str, version: i64) -> Result<ParameterVersion> {
        let from = "SELECT record FROM parameter_versions";
        self.version(from, path, version, format!("version {version} of the parameter {path}")).await
    }

    /// As [`parameters`](Self::parameters).
    pub async fn secrets(&self, under: &str) -> Result<Vec<Secret>> {
        let mut select = Select::from("SELECT record FROM secrets");
        select.only_below(under)?;
        records(&select.rows(self, " ORDER BY path", u32::MAX).await?, "a secret")
    }

    pub async fn secret(&self, path: &str) -> Result<Secret> {
        self.one("SELECT record FROM secrets", "path = ", Value::key("a path", path)?, format!("the secret {path}")).await
    }

    /// Those that a runbook is rotating.
    pub async fn rotating_secrets(&self) -> Result<Vec<Secret>> {
        let select = Select::from("SELECT record FROM secrets WHERE rotation IS NOT NULL");
        records(&select.rows(self, " ORDER BY path", u32::MAX).await?, "a secret")
    }

    /// The one that this run is rotating.
    pub async fn secret_rotated_by(&self, run: &RunId) -> Result<Option<Secret>> {
        let mut select = Select::from("SELECT record FROM secrets");
        select.only("rotation = ", Value::own(run));
        let rows = select.rows(self, "", 1).await?;
        rows.first().map(|row| record(row, 0, "a secret")).transpose()
    }

    /// Newest first; those that were forgotten are missing.
    pub async fn secret_versions(&self, path: &str) -> Result<Vec<SecretVersion>> {
        let mut select = Select::from("SELECT record FROM secret_versions");
        select.only("path = ", Value::key("a path", path)?);
        records(&select.rows(self, " ORDER BY version DESC", u32::MAX).await?, "a secret's version")
    }

    pub async fn secret_version(&self, path: &str, version: i64) -> Result<SecretVersion> {
        let from = "SELECT record FROM secret_versions";
        self.version(from, path, version, format!("version {version} of the secret {path}")).await
    }

    /// Versions whose data key is wrapped with another master key than this.
    pub async fn secret_versions_not_under(&self, key: &str, limit: u32) -> Result<Vec<SecretVersion>> {
        let mut select = Select::from("SELECT record FROM secret_versions");
        select.only("key <> ", Value::key("a master key's id", key)?);
        records(&select.rows(self, " ORDER BY path, version", limit).await?, "a secret's version")
    }

    /// How many versions each master key wraps, by its id.
    pub async fn master_keys(&self) -> Result<Vec<(String, i64)>> {
        let sql = "SELECT key, CAST(count(*) AS BIGINT) FROM secret_versions GROUP BY key ORDER BY key";
        let rows = self.database().query(sql, Vec::new()).await?;
        rows.iter().map(|row| Ok((row.text(0)?, row.integer(1)?))).collect()
    }

    /// The last read of each secret that was ever read, by path.
    pub async fn secret_reads(&self) -> Result<Vec<SecretRead>> {
        let select = Select::from("SELECT record FROM secret_reads");
        records(&select.rows(self, " ORDER BY path", u32::MAX).await?, "a read of a secret")
    }

    async fn version<T: serde::de::DeserializeOwned>(&self, from: &'static str, path: &str, version: i64, what: String) -> Result<T> {
        let mut select = Select::from(from);
        select.only("path = ", Value::key("a path", path)?);
        select.only("version = ", Value::integer(version));
        let rows = select.rows(self, "", 1).await?;
        record(rows.first().ok_or_else(|| LedgerError::NotFound(what.clone()))?, 0, &what)
    }
}

impl Select {
    /// Paths below a folder: between `folder/` and `folder0`, the character after the slash.
    fn only_below(&mut self, folder: &str) -> Result<()> {
        let folder = folder.trim_end_matches('/');
        if !folder.is_empty() {
            self.only("path >= ", Value::key("a path", &format!("{folder}/"))?);
            self.only("path < ", Value::key("a path", &format!("{folder}0"))?);
        }
        Ok(())
    }
}
