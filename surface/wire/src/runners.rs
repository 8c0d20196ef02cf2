//! Runners: processes elsewhere that play what this server gives them.

use kernel::{RunId, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RunnerSummary {
    /// Its own name, drawn when it started.
    pub runner: String,
    pub location: String,
    pub version: String,
    /// When it called for the first time.
    pub since: Timestamp,
    pub seen_at: Timestamp,
    /// The canaries of its location.
    pub canaries: Vec<String>,
    /// The share of a load that it plays.
    pub plays: Option<PlayedShare>,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PlayedShare {
    pub run: RunId,
    /// From 0.
    pub share: u64,
}

/// A runner asks for work.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AskForWork {
    pub runner: String,
    pub location: String,
    pub version: String,
    /// How long the answer may take when there is none; at most 30 seconds.
    #[serde(default)]
    pub wait_ms: u64,
}

/// A runner asks whether it makes the rounds of its location.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AskForRounds {
    pub runner: String,
    pub location: String,
    pub version: String,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RoundsAnswer {
    /// For 15 seconds; ask again before.
    pub yours: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct WorkAnswer {
    /// By this server's clock.
    pub now: Timestamp,
    pub share: Option<OfferedShare>,
}

/// A share of a load, the runner's for as long as it keeps its lease.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct OfferedShare {
    pub run: RunId,
    /// From 0.
    pub share: u64,
    /// How many shares there are.
    pub of: u64,
    /// Of the lease; shown with all that is told of the share.
    pub token: i64,
    /// The lease ends this long after it was last told of.
    pub lease_ms: u64,
    /// The scenario's name.
    pub document: String,
    /// SHA-256 of its script: only the same is played.
    pub digest: String,
    pub environment: Option<String>,
    pub target: Option<String>,
    pub seed: u64,
    pub test_id: String,
    /// The part of the requests whose traces are recorded, from 0 to 1.
    pub traced: f64,
}

/// How a share goes.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TellShare {
    pub runner: String,
    pub token: i64,
    /// Whether everything is prepared.
    pub ready: bool,
    /// As the engine tells it: counts, and percentiles of the last second.
    #[schema(value_type = Option<Object>)]
    pub snapshot: Option<serde_json::Value>,
    /// The slowest traced requests since it was told last, as a load's report names them; at most 10.
    #[serde(default)]
    #[schema(value_type = Vec<Object>)]
    pub slowest: Vec<serde_json::Value>,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ShareAnswer {
    /// By this server's clock.
    pub now: Timestamp,
    /// When all begin; absent until all are ready.
    pub start_at: Option<Timestamp>,
    /// The load is over: hand in what there is.
    pub stop: bool,
}
