//! A change of the master key: every data key is opened with the key that wrapped it, and wrapped anew.
//!
//! Values stay as they are. Each row is a change of its own, so a change of key that was cut short is finished by the
//! next, and everything can be read meanwhile: each row names the key that wraps it.

use kernel::Timestamp;
use ledger::{Actor, Batch, LedgerError, SecretVersion, types};
use serde::Serialize;
use serde_json::json;

use super::seal::{self, Bound};
use super::{Result, SOURCE, Secrets};
use ledger::NewEvent;

const PAGE: u32 = 200;

/// What came of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Rewrapped {
    /// The id of the present master key.
    pub key: String,
    /// Versions whose data key was wrapped anew.
    pub count: u64,
    pub at: Timestamp,
}

impl Secrets {
    /// Wraps under the present key whatever another wraps; with `new_key`, a new one is made in the key's file first.
    pub async fn rewrap(&self, new_key: bool, actor: &Actor) -> Result<Rewrapped> {
        let ring = self.ring().await?;
        let ring = if new_key { self.keys.renew().await? } else { ring };
        let key = ring.current().id().to_owned();
        let mut count = 0;
        loop {
            let page = self.ledger.secret_versions_not_under(&key, PAGE).await?;
            if page.is_empty() {
                break;
            }
            for version in page {
                let sealed = seal::rewrap(&ring, &Bound::secret(&version.path, version.version), &version.sealed).await?;
                match self.ledger.commit(Batch::new().secret_version(SecretVersion { sealed, ..version })).await {
                    Ok(_) => count += 1,
                    // Another server does the same.
                    Err(LedgerError::Conflict(_)) => {}
                    Err(error) => return Err(error.into()),
                }
            }
        }
        let event = NewEvent::new(SOURCE, types::SECRETS_REWRAPPED, json!({ "key": key, "count": count })).actor(actor.clone());
        self.ledger.commit(Batch::new().event(event)).await?;
        Ok(Rewrapped { key, count, at: self.clock.now() })
    }
}
