//! What becomes of a secret. Decides only: no clock, disk or socket.
//!
//! Stages move as in AWS Secrets Manager: what becomes current makes what was current the previous one.

use std::collections::BTreeMap;

use kernel::Timestamp;
use ledger::{Actor, Rotation, RunStatus, Secret, Stage};

use super::{Result, SecretError};

/// As in Secrets Manager.
pub const VALUE_BYTES_MAX: usize = 64 * 1024;
/// A shorter one stands in half of all texts, and so cannot be hidden from any.
pub const VALUE_CHARS_MIN: usize = 4;
/// Older ones without a stage are forgotten.
pub const VERSIONS_MAX: i64 = 20;

/// Refuses what cannot be kept. Says nothing of the value itself.
pub fn check_value(value: &str) -> Result<()> {
    if value.len() > VALUE_BYTES_MAX {
        return Err(SecretError::TooLarge { limit_bytes: VALUE_BYTES_MAX });
    }
    if value.chars().count() < VALUE_CHARS_MIN {
        return Err(SecretError::TooShort { least: VALUE_CHARS_MIN });
    }
    if value.contains('\0') { Err(SecretError::Zero) } else { Ok(()) }
}

/// With its next version, pending or current. The first is current in any case.
pub fn written(before: Option<Secret>, path: &str, pending: bool, actor: &Actor, now: Timestamp) -> Result<Secret> {
    let Some(before) = before else {
        return Ok(Secret {
            path: path.to_owned(),
            description: None,
            latest: 1,
            stages: BTreeMap::from([(Stage::Current, 1)]),
            created_at: now,
            changed_at: now,
            changed_by: actor.clone(),
            rotation: None,
            revision: 0,
        });
    };
    at_rest(&before)?;
    let mut secret = before;
    secret.latest += 1;
    let version = secret.latest;
    if pending {
        secret.stages.insert(Stage::Pending, version);
        Ok(secret)
    } else {
        Ok(current(secret, version, actor, now))
    }
}

/// The pending version becomes current.
pub fn promoted(secret: Secret, actor: &Actor, now: Timestamp) -> Result<Secret> {
    at_rest(&secret)?;
    let pending = stage(&secret, Stage::Pending)?;
    Ok(current(secret, pending, actor, now))
}

/// The previous version becomes current again, and what was current the previous one.
pub fn rolled_back(secret: Secret, actor: &Actor, now: Timestamp) -> Result<Secret> {
    at_rest(&secret)?;
    let previous = stage(&secret, Stage::Previous)?;
    Ok(current(secret, previous, actor, now))
}

pub fn dropped(secret: Secret) -> Result<Secret> {
    at_rest(&secret)?;
    stage(&secret, Stage::Pending)?;
    Ok(without_pending(secret))
}

/// A rotation of the version that was just written begins.
pub fn rotating(secret: Secret, rotation: Rotation) -> Secret {
    let mut secret = secret;
    secret.stages.insert(Stage::Pending, rotation.version);
    Secret { rotation: Some(rotation), ..secret }
}

/// How a rotation goes on.
#[derive(Debug, Clone, PartialEq)]
pub enum Turn {
    Wait,
    /// The runbook has put the pending version to use.
    Promote(Secret),
    Drop(Secret),
}

/// `status` is that of the rotation's run; none until there is a run.
pub fn turn(secret: &Secret, status: Option<RunStatus>, now: Timestamp) -> Turn {
    let Some(rotation) = &secret.rotation else { return Turn::Wait };
    let over = Secret { rotation: None, ..secret.clone() };
    match status {
        Some(RunStatus::Succeeded) => Turn::Promote(current(over, rotation.version, &rotation.begun_by, now)),
        Some(status) if status.is_final() => Turn::Drop(without_pending(over)),
        _ => Turn::Wait,
    }
}

/// The version that makes room for the newest, unless it is in use.
pub fn too_old(secret: &Secret) -> Option<i64> {
    let oldest = secret.latest - VERSIONS_MAX;
    (oldest > 0 && !secret.stages.values().any(|at| *at == oldest)).then_some(oldest)
}

fn current(mut secret: Secret, version: i64, actor: &Actor, now: Timestamp) -> Secret {
    if secret.stages.get(&Stage::Pending) == Some(&version) {
        secret.stages.remove(&Stage::Pending);
    }
    if let Some(before) = secret.stages.insert(Stage::Current, version) {
        secret.stages.insert(Stage::Previous, before);
    }
    Secret { changed_at: now, changed_by: actor.clone(), ..secret }
}

fn without_pending(mut secret: Secret) -> Secret {
    secret.stages.remove(&Stage::Pending);
    secret
}

fn stage(secret: &Secret, stage: Stage) -> Result<i64> {
    let at = secret.stages.get(&stage).copied();
    at.ok_or_else(|| SecretError::NoStage { path: secret.path.clone(), stage })
}

/// Nobody moves stages beside a rotation.
fn at_rest(secret: &Secret) -> Result<()> {
    match &secret.rotation {
        Some(rotation) => Err(SecretError::Rotating { path: secret.path.clone(), run: rotation.run.clone() }),
        None => Ok(()),
    }
}
