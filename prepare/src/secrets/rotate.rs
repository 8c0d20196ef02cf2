//! Rotation: a pending version, a runbook that puts it to use, and then it is current, or gone.
//!
//! Its beginning is one change of the ledger: the pending version, what is under way, and the request for the run. The
//! task compares what is under way with what became of the runs; it takes no input and may be repeated at any time, so a
//! crash at any moment is made good by its next pass.

use std::time::Duration;

use async_trait::async_trait;
use documents::value::check_path;
use kernel::RunId;
use kernel::task::{Pass, Task, TaskError};
use ledger::{Actor, Batch, LedgerError, NewEvent, Rotation, Secret, Stage, types};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use zeroize::Zeroizing;

use super::state::{self, Turn};
use super::{ATTEMPTS, Principal, Result, SOURCE, SecretError, Secrets, event, may_read, seal, with_room};

const INTERVAL: Duration = Duration::from_secs(15);
/// Letters and digits: no shell, URL or configuration file takes any of them for more.
const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const LENGTH_MIN: usize = 16;
const LENGTH_MAX: usize = 1024;

/// Where the new value comes from.
#[derive(Debug)]
pub enum New {
    Given(SecretString),
    /// Letters and digits, so many.
    Generated(usize),
}

impl Secrets {
    /// Writes the pending version and asks for a run of the runbook, which finds it in its environment.
    pub async fn rotate(&self, path: &str, runbook: &str, new: New, actor: &Actor) -> Result<Secret> {
        check_path(path)?;
        self.ledger.secret(path).await?;
        {
            let loaded = self.graph.borrow();
            let document = loaded.graph.runbooks.get(runbook).ok_or_else(|| SecretError::NoRunbook(runbook.to_owned()))?;
            if let Some(parameter) = document.parameters.iter().find(|parameter| parameter.required && parameter.default.is_none()) {
                return Err(SecretError::NeedsParameter { runbook: runbook.to_owned(), parameter: parameter.name.clone() });
            }
            // The runbook is given the values, so whoever names it must be allowed to see them.
            may_read(&loaded.graph, &Principal::person(actor), path).map_err(SecretError::Forbidden)?;
        }
        let value = match new {
            New::Given(value) => value,
            New::Generated(length) => generated(length)?,
        };
        state::check_value(value.expose_secret())?;
        let ring = self.ring().await?;
        let mut attempt = 0;
        loop {
            attempt += 1;
            let now = self.clock.now();
            let secret = state::written(self.find(path).await?, path, true, actor, now)?;
            let version = self.sealed(&ring, path, secret.latest, &value, actor).await?;
            let rotation = Rotation { run: RunId::random(), runbook: runbook.to_owned(), version: secret.latest, begun_by: actor.clone(), begun_at: now };
            let secret = state::rotating(secret, rotation.clone());
            let data = json!({ "version": rotation.version, "runbook": runbook, "run": rotation.run });
            let begun = event(types::SECRET_ROTATION_BEGUN, path, actor, data);
            let requested = NewEvent::new(SOURCE, types::RUN_REQUESTED, json!({ "document": runbook, "parameters": {}, "rotates": path }))
                .subject(runbook)
                .actor(actor.clone())
                .run(rotation.run);
            let batch = with_room(Batch::new().secret_version(version), &secret).secret(secret).event(begun).event(requested);
            match self.ledger.commit(batch).await {
                Ok(_) => return Ok(self.ledger.secret(path).await?),
                Err(LedgerError::Conflict(_)) if attempt < ATTEMPTS => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Ends rotations in the background.
    pub fn task(&self) -> RotationTask {
        RotationTask { secrets: self.clone() }
    }

    /// The secret that this run is to rotate.
    pub async fn rotated_by(&self, run: &RunId) -> Result<Option<Secret>> {
        Ok(self.ledger.secret_rotated_by(run).await?)
    }

    /// True if the rotation is over.
    async fn go_on(&self, secret: &Secret) -> Result<bool> {
        let Some(rotation) = &secret.rotation else { return Ok(false) };
        let run = match self.ledger.run(&rotation.run).await {
            Ok(run) => Some(run),
            // The executor has not met the request yet.
            Err(LedgerError::NotFound(_)) => None,
            Err(error) => return Err(error.into()),
        };
        let mut data = json!({ "version": rotation.version, "runbook": rotation.runbook, "run": rotation.run });
        let batch = match state::turn(secret, run.as_ref().map(|run| run.status), self.clock.now()) {
            Turn::Wait => return Ok(false),
            Turn::Promote(secret) => {
                let event = event(types::SECRET_ROTATED, &secret.path, &Actor::system(), data);
                Batch::new().secret(secret).event(event)
            }
            Turn::Drop(secret) => {
                data["error"] = json!(run.and_then(|run| run.error));
                let event = event(types::SECRET_ROTATION_FAILED, &secret.path, &Actor::system(), data);
                let dropped = (secret.path.clone(), rotation.version);
                let in_use = secret.stages.iter().any(|(stage, at)| *stage != Stage::Pending && *at == rotation.version);
                let batch = Batch::new().secret(secret).event(event);
                if in_use { batch } else { batch.forget_secret_version(dropped) }
            }
        };
        match self.ledger.commit(batch).await {
            // Another server was quicker.
            Err(LedgerError::Conflict(_)) => Ok(false),
            other => Ok(other?.written),
        }
    }
}

/// Every server may do this work: a change against an older state is refused.
pub struct RotationTask {
    secrets: Secrets,
}

#[async_trait]
impl Task for RotationTask {
    fn name(&self) -> &'static str {
        "rotations"
    }

    fn interval(&self) -> Duration {
        INTERVAL
    }

    async fn pass(&self) -> std::result::Result<Pass, TaskError> {
        let under_way = self.secrets.ledger.rotating_secrets().await?;
        let mut ended = 0;
        for secret in &under_way {
            ended += usize::from(self.secrets.go_on(secret).await?);
        }
        Ok(Pass { summary: format!("{} under way, {ended} ended", under_way.len() - ended), next: None })
    }
}

/// Each character as likely as any other.
fn generated(length: usize) -> Result<SecretString> {
    if !(LENGTH_MIN..=LENGTH_MAX).contains(&length) {
        return Err(SecretError::Length { least: LENGTH_MIN, most: LENGTH_MAX });
    }
    let fair = u8::MAX - u8::MAX % ALPHABET.len() as u8;
    let mut text = Zeroizing::new(String::with_capacity(length));
    let mut bytes = Zeroizing::new([0; 64]);
    while text.len() < length {
        seal::fill_random(&mut *bytes)?;
        let drawn = bytes.iter().filter(|byte| **byte < fair).map(|byte| char::from(ALPHABET[usize::from(*byte) % ALPHABET.len()]));
        let missing = length - text.len();
        text.extend(drawn.take(missing));
    }
    Ok(SecretString::from(text.as_str()))
}
