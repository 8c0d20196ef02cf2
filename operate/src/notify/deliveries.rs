//! What people do with deliveries: look at them, and try a dead one again.

use kernel::{Classified, DeliveryId, Kind, SharedClock};
use ledger::{Actor, Batch, Delivery, DeliveryStatus, Ledger, LedgerError, NewEvent, types};
use serde_json::json;

use super::task::SOURCE;

/// Cheap to clone.
#[derive(Clone)]
pub struct Deliveries {
    ledger: Ledger,
    clock: SharedClock,
}

#[derive(Debug, thiserror::Error)]
pub enum DeliveryError {
    #[error("the delivery {0} is not dead; only a dead one can be tried again")]
    NotDead(DeliveryId),
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

impl Classified for DeliveryError {
    fn kind(&self) -> Kind {
        match self {
            Self::NotDead(_) => Kind::Conflict,
            Self::Ledger(error) => error.kind(),
        }
    }
}

impl Deliveries {
    pub fn new(ledger: Ledger, clock: SharedClock) -> Self {
        Self { ledger, clock }
    }

    /// Newest first; all statuses if `None`.
    pub async fn list(&self, status: Option<DeliveryStatus>, limit: u32) -> Result<Vec<Delivery>, DeliveryError> {
        Ok(self.ledger.deliveries(status, limit).await?)
    }

    pub async fn get(&self, id: &DeliveryId) -> Result<Delivery, DeliveryError> {
        Ok(self.ledger.delivery(id).await?)
    }

    /// Begins a dead delivery anew, with all its attempts and the same idempotency key.
    pub async fn retry(&self, id: &DeliveryId, actor: &Actor) -> Result<Delivery, DeliveryError> {
        let delivery = self.get(id).await?;
        if delivery.status != DeliveryStatus::Dead {
            return Err(DeliveryError::NotDead(id.clone()));
        }
        let delivery = Delivery {
            status: DeliveryStatus::Pending,
            attempts: 0,
            next_attempt_at: Some(self.clock.now()),
            ..delivery
        };
        let data = json!({ "delivery": delivery.id, "channel": delivery.channel, "rule": delivery.rule, "retry": true });
        let event = NewEvent::new(SOURCE, types::NOTIFICATION_REQUESTED, data)
            .subject(id.to_string())
            .actor(actor.clone())
            .incident(delivery.incident)
            .cause(delivery.cause.clone());
        self.ledger.commit(Batch::new().delivery(delivery.clone()).event(event)).await?;
        Ok(delivery)
    }
}

/// The target as it may be shown: the name of a setting, or the host of a URL, never its path.
pub fn shown_target(delivery: &Delivery) -> String {
    if delivery.target.starts_with("env:") {
        return delivery.target.clone();
    }
    match reqwest::Url::parse(&delivery.target) {
        Ok(url) => format!("{}://{}/…", url.scheme(), url.host_str().unwrap_or_default()),
        Err(_) => "(not a URL)".to_owned(),
    }
}
