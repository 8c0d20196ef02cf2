//! What both OTLP transports share: limits, back-pressure, and the way from bytes to the sink.

use std::sync::Arc;
use std::time::Duration;

use kernel::{Classified, Clock, Kind, SystemClock};
use opentelemetry_proto::tonic::collector::logs::v1::{ExportLogsPartialSuccess, ExportLogsServiceResponse};
use opentelemetry_proto::tonic::collector::metrics::v1::{ExportMetricsPartialSuccess, ExportMetricsServiceResponse};
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTracePartialSuccess, ExportTraceServiceResponse};
use prost::Message;
use telemetry::otlp::DecodeError;
use telemetry::ports::Accepted;
use telemetry::{Export, Signal, SignalSink, SinkError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How much strangers may ask for at once.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Of one request, compressed or not.
    pub request_bytes_max: usize,
    /// Of all requests of one transport that are read, decoded or written at the same time.
    pub in_flight_bytes_max: usize,
    /// From the head of a request to its answer.
    pub request_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { request_bytes_max: 16 << 20, in_flight_bytes_max: 128 << 20, request_timeout: Duration::from_secs(30) }
    }
}

/// Why a request was not taken. The message is for the sender's log.
#[derive(Debug, thiserror::Error)]
pub enum IntakeError {
    #[error(transparent)]
    Decode(#[from] DecodeError),
    #[error("the body cannot be decompressed: {0}")]
    Compression(String),
    #[error("the body could not be read: {0}")]
    Body(String),
    #[error("the request is larger than {limit} bytes; send smaller batches")]
    TooLarge { limit: usize },
    #[error("the request took longer than {limit_s} s")]
    Timeout { limit_s: u64 },
    #[error(transparent)]
    Sink(#[from] SinkError),
}

impl Classified for IntakeError {
    fn kind(&self) -> Kind {
        match self {
            Self::Decode(error) => error.kind(),
            Self::Compression(_) | Self::Body(_) => Kind::Invalid,
            Self::TooLarge { .. } => Kind::TooLarge,
            Self::Timeout { .. } => Kind::Timeout,
            Self::Sink(error) => error.kind(),
        }
    }
}

impl IntakeError {
    /// When the sender should try again, if the reason is load.
    pub fn retry_after_s(&self) -> Option<u32> {
        match self {
            Self::Sink(SinkError::Busy { retry_after_s }) => Some(*retry_after_s),
            _ => None,
        }
    }
}

/// Takes exports for a sink. Cheap to clone.
#[derive(Clone)]
pub struct Intake {
    sink: Arc<dyn SignalSink>,
    limits: Limits,
    in_flight: Arc<Semaphore>,
}

impl Intake {
    pub fn new(sink: Arc<dyn SignalSink>, limits: Limits) -> Self {
        let permits = limits.in_flight_bytes_max.min(Semaphore::MAX_PERMITS);
        Self { sink, limits, in_flight: Arc::new(Semaphore::new(permits)) }
    }

    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The bytes that a request has in flight, none yet.
    pub fn hold(&self) -> Hold {
        Hold { in_flight: self.in_flight.clone(), permit: None }
    }

    /// Screens the export and writes it; returns when what was not rejected is durable.
    pub async fn accept(&self, mut export: Export) -> Result<Accepted, IntakeError> {
        let received = SystemClock.now().as_nanosecond();
        let screened = export.screen(u64::try_from(received).unwrap_or_default());
        match self.sink.write(export).await {
            Ok(accepted) => Ok(screened.and(accepted)),
            Err(error) => {
                if let SinkError::Storage(cause) = &error {
                    tracing::error!(%cause, "an export could not be stored");
                }
                Err(error.into())
            }
        }
    }
}

/// Bytes in flight; given back when dropped.
pub struct Hold {
    in_flight: Arc<Semaphore>,
    permit: Option<OwnedSemaphorePermit>,
}

impl Hold {
    /// Counts more bytes, or says that there is no room for them now.
    pub fn take(&mut self, bytes: usize) -> Result<(), IntakeError> {
        let busy = || SinkError::Busy { retry_after_s: 1 };
        let bytes = u32::try_from(bytes).map_err(|_| busy())?;
        let more = self.in_flight.clone().try_acquire_many_owned(bytes).map_err(|_| busy())?;
        match &mut self.permit {
            Some(permit) => permit.merge(more),
            None => self.permit = Some(more),
        }
        Ok(())
    }
}

/// The protobuf answer to an export. `partial_success` is there if there is something to say.
pub fn success_message(signal: Signal, accepted: &Accepted) -> Vec<u8> {
    let rejected = i64::try_from(accepted.rejected).unwrap_or(i64::MAX);
    let error_message = accepted.reason.clone().unwrap_or_default();
    let partial = rejected > 0 || !error_message.is_empty();
    match signal {
        Signal::Logs => ExportLogsServiceResponse {
            partial_success: partial.then_some(ExportLogsPartialSuccess { rejected_log_records: rejected, error_message }),
        }
        .encode_to_vec(),
        Signal::Spans => ExportTraceServiceResponse {
            partial_success: partial.then_some(ExportTracePartialSuccess { rejected_spans: rejected, error_message }),
        }
        .encode_to_vec(),
        Signal::Metrics => ExportMetricsServiceResponse {
            partial_success: partial.then_some(ExportMetricsPartialSuccess { rejected_data_points: rejected, error_message }),
        }
        .encode_to_vec(),
    }
}
