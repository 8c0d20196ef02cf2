//! Rollouts of configurations as statements.

use super::{Result, Statement};
use crate::backend::Value;
use crate::*;

pub(super) fn state(batch: &Batch) -> Result<Vec<Statement>> {
    let mut statements = Vec::new();
    for version in &batch.config_versions {
        statements.push(put_version(version)?);
    }
    for rollout in &batch.config_rollouts {
        statements.extend(put_rollout(rollout)?);
    }
    Ok(statements)
}

/// A version is its text, so one that is there says the same.
fn put_version(version: &ConfigVersion) -> Result<Statement> {
    let mut values = place(&version.profile, &version.environment)?;
    values.extend([Value::key("a configuration's version", &version.version)?, Value::json("a configuration's version", version)?]);
    let sql = "INSERT INTO config_versions (profile, environment, version, record) VALUES ($1, $2, $3, $4)
               ON CONFLICT (profile, environment, version) DO UPDATE SET record = excluded.record";
    Ok(Statement::put(sql, values))
}

/// Versions that have neither arrived nor are on their way go at the same time.
fn put_rollout(rollout: &ConfigRollout) -> Result<[Statement; 2]> {
    let stored = ConfigRollout { revision: rollout.revision + 1, ..rollout.clone() };
    let mut values = place(&rollout.profile, &rollout.environment)?;
    values.extend([Value::integer(stored.revision), Value::json("a configuration's rollout", &stored)?]);
    let sql = if rollout.revision == 0 {
        "INSERT INTO config_rollouts (profile, environment, revision, record) VALUES ($1, $2, $3, $4)
         ON CONFLICT (profile, environment) DO NOTHING"
    } else {
        "UPDATE config_rollouts SET revision = $3, record = $4 WHERE profile = $1 AND environment = $2 AND revision = $3 - 1"
    };
    let put = Statement::guarded(sql, values, format!("the rollout of {} in {}", rollout.profile, rollout.environment));
    let mut values = place(&rollout.profile, &rollout.environment)?;
    let coming = rollout.coming.as_ref().map_or(&rollout.arrived, |coming| &coming.version);
    values.extend([Value::key("a configuration's version", &rollout.arrived)?, Value::key("a configuration's version", coming)?]);
    let sql = "DELETE FROM config_versions WHERE profile = $1 AND environment = $2 AND version <> $3 AND version <> $4";
    Ok([put, Statement::put(sql, values)])
}

fn place(profile: &str, environment: &str) -> Result<Vec<Value>> {
    Ok(vec![Value::key("a profile's name", profile)?, Value::key("an environment's name", environment)?])
}
