//! Which server does a piece of background work, where several share a ledger.

use std::time::Duration;

use jiff::SignedDuration;
use kernel::Timestamp;
use ledger::{Lease, Ledger, LedgerError};

const TTL: Duration = Duration::from_secs(15);
const RENEW_BEFORE: SignedDuration = SignedDuration::from_secs(10);

/// Keeps one lease for as long as it is asked for, at least every few seconds.
#[derive(Debug)]
pub struct Leadership {
    ledger: Ledger,
    name: &'static str,
    /// This server's name among those that share the ledger.
    holder: String,
    lease: Option<Lease>,
}

impl Leadership {
    /// A server that starts again under the same `holder` goes on at once; without a name of its own
    /// it waits until its former lease has expired.
    pub fn new(ledger: Ledger, name: &'static str) -> Self {
        Self { ledger, name, holder: kernel::EventId::random().to_string(), lease: None }
    }

    pub fn held_by(self, holder: &str) -> Self {
        Self { holder: holder.to_owned(), ..self }
    }

    /// None if another server does the work. The token changes when the work was interrupted.
    pub async fn hold(&mut self, now: Timestamp) -> Result<Option<Lease>, LedgerError> {
        if let Some(lease) = self.lease.take() {
            self.lease = match lease.expires_at.duration_since(now) > RENEW_BEFORE {
                true => Some(lease),
                false => self.ledger.renew_lease(&lease, TTL).await?,
            };
        }
        if self.lease.is_none() {
            self.lease = self.ledger.acquire_lease(self.name, &self.holder, TTL).await?;
        }
        Ok(self.lease.clone())
    }
}
