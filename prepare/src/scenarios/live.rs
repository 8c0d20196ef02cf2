//! A load while it runs: a report each second for the page, and samples for the lake.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use kernel::{SharedClock, Timestamp};
use parking_lot::Mutex;
use scenario::Program;
use scenario::load::{Finished, Observer, Snapshot};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::figures::{self, Figures};
use super::player::Telemetry;
use super::spans;
use crate::runs::{Play, Reporter};

/// What a step may put out is limited, and the last report must fit.
const REPORTS_MAX: u64 = 100;
/// The latest seconds of a report that is not the last.
const POINTS_MAX: usize = 60;
/// Requests that a report names with their traces.
const SLOWEST_MAX: usize = 10;
/// A lake that is slow does not fill memory: what comes meanwhile is left out.
const HEARD_MAX: usize = 64;

/// A request whose trace is in the lake.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Slow {
    pub method: String,
    pub url: String,
    pub status: Option<u16>,
    pub error: Option<String>,
    /// From its intended start to its last byte.
    pub latency_ms: f64,
    pub trace_id: String,
}

/// The slowest of the traced requests, slowest first.
pub type Slowest = Arc<Mutex<Vec<Slow>>>;

enum Heard {
    Snapshot(Box<Snapshot>),
    Finished(Vec<Finished>),
}

/// Hears how a load goes; whoever awaits the future beside it tells it on.
pub struct Live {
    heard: mpsc::Sender<Heard>,
    slowest: Slowest,
}

impl Observer for Live {
    fn snapshot(&self, snapshot: &Snapshot) {
        // A snapshot that is left out is made up for by the next, and the final report tells it all.
        let _ = self.heard.try_send(Heard::Snapshot(Box::new(snapshot.clone())));
    }

    fn finished(&self, requests: &[Finished]) {
        let mut slowest = self.slowest.lock();
        slowest.extend(requests.iter().map(Slow::of));
        slowest_of(&mut slowest);
        let _ = self.heard.try_send(Heard::Finished(requests.to_vec()));
    }
}

impl Live {
    /// The future ends when the load does, since the load then drops its observer.
    pub fn new(play: &Play, program: &Program, telemetry: Telemetry, clock: SharedClock) -> (Self, Slowest, impl Future<Output = ()> + use<>) {
        let (heard, mut told) = mpsc::channel(HEARD_MAX);
        let slowest = Slowest::default();
        let anchor = (Instant::now(), clock.now());
        let mut teller = Teller {
            reporter: play.reporter.clone(),
            telemetry,
            clock,
            anchor,
            name: program.name.clone(),
            environment: program.environment.clone(),
            series: Vec::new(),
            errors: 0,
        };
        let telling = async move {
            while let Some(heard) = told.recv().await {
                match heard {
                    Heard::Snapshot(snapshot) => teller.tell(&snapshot).await,
                    Heard::Finished(requests) => teller.keep(&requests).await,
                }
            }
        };
        (Self { heard, slowest: slowest.clone() }, slowest, telling)
    }
}

/// Leaves the slowest few, slowest first.
pub fn slowest_of(requests: &mut Vec<Slow>) {
    requests.sort_by(|a, b| b.latency_ms.total_cmp(&a.latency_ms));
    requests.truncate(SLOWEST_MAX);
}

impl Slow {
    pub fn of(request: &Finished) -> Self {
        let latency: Duration = request.last_byte.saturating_duration_since(request.intended);
        Self {
            method: request.method.clone(),
            url: request.url.clone(),
            status: request.status,
            error: request.error.clone(),
            latency_ms: latency.as_secs_f64() * 1e3,
            trace_id: format!("{:032x}", request.trace.trace_id),
        }
    }
}

struct Teller {
    reporter: Reporter,
    telemetry: Telemetry,
    clock: SharedClock,
    /// The load's start, by both clocks.
    anchor: (Instant, Timestamp),
    name: String,
    environment: Option<String>,
    /// One point for each second that is over.
    series: Vec<Value>,
    errors: u64,
}

impl Teller {
    async fn keep(&self, requests: &[Finished]) {
        if let Err(error) = self.telemetry.signals.write(spans::export(&self.name, requests, self.anchor)).await {
            tracing::warn!(scenario = self.name, %error, "the spans of a load could not be written to the lake");
        }
    }

    async fn tell(&mut self, snapshot: &Snapshot) {
        let second = snapshot.elapsed_ms / 1000;
        if self.series.last().is_some_and(|point| point["second"].as_u64() >= Some(second)) {
            return;
        }
        let now = &snapshot.latency_ms_now;
        self.series.push(json!({
            "second": second,
            "requests": snapshot.requests_per_second.round(),
            "errors": snapshot.errors - self.errors,
            "active": snapshot.active,
            "p50_ms": now.p50,
            "p95_ms": now.p95,
            "p99_ms": now.p99,
        }));
        self.errors = snapshot.errors;
        let figures = Figures {
            time_ms: self.clock.now().as_millisecond(),
            requests: snapshot.requests,
            errors: snapshot.errors,
            vusers: snapshot.active,
            latency_ms: [now.p50, now.p95, now.p99],
        };
        if let Err(error) = self.telemetry.metrics.append(figures::series(&self.name, self.environment.as_deref(), &figures)).await {
            tracing::warn!(scenario = self.name, %error, "the figures of a load could not be written to the lake");
        }
        if second % (snapshot.planned_ms / 1000 / REPORTS_MAX + 1) != 0 {
            return;
        }
        let from = self.series.len().saturating_sub(POINTS_MAX);
        let report = json!({
            "report": "load",
            "finished": false,
            "name": self.name,
            "environment": self.environment,
            "elapsed_ms": snapshot.elapsed_ms,
            "planned_ms": snapshot.planned_ms,
            "vusers": snapshot.vusers,
            "requests": snapshot.requests,
            "responses": snapshot.responses,
            "latency_ms": { "last_byte": snapshot.latency_ms },
            "series": self.series[from..],
        });
        self.reporter.report(&report).await;
    }
}
