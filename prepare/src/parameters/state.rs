//! What becomes of a parameter. Decides only: no clock, disk or socket.

use documents::value::{check_path, is_label};
use kernel::Timestamp;
use ledger::{Actor, Parameter, ParameterKind, ParameterVersion};
use serde_json::Value;

use super::{ParameterError, Put, Result};

/// As an advanced parameter of Parameter Store.
pub const VALUE_BYTES_MAX: usize = 8 * 1024;
/// Older ones are forgotten unless a label stands at them.
pub const VERSIONS_MAX: i64 = 100;
pub const LABELS_MAX: usize = 10;

/// Refuses what no parameter can hold, and what should be a secret.
pub fn check(put: &Put) -> Result<()> {
    check_path(&put.path)?;
    if let Some(label) = put.label.as_deref().filter(|label| !is_label(label)) {
        return Err(ParameterError::Label(label.to_owned()));
    }
    match (put.kind, &put.value) {
        (ParameterKind::String, Value::String(_)) | (ParameterKind::Json, _) => {}
        (ParameterKind::List, Value::Array(items)) if items.iter().all(Value::is_string) => {}
        (ParameterKind::String, _) => return Err(ParameterError::WrongType("a text")),
        (ParameterKind::List, _) => return Err(ParameterError::WrongType("a list of texts")),
    }
    let size_bytes = put.value.as_str().map_or_else(|| put.value.to_string().len(), str::len);
    if size_bytes > VALUE_BYTES_MAX {
        return Err(ParameterError::TooLarge { size_bytes, limit_bytes: VALUE_BYTES_MAX });
    }
    match secret_within(put.path.rsplit('/').next().unwrap_or_default(), &put.value) {
        Some(name) => Err(ParameterError::Secret(name)),
        None => Ok(()),
    }
}

/// With its next version.
pub fn written(before: Option<Parameter>, put: &Put, actor: &Actor, now: Timestamp) -> Result<(Parameter, ParameterVersion)> {
    let mut parameter = before.unwrap_or_else(|| Parameter {
        path: put.path.clone(),
        description: None,
        latest: 0,
        labels: Default::default(),
        changed_at: now,
        changed_by: actor.clone(),
        revision: 0,
    });
    parameter.latest += 1;
    if put.description.is_some() {
        parameter.description.clone_from(&put.description);
    }
    if let Some(label) = &put.label {
        parameter.labels.insert(label.clone(), parameter.latest);
    }
    parameter.changed_at = now;
    parameter.changed_by = actor.clone();
    let version = ParameterVersion {
        path: parameter.path.clone(),
        version: parameter.latest,
        kind: put.kind,
        value: put.value.clone(),
        written_at: now,
        written_by: actor.clone(),
    };
    Ok((parameter, version))
}

pub fn labelled(before: Parameter, label: &str, version: i64, actor: &Actor, now: Timestamp) -> Result<Parameter> {
    if !is_label(label) {
        return Err(ParameterError::Label(label.to_owned()));
    }
    let mut parameter = Parameter { changed_at: now, changed_by: actor.clone(), ..before };
    parameter.labels.insert(label.to_owned(), version);
    if parameter.labels.values().filter(|at| **at == version).count() > LABELS_MAX {
        return Err(ParameterError::TooManyLabels(LABELS_MAX));
    }
    Ok(parameter)
}

/// The version that makes room for the newest, unless a label stands at it.
pub fn too_old(parameter: &Parameter) -> Option<i64> {
    let oldest = parameter.latest - VERSIONS_MAX;
    (oldest > 0 && !parameter.labels.values().any(|at| *at == oldest)).then_some(oldest)
}

/// The name of what should not stand in a parameter: by how it is called, or by what it looks like.
fn secret_within(name: &str, value: &Value) -> Option<String> {
    match value {
        Value::String(text) => (!text.is_empty() && (is_secret_name(name) || is_secret_text(text))).then(|| format!("`{name}`")),
        Value::Array(items) => items.iter().find_map(|item| secret_within(name, item)),
        Value::Object(fields) => fields.iter().find_map(|(name, value)| secret_within(name, value)),
        _ => None,
    }
}

/// Whole words only: `password_hash_rounds` is one thing, `db-password` another.
fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase().replace(['-', '_', '.'], "");
    ["password", "passwd", "passphrase", "secret", "secretkey", "secretaccesskey", "privatekey", "apikey", "accesstoken", "authtoken", "clientsecret"]
        .iter()
        .any(|ending| name.ends_with(ending))
}

fn is_secret_text(text: &str) -> bool {
    let is_access_key = |word: &str| word.len() == 20 && (word.starts_with("AKIA") || word.starts_with("ASIA")) && word.bytes().all(|byte| byte.is_ascii_alphanumeric());
    text.contains("PRIVATE KEY-----") || text.split(|c: char| !c.is_ascii_alphanumeric()).any(is_access_key)
}
