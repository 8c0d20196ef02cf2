//! OTLP: decoding, screening, rows, and the translation of its metrics into PromQL's series.
//!
//! A receiver makes an [`Export`] of what came in, [screens](Export::screen) it, and hands it to the
//! sink. A store walks logs and spans as [`rows`], and metrics through the [`metrics::Translator`].
//! The payload that a store keeps says all that the decoded body says, so that decoding it again
//! later gives the same rows and samples.

pub mod json;
pub mod metrics;
pub mod rows;
mod screen;
pub mod value;

use bytes::Bytes;
use kernel::{Classified, Kind};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;

use crate::ports::Accepted;
use crate::{Export, ExportBody, Signal};
pub use json::JsonError;

/// Why bytes are no export request. The message is for the sender's log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    #[error("not an OTLP {signal} request in protobuf: {message}")]
    Protobuf { signal: &'static str, message: String },
    #[error("not an OTLP {signal} request in JSON: {error}")]
    Json { signal: &'static str, error: JsonError },
}

impl Classified for DecodeError {
    fn kind(&self) -> Kind {
        Kind::Invalid
    }
}

impl Signal {
    /// As OTLP's own paths call it: `logs`, `traces`, `metrics`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Logs => "logs",
            Self::Spans => "traces",
            Self::Metrics => "metrics",
        }
    }
}

impl Export {
    /// Keeps `payload` as it is.
    pub fn from_protobuf(signal: Signal, payload: Bytes) -> Result<Self, DecodeError> {
        let body = match signal {
            Signal::Logs => ExportLogsServiceRequest::decode(payload.clone()).map(ExportBody::Logs),
            Signal::Spans => ExportTraceServiceRequest::decode(payload.clone()).map(ExportBody::Spans),
            Signal::Metrics => ExportMetricsServiceRequest::decode(payload.clone()).map(ExportBody::Metrics),
        };
        match body {
            Ok(body) => Ok(Self { payload, body }),
            Err(error) => Err(DecodeError::Protobuf { signal: signal.name(), message: error.to_string() }),
        }
    }

    pub fn from_json(signal: Signal, json: &[u8]) -> Result<Self, DecodeError> {
        match json::decode(signal, json) {
            Ok(body) => Ok(Self::from_request(body)),
            Err(error) => Err(DecodeError::Json { signal: signal.name(), error }),
        }
    }

    pub fn from_request(body: ExportBody) -> Self {
        Self { payload: body.encode(), body }
    }

    /// Takes out the records that no store could keep, and says how many and why. What stays is the
    /// same for the same payload; the time of receipt is only used for, and written into, log records
    /// that have no time at all. Screening again changes nothing.
    pub fn screen(&mut self, received_unix_ns: u64) -> Accepted {
        let outcome = screen::screen(&mut self.body, received_unix_ns);
        if outcome.changed {
            self.payload = self.body.encode();
        }
        outcome.accepted
    }
}

impl ExportBody {
    pub fn signal(&self) -> Signal {
        match self {
            Self::Logs(_) => Signal::Logs,
            Self::Spans(_) => Signal::Spans,
            Self::Metrics(_) => Signal::Metrics,
        }
    }

    fn encode(&self) -> Bytes {
        match self {
            Self::Logs(request) => request.encode_to_vec().into(),
            Self::Spans(request) => request.encode_to_vec().into(),
            Self::Metrics(request) => request.encode_to_vec().into(),
        }
    }
}

impl Accepted {
    /// Both outcomes in one.
    pub fn and(self, other: Self) -> Self {
        let reason = match (self.reason, other.reason) {
            (Some(mine), Some(theirs)) => Some(format!("{mine}; {theirs}")),
            (mine, theirs) => mine.or(theirs),
        };
        Self { rejected: self.rejected + other.rejected, reason }
    }
}

#[cfg(test)]
mod tests;
