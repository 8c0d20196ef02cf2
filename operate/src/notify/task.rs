//! Delivers what is due, and tells the ledger how it went.

use std::time::Duration;

use async_trait::async_trait;
use futures::TryStreamExt;
use futures::stream::FuturesUnordered;
use kernel::SharedClock;
use kernel::task::{Pass, Task, TaskError};
use ledger::{Batch, Delivery, DeliveryStatus, Lease, Ledger, LedgerError, NewEvent, types};
use serde_json::json;
use tokio::sync::Mutex;

use super::send::{Secrets, Sender};
use super::state;
use crate::leadership::Leadership;

pub const SOURCE: &str = "/operate/notify";
const LEASE: &str = "operate/notify";
const INTERVAL: Duration = Duration::from_secs(4);
/// Attempts beside each other; between two such rounds the lease is renewed.
const PAGE: u32 = 8;

/// Sends each delivery until it is taken, refused, or was tried often enough. A crash between sending
/// and telling sends once more, with the same idempotency key.
pub struct NotifyTask {
    ledger: Ledger,
    clock: SharedClock,
    sender: Sender,
    leadership: Mutex<Leadership>,
}

impl NotifyTask {
    pub fn new(ledger: Ledger, clock: SharedClock) -> Self {
        let leadership = Mutex::new(Leadership::new(ledger.clone(), LEASE));
        Self { ledger, clock, sender: Sender::from_environment(), leadership }
    }

    /// See [`AlarmTask::held_by`](crate::alarms::AlarmTask::held_by).
    pub fn held_by(self, holder: &str) -> Self {
        Self { leadership: Mutex::new(Leadership::new(self.ledger.clone(), LEASE).held_by(holder)), ..self }
    }

    /// Looks secrets up elsewhere than in the environment.
    pub fn with_secrets(self, secrets: Secrets) -> Self {
        Self { sender: Sender::new(secrets), ..self }
    }

    async fn attempt(&self, delivery: &Delivery, lease: &Lease) -> Result<Delivery, LedgerError> {
        let outcome = self.sender.send(delivery, self.clock.now()).await;
        let after = state::next(delivery, outcome, self.clock.now());
        let batch = Batch::new().delivery(after.clone()).under_lease(&lease.name, lease.token);
        let batch = match event(&after) {
            Some(event) => batch.event(event),
            None => batch,
        };
        self.ledger.commit(batch).await?;
        Ok(after)
    }
}

/// An attempt that will be repeated is not worth an event.
fn event(delivery: &Delivery) -> Option<NewEvent> {
    let kind = match delivery.status {
        DeliveryStatus::Pending => return None,
        DeliveryStatus::Delivered => types::NOTIFICATION_DELIVERED,
        DeliveryStatus::Dead => types::NOTIFICATION_DEAD,
    };
    let data = json!({
        "delivery": delivery.id,
        "channel": delivery.channel,
        "rule": delivery.rule,
        "attempts": delivery.attempts,
        "error": delivery.last_error,
    });
    let event = NewEvent::new(SOURCE, kind, data).subject(delivery.id.to_string()).incident(delivery.incident);
    Some(event.cause(delivery.cause.clone()))
}

#[async_trait]
impl Task for NotifyTask {
    fn name(&self) -> &'static str {
        "notify"
    }

    fn interval(&self) -> Duration {
        INTERVAL
    }

    async fn pass(&self) -> Result<Pass, TaskError> {
        let mut leadership = self.leadership.lock().await;
        let (mut delivered, mut failed) = (0, 0);
        loop {
            let now = self.clock.now();
            let Some(lease) = leadership.hold(now).await? else {
                return Ok(Pass { summary: "another server delivers".to_owned(), next: None });
            };
            let due = self.ledger.due_deliveries(now, PAGE).await?;
            if due.is_empty() {
                break;
            }
            let attempts = FuturesUnordered::new();
            for delivery in &due {
                attempts.push(self.attempt(delivery, &lease));
            }
            let after: Vec<Delivery> = attempts.try_collect().await?;
            let taken = after.iter().filter(|delivery| delivery.status == DeliveryStatus::Delivered).count();
            delivered += taken;
            failed += after.len() - taken;
        }
        let waiting = self.ledger.deliveries(Some(DeliveryStatus::Pending), 1000).await?;
        let next = waiting.iter().filter_map(|delivery| delivery.next_attempt_at).min();
        Ok(Pass { summary: format!("{delivered} delivered, {failed} failed, {} waiting", waiting.len()), next })
    }
}
