//! What happened, in the toolkit's format.
//!
//! Source: Chaos Toolkit, "Experiment Journal". Within a run, a row keeps besides why it counts as failed.

use kernel::Timestamp;
use serde::Serialize;
use serde_json::Value;

use super::state::Verdict;

/// One playing of an experiment.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Journal {
    /// The field is the toolkit's; the name is ours.
    #[serde(rename = "chaoslib-version")]
    pub version: String,
    pub platform: String,
    pub node: String,
    /// As it was written, with its title filled in.
    pub experiment: Value,
    pub start: String,
    pub status: Status,
    pub deviated: bool,
    pub steady_states: SteadyStates,
    pub run: Vec<Row>,
    pub rollbacks: Vec<Row>,
    pub end: String,
    /// Seconds.
    pub duration: f64,
    /// Why it does not count as a success, in words; not part of the toolkit's format.
    #[serde(skip)]
    pub verdict: Verdict,
}

impl Journal {
    /// What a command that played the experiment exits with.
    pub fn exit_code(&self) -> u8 {
        u8::from(!self.verdict.reasons.is_empty())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    Completed,
    Failed,
    Aborted,
    Interrupted,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct SteadyStates {
    pub before: Option<SteadyState>,
    pub after: Option<SteadyState>,
    pub during: Vec<SteadyState>,
}

/// One look at the hypothesis; it ends at the first probe out of tolerance.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SteadyState {
    pub steady_state_met: bool,
    pub probes: Vec<Row>,
}

/// One activity played.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// As it was written.
    pub activity: Value,
    pub output: Value,
    pub start: String,
    pub status: RowStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exception: Option<Vec<String>>,
    pub end: String,
    /// Seconds.
    pub duration: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tolerance_met: Option<bool>,
    /// Why the value is out of tolerance.
    #[serde(skip)]
    pub reason: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RowStatus {
    Succeeded,
    Failed,
}

impl Row {
    pub fn name(&self) -> &str {
        self.activity["name"].as_str().unwrap_or("an activity")
    }

    /// Why it failed, or is out of tolerance.
    pub fn fault(&self) -> Option<String> {
        let raised = self.exception.as_ref().map(|lines| lines.concat().trim().to_owned());
        raised.or_else(|| self.reason.clone()).or_else(|| (self.status == RowStatus::Failed).then(|| "failed".to_owned()))
    }
}

/// As Python writes a time in UTC.
pub fn written(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S.%6f+00:00").to_string()
}

/// Seconds between two times; 0 if the clock went back.
pub fn seconds(start: Timestamp, end: Timestamp) -> f64 {
    end.duration_since(start).as_secs_f64().max(0.0)
}

/// The machine, as the toolkit words it: `Linux-6.1.0-x86_64` and its name.
pub fn machine() -> (String, String) {
    let kernel = |field: &str| std::fs::read_to_string(format!("/proc/sys/kernel/{field}")).ok().map(|text| text.trim().to_owned());
    let system = kernel("ostype").unwrap_or_else(|| std::env::consts::OS.to_owned());
    let release = kernel("osrelease").map(|release| format!("-{release}")).unwrap_or_default();
    let node = kernel("hostname").or_else(|| std::env::var("HOSTNAME").ok()).unwrap_or_else(|| "unknown".to_owned());
    (format!("{system}{release}-{}", std::env::consts::ARCH), node)
}
