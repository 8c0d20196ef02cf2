//! `type: mainstay`: scenarios, queries and faults.

use documents::experiment::{OwnCall, Targets};
use kernel::Timestamp;
use parking_lot::Mutex;
use serde_json::{Value, json};

use super::Outcome;
use crate::experiments::platform::{Begun, Platform, Sample};
use crate::experiments::substitute::Names;
use crate::faults::{Bounds, FaultSpec};

pub struct Own<'a> {
    platform: &'a dyn Platform,
    bounds: Mutex<Bounds>,
    faults: Mutex<Vec<Fault>>,
}

/// A fault that has begun, by the name of its action.
pub struct Fault {
    pub action: String,
    pub begun: Box<dyn Begun>,
}

impl<'a> Own<'a> {
    pub fn new(platform: &'a dyn Platform, targets: &Targets) -> Self {
        Self { platform, bounds: Mutex::new(bounds(targets)), faults: Mutex::default() }
    }

    /// No fault outlives this time.
    pub fn set_deadline(&self, deadline: Option<Timestamp>) {
        self.bounds.lock().deadline = deadline;
    }

    /// Faults to lift, the latest first.
    pub fn take_faults(&self) -> Vec<Fault> {
        let mut faults = std::mem::take(&mut *self.faults.lock());
        faults.reverse();
        faults
    }

    pub async fn carry_out(&self, call: &OwnCall, action: &str, names: &Names) -> Outcome {
        match call {
            OwnCall::Scenario { name, environment } => {
                let environment = environment.as_ref().map(|environment| names.fill_to_text(environment));
                let outcome = self.platform.scenario(&names.fill_to_text(name), environment.as_deref()).await.map_err(|error| error.to_string())?;
                Ok(with_status(outcome))
            }
            OwnCall::Promql(query) => {
                let samples = self.platform.promql(&names.fill_to_text(query)).await.map_err(|error| error.to_string())?;
                Ok(value_of(&samples))
            }
            OwnCall::Fault(written) => {
                let spec = fault(written, names)?;
                let bounds = self.bounds.lock().clone();
                let begun = self.platform.begin_fault(&spec, &bounds).await.map_err(|error| error.to_string())?;
                self.faults.lock().push(Fault { action: action.to_owned(), begun });
                let duration = spec.duration().map(kernel::format_duration);
                Ok(json!({ "fault": spec.name(), "duration": duration }))
            }
        }
    }
}

/// A fault as the injector reads it.
pub fn fault(written: &Value, names: &Names) -> Result<FaultSpec, String> {
    serde_json::from_value(names.fill(written)).map_err(|error| format!("the fault cannot be read: {error}"))
}

fn bounds(targets: &Targets) -> Bounds {
    Bounds {
        hosts: targets.hosts.clone(),
        proxies: targets.proxies.clone(),
        processes: targets.processes.clone(),
        folders: targets.folders.iter().map(Into::into).collect(),
        devices: targets.devices.clone(),
        commands: targets.commands.clone(),
        deadline: None,
    }
}

/// So that `tolerance: true` asks whether the scenario passed.
fn with_status(mut outcome: Value) -> Value {
    let passed = outcome["passed"] == true;
    match outcome.as_object_mut() {
        Some(fields) => drop(fields.insert("status".to_owned(), Value::Bool(passed))),
        None => outcome = json!({ "status": passed, "outcome": outcome }),
    }
    outcome
}

/// One sample is a number, none is nothing, several are a list with their labels.
fn value_of(samples: &[Sample]) -> Value {
    match samples {
        [] => Value::Null,
        [one] => number(one.value),
        several => several.iter().map(|sample| json!({ "metric": sample.labels, "value": number(sample.value) })).collect(),
    }
}

/// JSON has no infinity and no NaN; their names do.
fn number(value: f64) -> Value {
    if value.is_finite() { json!(value) } else { json!(value.to_string()) }
}
