//! What remains of a look: samples for the lake, and an event for the ledger.

use std::time::Duration;

use documents::canary::Canary;
use documents::rules::COMPONENT_LABEL;
use kernel::{RunId, Timestamp};
use kernel::task::TaskError;
use ledger::{Actor, Batch, CANARY, Ledger, NewEvent, types};
use serde_json::json;
use telemetry::{Labels, MetricSource};
use telemetry::ports::{Sample, Series};

use super::check::{Looked, Reading};

/// The `source` of the events that this room appends.
const SOURCE: &str = "/operate/canaries";

/// Writes what was seen. The samples first: an event tells of what can be read.
pub async fn keep(
    ledger: &Ledger,
    metrics: &dyn MetricSource,
    canary: &Canary,
    location: &str,
    looked: &Looked,
    run: Option<RunId>,
    at: Timestamp,
) -> Result<(), TaskError> {
    metrics.append(samples(canary, location, looked, at)).await?;
    ledger.commit(Batch::new().event(event(canary, location, looked.failure.as_deref(), looked.took, run))).await?;
    Ok(())
}

/// Samples in the convention of Prometheus's blackbox exporter, with the canary's name and location.
pub fn samples(canary: &Canary, location: &str, looked: &Looked, at: Timestamp) -> Vec<Series> {
    let success = if looked.failure.is_none() { 1.0 } else { 0.0 };
    let always = [Reading::new("probe_success", success), Reading::new("probe_duration_seconds", looked.took.as_secs_f64())];
    let mut series: Vec<Series> = Vec::new();
    for reading in always.iter().chain(&looked.readings) {
        let labels = labels(canary, location, reading);
        match series.iter_mut().find(|known| known.labels == labels) {
            // Each redirect has the same phases once more.
            Some(known) => known.samples.iter_mut().for_each(|sample| sample.value += reading.value),
            None => series.push(Series { labels, samples: vec![Sample { time_ms: at.as_millisecond(), value: reading.value }] }),
        }
    }
    series
}

fn labels(canary: &Canary, location: &str, reading: &Reading) -> Labels {
    let component = canary.component.as_ref().map(ToString::to_string);
    let fixed = [("__name__", reading.name.as_ref()), ("canary", &canary.name), ("location", location)];
    let own = reading.labels.iter().map(|(name, value)| (name.as_ref(), value.as_str()));
    Labels::from_pairs(fixed.into_iter().chain(component.as_deref().map(|component| (COMPONENT_LABEL, component))).chain(own))
}

pub fn event(canary: &Canary, location: &str, failure: Option<&str>, took: Duration, run: Option<RunId>) -> NewEvent {
    let kind = if failure.is_none() { types::CANARY_PASSED } else { types::CANARY_FAILED };
    let data = json!({ "location": location, "component": canary.component, "error": failure, "duration_s": took.as_secs_f64() });
    NewEvent::new(SOURCE, kind, data).subject(canary.name.clone()).actor(actor(&canary.name)).run(run)
}

/// Who asks for the runs of a canary.
pub fn actor(canary: &str) -> Actor {
    Actor(format!("{CANARY}{canary}"))
}
