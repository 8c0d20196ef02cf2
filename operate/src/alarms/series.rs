//! The series that rules write, and the markers that end them.

use std::collections::HashSet;

use ledger::{AlarmInstance, AlarmState};
use telemetry::labels::METRIC_NAME;
use telemetry::ports::{STALE_NAN_BITS, Sample, Series};
use telemetry::Labels;

const ALERTS: &str = "ALERTS";
const ALERTS_FOR_STATE: &str = "ALERTS_FOR_STATE";
const STATE_LABEL: &str = "alertstate";

/// `ALERTS` is 1 for each instance that is pending or firing; `ALERTS_FOR_STATE` is since when, in
/// seconds since the epoch.
pub fn alerts(instances: &[AlarmInstance], at_ms: i64) -> Vec<Series> {
    let mut series = Vec::new();
    for instance in instances {
        let state = match instance.state {
            AlarmState::Pending => "pending",
            AlarmState::Firing => "firing",
            _ => continue,
        };
        let mut labels = Labels::from_pairs(&instance.labels).to_builder();
        labels.set(METRIC_NAME, ALERTS_FOR_STATE);
        series.push(one(labels.clone().build(), at_ms, instance.active_at.as_second() as f64));
        labels.set(METRIC_NAME, ALERTS).set(STATE_LABEL, state);
        series.push(one(labels.build(), at_ms, 1.0));
    }
    series
}

pub fn one(labels: Labels, time_ms: i64, value: f64) -> Series {
    Series { labels, samples: vec![Sample { time_ms, value }] }
}

/// What a rule wrote last, so that a series it no longer writes is ended at once instead of after
/// PromQL's lookback.
#[derive(Debug, Clone, Default)]
pub struct Written(HashSet<Labels>);

impl Written {
    /// Adds the markers for the series that are missing from `series`; they are what is written from now on.
    pub fn replace(&mut self, mut series: Vec<Series>, at_ms: i64) -> Vec<Series> {
        let now: HashSet<Labels> = series.iter().map(|series| series.labels.clone()).collect();
        let ended = self.0.difference(&now).cloned();
        series.extend(ended.map(|labels| one(labels, at_ms, f64::from_bits(STALE_NAN_BITS))));
        self.0 = now;
        series
    }
}
