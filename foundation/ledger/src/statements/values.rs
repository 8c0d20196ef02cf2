//! Parameters and secrets as statements.

use super::{Result, Statement};
use crate::backend::Value;
use crate::limits::VALUE_BYTES_MAX;
use crate::*;

pub(super) fn state(batch: &Batch) -> Result<Vec<Statement>> {
    let mut statements = Vec::new();
    for parameter in &batch.parameters {
        statements.push(put_parameter(parameter)?);
    }
    for version in &batch.parameter_versions {
        statements.push(put_parameter_version(version)?);
    }
    for (path, version) in &batch.forgotten_parameter_versions {
        statements.push(forget("DELETE FROM parameter_versions WHERE path = $1 AND version = $2", path, *version)?);
    }
    for secret in &batch.secrets {
        statements.push(put_secret(secret)?);
    }
    for version in &batch.secret_versions {
        statements.push(put_secret_version(version)?);
    }
    for (path, version) in &batch.forgotten_secret_versions {
        statements.push(forget("DELETE FROM secret_versions WHERE path = $1 AND version = $2", path, *version)?);
    }
    for read in &batch.secret_reads {
        statements.push(put_secret_read(read)?);
    }
    Ok(statements)
}

fn put_parameter(parameter: &Parameter) -> Result<Statement> {
    let stored = Parameter { revision: parameter.revision + 1, ..parameter.clone() };
    let values = vec![path(&parameter.path)?, Value::integer(stored.revision), Value::json("a parameter", &stored)?];
    let sql = if parameter.revision == 0 {
        "INSERT INTO parameters (path, revision, record) VALUES ($1, $2, $3) ON CONFLICT (path) DO NOTHING"
    } else {
        "UPDATE parameters SET revision = $2, record = $3 WHERE path = $1 AND revision = $2 - 1"
    };
    Ok(Statement::guarded(sql, values, format!("the parameter {}", parameter.path)))
}

fn put_parameter_version(version: &ParameterVersion) -> Result<Statement> {
    let what = format!("version {} of the parameter {}", version.version, version.path);
    let record = limited(&what, Value::json("a parameter's version", version)?)?;
    let sql = "INSERT INTO parameter_versions (path, version, record) VALUES ($1, $2, $3) ON CONFLICT (path, version) DO NOTHING";
    Ok(Statement::guarded(sql, vec![path(&version.path)?, Value::integer(version.version), record], what))
}

fn put_secret(secret: &Secret) -> Result<Statement> {
    let stored = Secret { revision: secret.revision + 1, ..secret.clone() };
    let values = vec![
        path(&secret.path)?,
        Value::optional_own(secret.rotation.as_ref().map(|rotation| &rotation.run)),
        Value::integer(stored.revision),
        Value::json("a secret", &stored)?,
    ];
    let sql = if secret.revision == 0 {
        "INSERT INTO secrets (path, rotation, revision, record) VALUES ($1, $2, $3, $4) ON CONFLICT (path) DO NOTHING"
    } else {
        "UPDATE secrets SET rotation = $2, revision = $3, record = $4 WHERE path = $1 AND revision = $3 - 1"
    };
    Ok(Statement::guarded(sql, values, format!("the secret {}", secret.path)))
}

fn put_secret_version(version: &SecretVersion) -> Result<Statement> {
    let what = format!("version {} of the secret {}", version.version, version.path);
    let stored = SecretVersion { revision: version.revision + 1, ..version.clone() };
    let values = vec![
        path(&version.path)?,
        Value::integer(version.version),
        Value::key("a master key's id", &version.sealed.key)?,
        Value::integer(stored.revision),
        limited(&what, Value::json("a secret's version", &stored)?)?,
    ];
    let sql = if version.revision == 0 {
        "INSERT INTO secret_versions (path, version, key, revision, record) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (path, version) DO NOTHING"
    } else {
        "UPDATE secret_versions SET key = $3, revision = $4, record = $5 WHERE path = $1 AND version = $2 AND revision = $4 - 1"
    };
    Ok(Statement::guarded(sql, values, what))
}

fn put_secret_read(read: &SecretRead) -> Result<Statement> {
    Ok(Statement::put(
        "INSERT INTO secret_reads (path, record) VALUES ($1, $2) ON CONFLICT (path) DO UPDATE SET record = excluded.record",
        vec![path(&read.path)?, Value::json("a read of a secret", read)?],
    ))
}

fn forget(sql: &'static str, at: &str, version: i64) -> Result<Statement> {
    Ok(Statement::put(sql, vec![path(at)?, Value::integer(version)]))
}

fn path(path: &str) -> Result<Value> {
    Value::key("a path", path)
}

fn limited(what: &str, record: Value) -> Result<Value> {
    match record.size_bytes() {
        size_bytes if size_bytes > VALUE_BYTES_MAX => Err(LedgerError::TooLarge { what: what.to_owned(), size_bytes, limit_bytes: VALUE_BYTES_MAX }),
        _ => Ok(record),
    }
}
