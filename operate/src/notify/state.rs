//! What becomes of a delivery after an attempt. Decides only: no clock, disk or socket.

use std::time::Duration;

use jiff::SignedDuration;
use kernel::Timestamp;
use ledger::{Delivery, DeliveryStatus};

/// After this many attempts a delivery is dead: with the waits between them, most of an hour.
pub const ATTEMPTS_MAX: u32 = 10;
const WAIT_FIRST: Duration = Duration::from_secs(5);
const WAIT_MAX: Duration = Duration::from_secs(600);
/// A receiver that asks for more patience is asked again after this.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(3600);

/// How an attempt went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    Delivered,
    /// The same message will not be taken.
    Refused { reason: String },
    /// It may be taken later.
    Failed { reason: String, retry_after: Option<Duration> },
}

pub fn next(delivery: &Delivery, outcome: Outcome, now: Timestamp) -> Delivery {
    let attempts = delivery.attempts + 1;
    let was = Delivery { attempts, next_attempt_at: None, ..delivery.clone() };
    match outcome {
        Outcome::Delivered => Delivery { status: DeliveryStatus::Delivered, delivered_at: Some(now), last_error: None, ..was },
        Outcome::Refused { reason } => Delivery { status: DeliveryStatus::Dead, last_error: Some(reason), ..was },
        Outcome::Failed { reason, .. } if attempts >= ATTEMPTS_MAX => {
            Delivery { status: DeliveryStatus::Dead, last_error: Some(reason), ..was }
        }
        Outcome::Failed { reason, retry_after } => {
            let wait = wait(delivery.id.as_str(), attempts).max(retry_after.unwrap_or_default().min(RETRY_AFTER_MAX));
            let wait = SignedDuration::try_from(wait).unwrap_or(SignedDuration::MAX);
            Delivery { next_attempt_at: now.checked_add(wait).ok(), last_error: Some(reason), ..was }
        }
    }
}

/// Doubles with each attempt, and is moved by up to a quarter, so that many deliveries that failed
/// together do not come back together.
fn wait(id: &str, attempts: u32) -> Duration {
    let doubled = WAIT_FIRST.saturating_mul(1 << (attempts - 1).min(16)).min(WAIT_MAX);
    let hash = id.bytes().chain(attempts.to_le_bytes()).fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    doubled.mul_f64(0.75 + 0.5 * ((hash >> 11) as f64 / (1_u64 << 53) as f64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::{DeliveryId, EventId};
    use ledger::Channel;

    fn delivery() -> Delivery {
        Delivery {
            id: DeliveryId::random(),
            channel: Channel::Webhook,
            rule: "tell".to_owned(),
            target: "http://localhost/".to_owned(),
            headers: Default::default(),
            body: serde_json::Value::Null,
            status: DeliveryStatus::Pending,
            attempts: 0,
            next_attempt_at: Some(Timestamp::UNIX_EPOCH),
            last_error: None,
            created_at: Timestamp::UNIX_EPOCH,
            delivered_at: None,
            cause: EventId::random(),
            incident: None,
        }
    }

    fn failed(retry_after: Option<Duration>) -> Outcome {
        Outcome::Failed { reason: "no answer".to_owned(), retry_after }
    }

    #[test]
    fn waits_double_until_the_delivery_is_dead() {
        let mut delivery = delivery();
        let mut waits = Vec::new();
        while delivery.status == DeliveryStatus::Pending {
            delivery = next(&delivery, failed(None), Timestamp::UNIX_EPOCH);
            waits.extend(delivery.next_attempt_at.map(|at| at.as_millisecond() as f64 / 1e3));
        }
        assert_eq!((delivery.status, delivery.attempts), (DeliveryStatus::Dead, ATTEMPTS_MAX));
        for (attempt, wait) in waits.iter().enumerate() {
            let middle = (5.0 * 2f64.powi(attempt as i32)).min(600.0);
            assert!((0.75 * middle..=1.25 * middle).contains(wait), "{attempt}: {wait}");
        }
    }

    #[test]
    fn a_receiver_that_names_a_time_is_heard() {
        let at = |retry_after| next(&delivery(), failed(Some(Duration::from_secs(retry_after))), Timestamp::UNIX_EPOCH).next_attempt_at.unwrap().as_second();
        assert_eq!(at(120), 120);
        assert_eq!(at(1_000_000), 3600);
    }
}
