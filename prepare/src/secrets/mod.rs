//! Secrets: values that nobody sees who need not, such as `/shop/orders/db-password`.
//!
//! A secret has versions; stages say which is current, pending or previous. What lies in the ledger is sealed
//! ([`seal`]) under a master key ([`keys`]). Who may read is one question, [`may_read`]; every value that is handed out
//! is on record before it is, with who, what and why, and so is every refusal. A rotation ([`RotationTask`]) writes a
//! pending version, lets a runbook put it to use, and makes it current if the runbook succeeded.
//!
//! What leaves this room is a [`SecretString`]: it shows nothing of itself, and is wiped when it is dropped.

mod error;
pub mod keys;
mod policy;
mod rewrap;
mod rotate;
pub mod seal;
pub mod state;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use documents::Loaded;
use documents::value::{SecretAt, check_path};
use kernel::{RunId, SharedClock};
use ledger::{Actor, Batch, Ledger, LedgerError, NewEvent, Secret, SecretRead, SecretVersion, Stage, types};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use tokio::sync::watch;

pub use error::SecretError;
pub use policy::{Principal, may_read};
pub use rewrap::Rewrapped;
pub use rotate::{New, RotationTask};

use keys::{Keys, Ring};
use seal::Bound;

const SOURCE: &str = "/prepare/secrets";
/// How often a change is tried again when somebody else changed the secret meanwhile.
const ATTEMPTS: usize = 20;
const WHY_CHARS_MAX: usize = 500;

/// Reads and changes secrets; cheap to clone.
#[derive(Clone)]
pub struct Secrets {
    ledger: Ledger,
    graph: watch::Receiver<Arc<Loaded>>,
    clock: SharedClock,
    keys: Arc<Keys>,
}

/// Who wants a value, and why.
#[derive(Debug, Clone, PartialEq)]
pub struct Asking {
    pub principal: Principal,
    pub why: String,
    pub run: Option<RunId>,
}

/// A secret for people: everything but its values.
#[derive(Debug, Clone, PartialEq)]
pub struct Standing {
    pub secret: Secret,
    pub last_read: Option<SecretRead>,
}

type Result<T> = std::result::Result<T, SecretError>;

impl Secrets {
    pub fn new(ledger: Ledger, graph: watch::Receiver<Arc<Loaded>>, clock: SharedClock, keys: Arc<Keys>) -> Self {
        Self { ledger, graph, clock, keys }
    }

    /// All below a folder, by path.
    pub async fn list(&self, under: &str) -> Result<Vec<Standing>> {
        let mut reads: std::collections::HashMap<String, SecretRead> =
            self.ledger.secret_reads().await?.into_iter().map(|read| (read.path.clone(), read)).collect();
        let secrets = self.ledger.secrets(under).await?;
        Ok(secrets.into_iter().map(|secret| Standing { last_read: reads.remove(&secret.path), secret }).collect())
    }

    /// With its versions, newest first; sealed.
    pub async fn history(&self, path: &str) -> Result<(Secret, Vec<SecretVersion>)> {
        check_path(path)?;
        Ok((self.ledger.secret(path).await?, self.ledger.secret_versions(path).await?))
    }

    /// A new version, current at once or pending.
    pub async fn put(&self, path: &str, value: &SecretString, description: Option<&str>, pending: bool, actor: &Actor) -> Result<Secret> {
        check_path(path)?;
        state::check_value(value.expose_secret())?;
        let ring = self.ring().await?;
        let mut attempt = 0;
        loop {
            attempt += 1;
            let now = self.clock.now();
            let mut secret = state::written(self.find(path).await?, path, pending, actor, now)?;
            if let Some(description) = description {
                secret.description = Some(description.to_owned());
            }
            let version = self.sealed(&ring, path, secret.latest, value, actor).await?;
            let stage = if pending && secret.latest > 1 { Stage::Pending } else { Stage::Current };
            let event = event(types::SECRET_WRITTEN, path, actor, json!({ "version": secret.latest, "stage": stage }));
            let batch = with_room(Batch::new().secret_version(version), &secret).secret(secret).event(event);
            match self.ledger.commit(batch).await {
                Ok(_) => return Ok(self.ledger.secret(path).await?),
                Err(LedgerError::Conflict(_)) if attempt < ATTEMPTS => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// The value, and the number of its version, once the reading is on record.
    pub async fn read(&self, path: &str, at: &SecretAt, asking: &Asking) -> Result<(i64, SecretString)> {
        check_path(path)?;
        let why: String = asking.why.trim().chars().take(WHY_CHARS_MAX).collect();
        if why.is_empty() {
            return Err(SecretError::NoReason);
        }
        let secret = self.ledger.secret(path).await?;
        let version = match at {
            SecretAt::Version(version) => *version,
            SecretAt::Current => staged(&secret, Stage::Current)?,
            SecretAt::Pending => staged(&secret, Stage::Pending)?,
            SecretAt::Previous => staged(&secret, Stage::Previous)?,
        };
        let Principal { actor, document } = &asking.principal;
        let told = json!({ "version": version, "why": why, "document": document, "run": asking.run });
        if let Err(reason) = self.permit(&secret, asking) {
            let refused = event(types::SECRET_REFUSED, path, actor, told);
            self.ledger.commit(Batch::new().event(refused)).await?;
            return Err(SecretError::Forbidden(reason));
        }
        let sealed = self.ledger.secret_version(path, version).await?.sealed;
        let value = seal::open(&*self.ring().await?, &Bound::secret(path, version), &sealed).await?;
        let read = SecretRead { path: path.to_owned(), version, at: self.clock.now(), by: actor.clone(), why };
        self.ledger.commit(Batch::new().secret_read(read).event(event(types::SECRET_READ, path, actor, told))).await?;
        Ok((version, value))
    }

    /// The pending version becomes current.
    pub async fn promote(&self, path: &str, actor: &Actor) -> Result<Secret> {
        self.change(path, types::SECRET_PROMOTED, actor, |secret| state::promoted(secret, actor, self.clock.now())).await
    }

    /// The previous version becomes current again.
    pub async fn roll_back(&self, path: &str, actor: &Actor) -> Result<Secret> {
        self.change(path, types::SECRET_ROLLED_BACK, actor, |secret| state::rolled_back(secret, actor, self.clock.now())).await
    }

    pub async fn drop_pending(&self, path: &str, actor: &Actor) -> Result<Secret> {
        self.change(path, types::SECRET_DROPPED, actor, state::dropped).await
    }

    /// A run that rotates a secret may read it: whoever asked for the rotation was allowed to.
    fn permit(&self, secret: &Secret, asking: &Asking) -> std::result::Result<(), String> {
        let rotates = secret.rotation.as_ref().is_some_and(|rotation| Some(&rotation.run) == asking.run.as_ref());
        if rotates { Ok(()) } else { may_read(&self.graph.borrow().graph, &asking.principal, &secret.path) }
    }

    async fn change(&self, path: &str, kind: &str, actor: &Actor, decide: impl Fn(Secret) -> Result<Secret>) -> Result<Secret> {
        check_path(path)?;
        let mut attempt = 0;
        loop {
            attempt += 1;
            let secret = decide(self.ledger.secret(path).await?)?;
            let event = event(kind, path, actor, json!({ "stages": secret.stages }));
            match self.ledger.commit(Batch::new().secret(secret).event(event)).await {
                Ok(_) => return Ok(self.ledger.secret(path).await?),
                Err(LedgerError::Conflict(_)) if attempt < ATTEMPTS => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    async fn find(&self, path: &str) -> Result<Option<Secret>> {
        match self.ledger.secret(path).await {
            Ok(secret) => Ok(Some(secret)),
            Err(LedgerError::NotFound(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    async fn sealed(&self, ring: &Ring, path: &str, version: i64, value: &SecretString, actor: &Actor) -> Result<SecretVersion> {
        let sealed = seal::seal(ring, &Bound::secret(path, version), value).await?;
        Ok(SecretVersion { path: path.to_owned(), version, sealed, written_at: self.clock.now(), written_by: actor.clone(), revision: 0 })
    }

    /// A file of keys is made only where nothing was ever sealed.
    async fn ring(&self) -> Result<Arc<Ring>> {
        let unused = self.ledger.master_keys().await?.is_empty();
        Ok(self.keys.ring(unused).await?)
    }
}

fn staged(secret: &Secret, stage: Stage) -> Result<i64> {
    let at = secret.stages.get(&stage).copied();
    at.ok_or_else(|| SecretError::NoStage { path: secret.path.clone(), stage })
}

fn with_room(batch: Batch, secret: &Secret) -> Batch {
    let forgotten = state::too_old(secret).map(|version| (secret.path.clone(), version));
    forgotten.into_iter().fold(batch, Batch::forget_secret_version)
}

fn event(kind: &str, path: &str, actor: &Actor, mut data: Value) -> NewEvent {
    data["path"] = json!(path);
    NewEvent::new(SOURCE, kind, data).subject(path).actor(actor.clone())
}
