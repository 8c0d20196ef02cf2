//! The ports between the signals and whoever stores or reads them.

use std::ops::RangeInclusive;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use kernel::table::{Table, TableSchema};
use kernel::{Classified, Kind};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use tokio::sync::broadcast;

use crate::Labels;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Signal {
    Logs,
    Spans,
    Metrics,
}

/// One export request of an OpenTelemetry sender: decoded, and as the protobuf bytes that say the same.
#[derive(Debug, Clone)]
pub struct Export {
    pub payload: Bytes,
    pub body: ExportBody,
}

#[derive(Debug, Clone)]
pub enum ExportBody {
    Logs(ExportLogsServiceRequest),
    Spans(ExportTraceServiceRequest),
    Metrics(ExportMetricsServiceRequest),
}

/// Where signals go.
#[async_trait]
pub trait SignalSink: Send + Sync {
    /// Returns when everything that was not rejected is durable and can be queried.
    async fn write(&self, export: Export) -> Result<Accepted, SinkError>;
}

/// What became of an export. Rejected records will be rejected again; the rest is stored.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Accepted {
    pub rejected: u64,
    /// Why, for the sender's log.
    pub reason: Option<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum SinkError {
    /// Too much is under way: the sender should try again after this time.
    #[error("too much is being written; try again in {retry_after_s} s")]
    Busy { retry_after_s: u32 },
    #[error("the signals could not be stored")]
    Storage(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Classified for SinkError {
    fn kind(&self) -> Kind {
        match self {
            Self::Busy { .. } => Kind::Busy,
            Self::Storage(_) => Kind::Internal,
        }
    }
}

/// One float sample. The time is in milliseconds since the epoch, as everywhere in PromQL.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    pub time_ms: i64,
    pub value: f64,
}

/// Prometheus's marker of a series that ended, a NaN with this payload.
pub const STALE_NAN_BITS: u64 = 0x7ff0_0000_0000_0002;

pub fn is_stale(value: f64) -> bool {
    value.to_bits() == STALE_NAN_BITS
}

/// The samples of one series, in order of time, each time once.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    pub labels: Labels,
    pub samples: Vec<Sample>,
}

#[derive(Debug, Clone)]
pub enum MatchOp {
    Equal,
    NotEqual,
    /// Anchored at both ends, as in Prometheus.
    Regex(regex::Regex),
    NotRegex(regex::Regex),
}

/// `name op "value"`; an absent label counts as empty.
#[derive(Debug, Clone)]
pub struct Matcher {
    pub name: String,
    pub op: MatchOp,
    /// As written.
    pub value: String,
}

impl Matcher {
    pub fn equal(name: &str, value: &str) -> Self {
        Self { name: name.to_owned(), op: MatchOp::Equal, value: value.to_owned() }
    }

    pub fn matches(&self, value: &str) -> bool {
        match &self.op {
            MatchOp::Equal => value == self.value,
            MatchOp::NotEqual => value != self.value,
            MatchOp::Regex(regex) => regex.is_match(value),
            MatchOp::NotRegex(regex) => !regex.is_match(value),
        }
    }
}

/// What a metric is, for people.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Metadata {
    pub name: String,
    /// `counter`, `gauge`, `histogram`, `summary`, `unknown`.
    pub kind: String,
    pub help: String,
    pub unit: String,
}

/// Where PromQL reads. Times are milliseconds since the epoch, both ends included.
#[async_trait]
pub trait MetricSource: Send + Sync {
    /// The series that all matchers match, with their samples in the window; series without any are left out.
    async fn select(&self, matchers: &[Matcher], window_ms: RangeInclusive<i64>) -> Result<Vec<Series>, SourceError>;

    /// The label sets of the series with samples in the window that all matchers of one of the sets
    /// match; all series if there are no sets.
    async fn series(&self, matchers: &[Vec<Matcher>], window_ms: RangeInclusive<i64>) -> Result<Vec<Labels>, SourceError>;

    /// Sorted.
    async fn label_names(&self, matchers: &[Vec<Matcher>], window_ms: RangeInclusive<i64>) -> Result<Vec<String>, SourceError>;

    /// Sorted.
    async fn label_values(&self, name: &str, matchers: &[Vec<Matcher>], window_ms: RangeInclusive<i64>) -> Result<Vec<String>, SourceError>;

    async fn metadata(&self) -> Result<Vec<Metadata>, SourceError>;

    /// Writes samples that Mainstay computed itself (recording rules, `ALERTS`); returns when durable.
    async fn append(&self, series: Vec<Series>) -> Result<(), SinkError>;
}

#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    #[error("the query reads more than {limit} samples; narrow its window or its matchers")]
    TooManySamples { limit: usize },
    #[error("the metrics could not be read")]
    Storage(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Where SQL runs: the lake's signals and the `ops.*` tables in one session.
#[async_trait]
pub trait SqlSource: Send + Sync {
    /// Runs one read-only statement; at most `limit` rows.
    async fn sql(&self, query: &str, limit: usize) -> Result<Table, SqlError>;

    /// All tables, with the types and units of their columns.
    fn tables(&self) -> Vec<TableSchema>;
}

#[derive(Debug, thiserror::Error)]
pub enum SqlError {
    /// The statement is wrong; the message says where and what was meant, if that can be told.
    #[error("{message}")]
    Invalid { message: String },
    #[error("the query took longer than {limit_s} s; narrow its time range")]
    Timeout { limit_s: u64 },
    #[error("the query needs more memory than it may use; narrow its time range or aggregate earlier")]
    Memory,
    #[error("the query failed")]
    Execution(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Classified for SqlError {
    fn kind(&self) -> Kind {
        match self {
            Self::Invalid { .. } => Kind::Invalid,
            Self::Timeout { .. } => Kind::Timeout,
            Self::Memory => Kind::TooLarge,
            Self::Execution(_) => Kind::Internal,
        }
    }
}

/// Log records as they arrive, for a live tail. A slow reader loses the oldest.
pub trait LogTail: Send + Sync {
    fn tail(&self) -> broadcast::Receiver<Arc<ExportLogsServiceRequest>>;
}
