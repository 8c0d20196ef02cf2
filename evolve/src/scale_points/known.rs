//! The scale points that are known, each from the latest search that found one, with its runway.

use std::sync::Arc;

use documents::canary::CanaryCheck;
use documents::{Graph, Loaded};
use jiff::{SignedDuration, ToSpan};
use jiff::tz::TimeZone;
use kernel::{EntityRef, RunId, SharedClock, Timestamp};
use ledger::{Ledger, LedgerError, Run, RunFilter};
use serde::Serialize;
use telemetry::promql::{Engine, Value};
use tokio::sync::watch;

use super::runway::{DailyPeak, Runway, runway};

/// What a run of a search hands out, by name.
pub const HELD: &str = "held_rate";
pub const BROKE: &str = "broke_rate";
/// Requests of one arrival.
pub const REQUESTS: &str = "requests_per_arrival";
pub const SATURATED: &str = "saturated";

/// Farther back the traffic says little about the next months.
const DAYS: i64 = 60;
const SEARCHES_READ: u32 = 200;

#[derive(Debug, Clone, Serialize)]
pub struct KnownScalePoint {
    pub scenario: String,
    pub run: RunId,
    pub found_at: Timestamp,
    /// Arrivals a second that held, and that did not.
    pub held: f64,
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

/// Reads what is known; cheap to clone.
#[derive(Clone)]
pub struct ScalePoints {
    ledger: Ledger,
    documents: watch::Receiver<Arc<Loaded>>,
    engine: Engine,
    clock: SharedClock,
}

impl ScalePoints {
    pub fn new(ledger: Ledger, documents: watch::Receiver<Arc<Loaded>>, engine: Engine, clock: SharedClock) -> Self {
        Self { ledger, documents, engine, clock }
    }

    pub async fn all(&self) -> Result<Vec<KnownScalePoint>, LedgerError> {
        let loaded = self.documents.borrow().clone();
        let mut known = Vec::new();
        for scenario in loaded.graph.scripts.keys() {
            let filter = RunFilter { document: Some(scenario.clone()), routine: Some(false), limit: Some(SEARCHES_READ), ..RunFilter::default() };
            let runs = self.ledger.runs(&filter).await?;
            if let Some(point) = runs.iter().find_map(|run| found(scenario, run)) {
                known.push(self.with_runway(point, &loaded.graph).await);
            }
        }
        Ok(known)
    }

    pub(super) fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// How much time there must be.
    pub(super) fn wanted(&self) -> SignedDuration {
        SignedDuration::try_from(self.documents.borrow().graph.workload.runway).unwrap_or(SignedDuration::MAX)
    }

    async fn with_runway(&self, point: KnownScalePoint, graph: &Graph) -> KnownScalePoint {
        let Some(component) = component(&point.scenario, graph) else {
            let note = format!("no canary that plays {} names its component, so its traffic is not known", point.scenario);
            return KnownScalePoint { note: Some(note), ..point };
        };
        let Some(service) = graph.entity(&component).and_then(|entity| entity.service()) else {
            let note = format!("{component} has no service of OpenTelemetry");
            return KnownScalePoint { component: Some(component), note: Some(note), ..point };
        };
        let traffic = format!("sum(rate(http_server_request_duration_seconds_count{{job=~\"(.+/)?{service}\"}}[5m]))");
        let (runway, note) = match self.peaks(&traffic).await {
            Ok(peaks) => match runway(&peaks, point.requests_rate) {
                Some(runway) => (Some(runway), None),
                None => (None, Some(format!("the lake holds no traffic of {service} yet"))),
            },
            Err(error) => (None, Some(error)),
        };
        KnownScalePoint { component: Some(component), traffic: Some(traffic), runway, note, ..point }
    }

    /// Today's is so far.
    async fn peaks(&self, traffic: &str) -> Result<Vec<DailyPeak>, String> {
        let now = self.clock.now();
        let midnight = now.to_zoned(TimeZone::UTC).start_of_day().map_err(|error| error.to_string())?;
        let daily = format!("max_over_time({traffic}[1d:5m])");
        let first = midnight.checked_sub(DAYS.days()).map_err(|error| error.to_string())?;
        let step = SignedDuration::from_hours(24).as_millis() as i64;
        let past = self.engine.range(&daily, first.timestamp().as_millisecond(), midnight.timestamp().as_millisecond(), step).await;
        let mut peaks = Vec::new();
        if let Value::Matrix(series) = past.map_err(|error| error.to_string())?.value {
            for sample in series.iter().flat_map(|series| &series.samples) {
                let end = Timestamp::from_millisecond(sample.time_ms).map_err(|error| error.to_string())?;
                peaks.push(DailyPeak { day: end - SignedDuration::from_hours(24), rate: sample.value });
            }
        }
        let since = (now.as_second() - midnight.timestamp().as_second()).max(300);
        let today = self.engine.instant(&format!("max_over_time({traffic}[{since}s:1m])"), now.as_millisecond()).await;
        if let Value::Vector(samples) = today.map_err(|error| error.to_string())?.value
            && let Some((_, sample)) = samples.first()
        {
            peaks.push(DailyPeak { day: midnight.timestamp(), rate: sample.value });
        }
        Ok(peaks)
    }
}

/// The component whose canary plays the scenario.
fn component(scenario: &str, graph: &Graph) -> Option<EntityRef> {
    let plays = |check: &CanaryCheck| matches!(check, CanaryCheck::Scenario { name, .. } if name == scenario);
    graph.canaries.values().find(|canary| plays(&canary.check))?.component.clone()
}

fn found(scenario: &str, run: &Run) -> Option<KnownScalePoint> {
    let number = |name: &str| run.outputs.get(name)?.parse::<f64>().ok();
    let (held, requests) = (number(HELD)?, number(REQUESTS)?);
    Some(KnownScalePoint {
        scenario: scenario.to_owned(),
        run: run.id.clone(),
        found_at: run.finished_at?,
        held,
        broke: number(BROKE)?,
        requests_rate: held * requests,
        saturated: run.outputs.get(SATURATED).cloned(),
        component: None,
        traffic: None,
        runway: None,
        note: None,
    })
}
