//! Takes jobs from the queue of the orders service, packs the parcel and tells the customer.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use axum::Router;
use axum::http::StatusCode;
use opentelemetry::metrics::{Counter, Histogram};
use opentelemetry::{KeyValue, global};
use tracing::{Instrument, Span, error, field, info, info_span, instrument, warn};
use tracing_opentelemetry::OpenTelemetrySpanExt;

use crate::faults::{Fault, Faults};
use crate::orders::{Leased, Order};
use crate::{Error, http, telemetry};

#[derive(Clone)]
struct Worker {
    faults: Faults,
    client: reqwest::Client,
    queue: reqwest::Url,
    processed: Counter<u64>,
    duration: Histogram<f64>,
}

pub async fn run(listen: SocketAddr, orders: String) -> Result<(), Error> {
    let queue = reqwest::Url::parse(&orders)?.join("/queue/")?;
    let telemetry = telemetry::start("worker", env!("CARGO_PKG_VERSION"))?;
    let faults = Faults::new(&[Fault::Errors, Fault::Latency, Fault::StuckConsumer, Fault::Crash]);
    let worker = Worker::new(faults.clone(), queue)?;
    let consumer = tokio::spawn(async move { worker.consume().await });
    let served = http::serve("worker", listen, Router::new(), Router::new(), &faults).await;
    consumer.abort();
    telemetry.shutdown();
    served
}

impl Worker {
    fn new(faults: Faults, queue: reqwest::Url) -> Result<Self, Error> {
        let meter = global::meter("shop");
        let bounds = vec![0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
        let duration = meter.f64_histogram("shop.job.duration").with_unit("s").with_boundaries(bounds);
        Ok(Self {
            faults,
            client: http::client()?,
            queue,
            processed: meter.u64_counter("shop.jobs.processed").with_unit("{job}").with_description("Jobs, by outcome.").build(),
            duration: duration.with_description("How long a job takes.").build(),
        })
    }

    async fn consume(&self) {
        loop {
            if self.faults.is_on(Fault::StuckConsumer) {
                warn!("waiting for lock on table stock, held by transaction 4711");
                tokio::time::sleep(Duration::from_secs(1)).await;
                continue;
            }
            match self.lease().await {
                Ok(Some(job)) => self.work_on(job).await,
                Ok(None) => {}
                Err(error) => {
                    warn!(error.message = %error, "the queue cannot be reached: {error}");
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            }
        }
    }

    async fn lease(&self) -> Result<Option<Leased>, Error> {
        let response = self.client.post(self.queue.join("lease")?).send().await?.error_for_status()?;
        if response.status() == StatusCode::NO_CONTENT {
            return Ok(None);
        }
        Ok(Some(response.json().await?))
    }

    /// Within a span that continues the trace of whoever placed the order.
    async fn work_on(&self, job: Leased) {
        let span = info_span!(
            "process-job",
            otel.name = "process parcels",
            otel.kind = "consumer",
            messaging.system = "shop-queue",
            messaging.destination.name = "parcels",
            messaging.operation.type = "process",
            messaging.message.id = job.order.id,
            shop.job.attempt = job.attempt,
            otel.status_code = field::Empty,
        );
        // Fails only for a span that has begun elsewhere, or that nobody records.
        let _ = span.set_parent(global::get_text_map_propagator(|propagator| propagator.extract(&job.trace)));
        self.process(&job).instrument(span).await;
    }

    async fn process(&self, job: &Leased) {
        let started = Instant::now();
        let sent = self.send_out(&job.order).await;
        let (outcome, verdict) = if sent.is_ok() { ("sent", "ack") } else { ("failed", "reject") };
        match sent {
            Ok(()) => info!(order.id = job.order.id, "parcel sent"),
            Err(error) => {
                Span::current().record("otel.status_code", "ERROR");
                error!(order.id = job.order.id, attempt = job.attempt, "parcel not sent: {error}");
            }
        }
        let attributes = [KeyValue::new("outcome", outcome)];
        self.processed.add(1, &attributes);
        self.duration.record(started.elapsed().as_secs_f64(), &attributes);
        if let Err(error) = self.tell_queue(job.lease, verdict).await {
            warn!(error.message = %error, "the job will come again: {error}");
        }
    }

    async fn send_out(&self, order: &Order) -> Result<(), &'static str> {
        self.pack(order).await;
        self.notify_customer(order).await
    }

    #[instrument(name = "pack-parcel", skip_all, fields(shop.item = %order.item, shop.quantity = order.quantity))]
    async fn pack(&self, order: &Order) {
        self.faults.delay().await;
        tokio::time::sleep(Duration::from_millis(5)).await;
    }

    #[instrument(name = "notify-customer", skip_all, fields(otel.kind = "client", peer.service = "mail", shop.order.id = order.id, otel.status_code, otel.status_description))]
    async fn notify_customer(&self, order: &Order) -> Result<(), &'static str> {
        tokio::time::sleep(Duration::from_millis(3)).await;
        if !self.faults.strikes() {
            return Ok(());
        }
        let error = "mail server: 421 too many connections from your host";
        Span::current().record("otel.status_code", "ERROR").record("otel.status_description", error);
        error!("{error}");
        Err(error)
    }

    async fn tell_queue(&self, lease: u64, verdict: &str) -> Result<(), Error> {
        let url = self.queue.join(&format!("leases/{lease}/{verdict}"))?;
        http::call(&self.client, self.client.post(url).build()?).await?.error_for_status()?;
        Ok(())
    }
}
