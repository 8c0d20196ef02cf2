//! Looking into the signals: SQL, logs, traces.

use kernel::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

#[derive(Debug, Clone, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SqlQuery {
    pub sql: String,
    /// At most this many rows; 1,000 if absent, never more than 100,000.
    pub limit: Option<u32>,
}

/// Which log records. All fields narrow; times default to the last hour.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct LogQuery {
    #[param(value_type = Option<String>)]
    pub start: Option<Timestamp>,
    #[param(value_type = Option<String>)]
    pub end: Option<Timestamp>,
    pub service: Option<String>,
    /// At least this severe: `trace`, `debug`, `info`, `warn`, `error`, `fatal`.
    pub severity: Option<String>,
    /// Text that the body contains, in any case.
    pub contains: Option<String>,
    pub trace_id: Option<String>,
    /// At most this many, newest first; 200 if absent, never more than 10,000.
    pub limit: Option<u32>,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct LogLine {
    pub time: Timestamp,
    pub service: String,
    /// `INFO`, `ERROR`, …
    pub severity: String,
    pub body: String,
    pub trace_id: Option<String>,
    pub span_id: Option<String>,
    #[schema(value_type = Object)]
    pub attributes: serde_json::Value,
    #[schema(value_type = Object)]
    pub resource: serde_json::Value,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Logs {
    pub lines: Vec<LogLine>,
    /// Whether there are more in the window.
    pub truncated: bool,
}

/// How many records of each severity fell into each step.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct LogHistogram {
    pub step_s: f64,
    /// Start of each step, in seconds since the epoch.
    pub time_s: Vec<f64>,
    pub series: Vec<LogHistogramSeries>,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct LogHistogramSeries {
    pub severity: String,
    pub counts: Vec<u64>,
}

/// Which traces. All fields narrow; times default to the last hour.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct TraceQuery {
    #[param(value_type = Option<String>)]
    pub start: Option<Timestamp>,
    #[param(value_type = Option<String>)]
    pub end: Option<Timestamp>,
    /// Traces with a span of this service.
    pub service: Option<String>,
    /// Traces with a span of this name.
    pub operation: Option<String>,
    pub min_duration_ms: Option<f64>,
    pub max_duration_ms: Option<f64>,
    /// Only traces with a failed span.
    #[serde(default)]
    pub errors: bool,
    /// At most this many, newest first; 50 if absent, never more than 1,000.
    pub limit: Option<u32>,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct TraceSummary {
    pub trace_id: String,
    pub start_time: Timestamp,
    pub duration_ms: f64,
    pub root_service: String,
    pub root_name: String,
    pub spans: u64,
    pub errors: u64,
    pub services: Vec<String>,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Trace {
    pub trace_id: String,
    /// In order of start.
    pub spans: Vec<TraceSpan>,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct TraceSpan {
    pub span_id: String,
    pub parent_span_id: Option<String>,
    pub service: String,
    pub name: String,
    /// `server`, `client`, `producer`, `consumer`, `internal`.
    pub kind: String,
    /// `ok`, `error`, `unset`.
    pub status: String,
    pub status_message: Option<String>,
    pub start_time: Timestamp,
    pub duration_ms: f64,
    #[schema(value_type = Object)]
    pub attributes: serde_json::Value,
    #[schema(value_type = Object)]
    pub resource: serde_json::Value,
    /// `[{time, name, attributes}]`
    #[schema(value_type = Vec<Object>)]
    pub events: serde_json::Value,
    /// `[{trace_id, span_id, attributes}]`
    #[schema(value_type = Vec<Object>)]
    pub links: serde_json::Value,
}

/// Names to choose from when searching.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ServiceNames {
    pub services: Vec<String>,
    /// Names of spans, by service.
    pub operations: std::collections::BTreeMap<String, Vec<String>>,
}
