//! The ports for writing, and the live tail.

use std::sync::Arc;

use async_trait::async_trait;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use telemetry::label_buffer::LabelsView;
use telemetry::otlp::metrics::MetricVisitor;
use telemetry::ports::{Accepted, Metadata, Sample, Series};
use telemetry::{Export, ExportBody, LogTail, SignalSink, SinkError};
use tokio::sync::broadcast;

use crate::lake::{Inner, Lake};
use crate::metrics::SampleBatch;
use crate::records::{log_batch, span_batch};

/// Samples further ahead of the clock than this are refused: they would outlive everything else.
const FUTURE_MS: i64 = 24 * 3_600 * 1_000;

#[async_trait]
impl SignalSink for Lake {
    async fn write(&self, export: Export) -> Result<Accepted, SinkError> {
        let inner = self.inner.clone();
        uncancelled(async move { inner.write(export).await }).await
    }
}

impl LogTail for Lake {
    fn tail(&self) -> broadcast::Receiver<Arc<ExportLogsServiceRequest>> {
        self.inner.tail.subscribe()
    }
}

impl Inner {
    async fn write(&self, mut export: Export) -> Result<Accepted, SinkError> {
        let screened = export.screen(u64::try_from(self.clock.now().as_nanosecond()).unwrap_or_default());
        let stored = match export.body {
            ExportBody::Logs(request) => {
                self.logs.admit()?;
                let batch = log_batch(&request);
                self.logs.write(export.payload, batch).await?;
                if self.tail.receiver_count() > 0 {
                    // Without a reader there is nobody to tell.
                    let _ = self.tail.send(Arc::new(request));
                }
                Accepted::default()
            }
            ExportBody::Spans(request) => {
                self.spans.admit()?;
                let batch = span_batch(&request);
                self.spans.write(export.payload, batch).await?;
                Accepted::default()
            }
            ExportBody::Metrics(request) => self.write_metrics(&request).await?,
        };
        Ok(screened.and(stored))
    }

    async fn write_metrics(&self, request: &ExportMetricsServiceRequest) -> Result<Accepted, SinkError> {
        self.metrics.admit()?;
        let mut collected = Collected::default();
        let translated = self.translator.lock().translate(request, &mut collected);
        let outside = self.write_samples(collected.0).await?;
        Ok(translated.and(outside))
    }

    pub async fn write_series(&self, series: &[Series]) -> Result<(), SinkError> {
        self.metrics.admit()?;
        self.write_samples(SampleBatch::from_series(series)).await?;
        Ok(())
    }

    /// Leaves out what retention would delete at once, and what lies far ahead.
    async fn write_samples(&self, mut batch: SampleBatch) -> Result<Accepted, SinkError> {
        let now_ms = self.clock.now().as_millisecond();
        let oldest_ms = now_ms.saturating_sub(i64::try_from(self.settings.retention.metrics.as_millis()).unwrap_or(i64::MAX));
        let newest_ms = now_ms.saturating_add(FUTURE_MS);
        let rejected = batch.retain(|sample| (oldest_ms..=newest_ms).contains(&sample.time_ms));
        if !batch.is_empty() {
            self.metrics.write(batch.encode().into(), batch).await?;
        }
        let reason = || format!("{rejected} samples rejected: older than the retention, or more than a day ahead of the clock");
        Ok(Accepted { rejected, reason: (rejected > 0).then(reason) })
    }
}

/// A write that has begun is finished, even if whoever asked for it goes away: else a record could be
/// durable and yet not in the head.
pub async fn uncancelled<T: Send + 'static>(write: impl Future<Output = Result<T, SinkError>> + Send + 'static) -> Result<T, SinkError> {
    tokio::spawn(write).await.unwrap_or_else(|panic| Err(SinkError::Storage(panic.into())))
}

#[derive(Default)]
struct Collected(SampleBatch);

impl MetricVisitor for Collected {
    fn metadata(&mut self, metadata: Metadata) {
        self.0.metadata.push(metadata);
    }

    fn sample(&mut self, labels: LabelsView<'_>, sample: Sample) {
        self.0.push(labels.iter(), [sample]);
    }
}
