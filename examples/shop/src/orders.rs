//! Orders: reserves stock, charges the card, and queues the parcel for the worker, which pulls its jobs
//! from here: `POST /queue/lease`, then `POST /queue/leases/{lease}/ack` or `…/reject`.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use opentelemetry::metrics::{Counter, Histogram};
use opentelemetry::{KeyValue, global};
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use tracing::{Span, error, info, info_span, instrument, warn};
use tracing_opentelemetry::OpenTelemetrySpanExt;

use crate::faults::{Fault, Faults};
use crate::queue::Queue;
use crate::{Error, http, telemetry};

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct NewOrder {
    pub item: String,
    pub quantity: u32,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Order {
    pub id: u64,
    pub item: String,
    pub quantity: u32,
    /// In euro.
    pub total: f64,
}

/// A job as the worker gets it. `trace` is the W3C trace context of whoever queued it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Leased {
    pub lease: u64,
    pub attempt: u32,
    pub order: Order,
    pub trace: HashMap<String, String>,
}

#[derive(Clone)]
struct Orders {
    faults: Faults,
    queue: Arc<Mutex<Queue<QueuedOrder>>>,
    queued: Arc<Notify>,
    /// The payment provider takes one charge after the other from each shop. That is what limits this one.
    till: Arc<tokio::sync::Mutex<()>>,
    next_id: Arc<AtomicU64>,
    release: u32,
    value: Histogram<f64>,
    placed: Counter<u64>,
}

#[derive(Debug, Clone)]
struct QueuedOrder {
    order: Order,
    trace: HashMap<String, String>,
}

pub async fn run(listen: SocketAddr, lease: Duration, release: u32) -> Result<(), Error> {
    let telemetry = telemetry::start("orders", &release.to_string())?;
    let orders = Orders::new(lease, release);
    let faults = orders.faults.clone();
    let people = Router::new().route("/orders", post(place)).with_state(orders.clone());
    let queue = Router::new()
        .route("/queue", get(queue_status))
        .route("/queue/lease", post(take_job))
        .route("/queue/leases/{lease}/ack", post(acknowledge))
        .route("/queue/leases/{lease}/reject", post(reject))
        .with_state(orders);
    let served = http::serve("orders", listen, people, queue, &faults).await;
    telemetry.shutdown();
    served
}

impl Orders {
    fn new(lease: Duration, release: u32) -> Self {
        let meter = global::meter("shop");
        let orders = Self {
            faults: Faults::new(&[Fault::Errors, Fault::Latency, Fault::Crash]),
            queue: Arc::new(Mutex::new(Queue::new(lease, 10_000, 5))),
            queued: Arc::default(),
            till: Arc::default(),
            next_id: Arc::new(AtomicU64::new(1)),
            release,
            value: meter.f64_histogram("shop.order.value").with_unit("EUR").with_description("Total of an order.").build(),
            placed: meter.u64_counter("shop.orders.placed").with_unit("{order}").with_description("Orders, by outcome.").build(),
        };
        orders.watch_queue();
        orders
    }

    /// The gauges that an alarm on a stuck worker looks at.
    fn watch_queue(&self) {
        let meter = global::meter("shop");
        let (depth, age) = (self.clone(), self.clone());
        meter
            .u64_observable_gauge("shop.queue.depth")
            .with_unit("{job}")
            .with_description("Jobs that no worker has finished.")
            .with_callback(move |gauge| gauge.observe(depth.queue().depth() as u64, &[]))
            .build();
        meter
            .f64_observable_gauge("shop.queue.oldest_age")
            .with_unit("s")
            .with_description("How long the oldest job has been in the queue.")
            .with_callback(move |gauge| gauge.observe(age.queue().oldest_age(Instant::now()).as_secs_f64(), &[]))
            .build();
    }

    fn queue(&self) -> MutexGuard<'_, Queue<QueuedOrder>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn place(State(orders): State<Orders>, Json(new): Json<NewOrder>) -> Response {
    let placed = place_order(&orders, new).await;
    let outcome = if placed.is_ok() { "placed" } else { "failed" };
    orders.placed.add(1, &[KeyValue::new("outcome", outcome)]);
    match placed {
        Ok(order) => {
            orders.value.record(order.total, &[]);
            info!(order.id, order.total, "order placed");
            (StatusCode::CREATED, Json(order)).into_response()
        }
        Err(error) => {
            error!(error.message = %error, "order failed: {error}");
            (error.status(), Json(serde_json::json!({"error": error.to_string()}))).into_response()
        }
    }
}

#[derive(Debug)]
enum OrderError {
    Unknown(String),
    Payment { attempts: u32 },
    Unidentified { total: f64 },
    QueueFull,
}

impl std::fmt::Display for OrderError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unknown(item) => write!(f, "no such item: {item:?}"),
            Self::Payment { attempts } => {
                write!(f, "payment provider answered 503 Service Unavailable after {attempts} attempts: upstream connect error")
            }
            Self::Unidentified { total } => write!(f, "payment provider answered 422 Unprocessable Content: {total:.2} EUR cannot be charged without the field `customer`"),
            Self::QueueFull => f.write_str("the parcel queue is full"),
        }
    }
}

impl OrderError {
    fn status(&self) -> StatusCode {
        match self {
            Self::Unknown(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Payment { .. } | Self::Unidentified { .. } => StatusCode::INTERNAL_SERVER_ERROR,
            Self::QueueFull => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

async fn place_order(orders: &Orders, new: NewOrder) -> Result<Order, OrderError> {
    let price = reserve_stock(&new).await?;
    let total = price * f64::from(new.quantity);
    let id = orders.next_id.fetch_add(1, Ordering::Relaxed);
    charge_card(orders, id, total).await?;
    let order = Order { id, item: new.item, quantity: new.quantity, total };
    enqueue(orders, order.clone())?;
    Ok(order)
}

/// The price of one.
#[instrument(name = "reserve-stock", skip_all, fields(shop.item = %new.item, otel.status_code, otel.status_description))]
async fn reserve_stock(new: &NewOrder) -> Result<f64, OrderError> {
    tokio::time::sleep(Duration::from_millis(2)).await;
    let known = PRICES.iter().find(|(item, _)| *item == new.item).map(|(_, price)| *price);
    known.ok_or_else(|| failed(OrderError::Unknown(new.item.clone())))
}

pub const PRICES: [(&str, f64); 4] = [("teapot", 34.5), ("cup", 7.9), ("kettle", 49.0), ("strainer", 4.2)];

/// It leaves out who pays, which the provider asks for from this amount on.
const MISTAKEN_RELEASE: u32 = 2;
const IDENTIFIED_FROM_EUR: f64 = 50.0;

#[instrument(
    name = "charge-card", skip_all,
    fields(otel.kind = "client", peer.service = "payment-provider", server.address = "api.payments.example",
           shop.order.id = id, shop.order.total = total, otel.status_code, otel.status_description)
)]
async fn charge_card(orders: &Orders, id: u64, total: f64) -> Result<(), OrderError> {
    orders.faults.delay().await;
    let turn = orders.till.lock().await;
    tokio::time::sleep(Duration::from_millis(8)).await;
    drop(turn);
    if orders.release == MISTAKEN_RELEASE && total >= IDENTIFIED_FROM_EUR {
        return Err(failed(OrderError::Unidentified { total }));
    }
    if !orders.faults.strikes() {
        return Ok(());
    }
    warn!(attempt = 1, "payment provider answered 503, trying again");
    tokio::time::sleep(Duration::from_millis(15)).await;
    Err(failed(OrderError::Payment { attempts: 2 }))
}

fn enqueue(orders: &Orders, order: Order) -> Result<(), OrderError> {
    let span = info_span!(
        "enqueue-order",
        otel.name = "send parcels",
        otel.kind = "producer",
        messaging.system = "shop-queue",
        messaging.destination.name = "parcels",
        messaging.operation.type = "send",
        messaging.message.id = order.id,
        otel.status_code = tracing::field::Empty,
        otel.status_description = tracing::field::Empty,
    );
    let _entered = span.enter();
    let mut trace = HashMap::new();
    global::get_text_map_propagator(|propagator| propagator.inject_context(&Span::current().context(), &mut trace));
    let queued = orders.queue().push(QueuedOrder { order, trace }, Instant::now());
    orders.queued.notify_one();
    queued.map_err(|_| failed(OrderError::QueueFull))
}

/// Marks the present span as failed, with an event that says why.
fn failed(error: OrderError) -> OrderError {
    Span::current().record("otel.status_code", "ERROR").record("otel.status_description", error.to_string());
    error!(error.message = %error, "{error}");
    error
}

#[derive(Serialize)]
struct QueueStatus {
    depth: usize,
    oldest_age_s: f64,
    abandoned: u64,
}

async fn queue_status(State(orders): State<Orders>) -> Json<QueueStatus> {
    let queue = orders.queue();
    Json(QueueStatus { depth: queue.depth(), oldest_age_s: queue.oldest_age(Instant::now()).as_secs_f64(), abandoned: queue.abandoned })
}

/// Waits up to 5 s for a job; 204 if there is none.
async fn take_job(State(orders): State<Orders>) -> Response {
    let until = tokio::time::Instant::now() + Duration::from_secs(5);
    loop {
        let leased = orders.queue().lease(Instant::now());
        if let Some((lease, job)) = leased {
            let QueuedOrder { order, trace } = job.content;
            return Json(Leased { lease, attempt: job.attempts, order, trace }).into_response();
        }
        // A lease that runs out notifies nobody, so look again from time to time.
        let next_look = until.min(tokio::time::Instant::now() + Duration::from_millis(500));
        if tokio::time::timeout_at(next_look, orders.queued.notified()).await.is_err() && next_look == until {
            return StatusCode::NO_CONTENT.into_response();
        }
    }
}

async fn acknowledge(State(orders): State<Orders>, Path(lease): Path<u64>) -> StatusCode {
    if orders.queue().acknowledge(lease) { StatusCode::NO_CONTENT } else { StatusCode::GONE }
}

async fn reject(State(orders): State<Orders>, Path(lease): Path<u64>) -> StatusCode {
    let known = orders.queue().reject(lease);
    orders.queued.notify_one();
    if known { StatusCode::NO_CONTENT } else { StatusCode::GONE }
}
