//! Scale points and their runways.

use kernel::{EntityRef, RunId, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ScalePoint {
    pub scenario: String,
    /// The search that found it.
    pub run: RunId,
    pub found_at: Timestamp,
    /// Arrivals a second that held.
    pub held: f64,
    /// Arrivals a second that did not.
    pub broke: f64,
    /// Requests a second at the rate that held.
    pub requests_rate: f64,
    /// The service that got slow or failed first, if the traces told.
    pub saturated: Option<String>,
    /// What the scenario speaks to, as its canary says.
    pub component: Option<EntityRef>,
    /// The PromQL of its traffic, in requests a second.
    pub traffic: Option<String>,
    pub runway: Option<Runway>,
    /// Why there is no runway.
    pub note: Option<String>,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Runway {
    /// The highest traffic of the last seven days, in requests a second.
    pub peak: f64,
    /// How much of the scale point that is; 1 is all.
    pub used: f64,
    pub state: RunwayState,
    /// When the daily peak will reach the scale point, along its trend.
    pub date: Option<Timestamp>,
    /// With 95 % confidence.
    pub earliest: Option<Timestamp>,
    pub latest: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RunwayState {
    Reached,
    /// On `date`.
    On,
    /// Traffic does not grow towards it.
    NotInSight,
    /// Traffic of a week is needed to see a trend.
    TooFewDays,
}
