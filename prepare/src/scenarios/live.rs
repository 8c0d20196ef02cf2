//! A load while it runs: a report each second for the page, and samples for the lake.

use std::future::Future;
use std::sync::Arc;

use kernel::SharedClock;
use scenario::Program;
use scenario::load::{Observer, Snapshot};
use serde_json::{Value, json};
use telemetry::ports::{Sample, Series};
use telemetry::{Labels, MetricSource};
use tokio::sync::mpsc;

use crate::runs::{Play, Reporter};

/// What a step may put out is limited, and the last report must fit.
const REPORTS_MAX: u64 = 100;
/// The latest seconds of a report that is not the last.
const POINTS_MAX: usize = 60;

/// Hears the snapshots of a load; whoever awaits the future beside it tells them on.
pub struct Live {
    snapshots: mpsc::UnboundedSender<Snapshot>,
}

impl Observer for Live {
    fn snapshot(&self, snapshot: &Snapshot) {
        // Whoever told them has ended; the final report tells it all.
        let _ = self.snapshots.send(snapshot.clone());
    }
}

impl Live {
    /// The future ends when the load does, since the load then drops its observer.
    pub fn new(play: &Play, program: &Program, metrics: Arc<dyn MetricSource>, clock: SharedClock) -> (Self, impl Future<Output = ()> + use<>) {
        let (snapshots, mut heard) = mpsc::unbounded_channel();
        let mut teller = Teller {
            reporter: play.reporter.clone(),
            metrics,
            clock,
            name: program.name.clone(),
            environment: program.environment.clone(),
            series: Vec::new(),
            errors: 0,
        };
        let telling = async move {
            while let Some(snapshot) = heard.recv().await {
                teller.tell(&snapshot).await;
            }
        };
        (Self { snapshots }, telling)
    }
}

struct Teller {
    reporter: Reporter,
    metrics: Arc<dyn MetricSource>,
    clock: SharedClock,
    name: String,
    environment: Option<String>,
    /// One point for each second that is over.
    series: Vec<Value>,
    errors: u64,
}

impl Teller {
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
        if let Err(error) = self.metrics.append(self.samples(snapshot)).await {
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

    fn samples(&self, snapshot: &Snapshot) -> Vec<Series> {
        let time_ms = self.clock.now().as_millisecond();
        let series = |name: &str, quantile: Option<&str>, value: f64| {
            let fixed = [("__name__", name), ("scenario", &self.name), ("environment", self.environment.as_deref().unwrap_or_default())];
            let labels = fixed.into_iter().chain(quantile.map(|quantile| ("quantile", quantile))).filter(|(_, value)| !value.is_empty());
            Series { labels: Labels::from_pairs(labels), samples: vec![Sample { time_ms, value }] }
        };
        let now = &snapshot.latency_ms_now;
        vec![
            series("scenario_requests_total", None, snapshot.requests as f64),
            series("scenario_errors_total", None, snapshot.errors as f64),
            series("scenario_vusers", None, snapshot.active as f64),
            series("scenario_latency_seconds", Some("0.5"), now.p50 / 1e3),
            series("scenario_latency_seconds", Some("0.95"), now.p95 / 1e3),
            series("scenario_latency_seconds", Some("0.99"), now.p99 / 1e3),
        ]
    }
}
