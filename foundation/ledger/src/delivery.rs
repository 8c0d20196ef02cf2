//! Messages to the outside: an outbox with retries and a dead-letter list.

use kernel::{DeliveryId, EventId, IncidentId, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Channel {
    Webhook,
    Slack,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum DeliveryStatus {
    Pending,
    Delivered,
    /// Given up after the last retry; a person may try again.
    Dead,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Delivery {
    pub id: DeliveryId,
    pub channel: Channel,
    /// The event rule that asked for it.
    pub rule: String,
    /// Where to: a URL, or the name of the setting that holds it (`env:SLACK_URL`). Never shown with its secret.
    pub target: String,
    pub headers: std::collections::BTreeMap<String, String>,
    pub body: serde_json::Value,
    pub status: DeliveryStatus,
    pub attempts: u32,
    pub next_attempt_at: Option<Timestamp>,
    pub last_error: Option<String>,
    pub created_at: Timestamp,
    pub delivered_at: Option<Timestamp>,
    pub cause: EventId,
    pub incident: Option<IncidentId>,
}
