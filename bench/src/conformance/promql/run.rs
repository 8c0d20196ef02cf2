//! Carries a script out.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use telemetry::labels::METRIC_NAME;
use telemetry::memory::matches;
use telemetry::ports::{Matcher, Metadata, MetricSource, Sample, Series, SinkError, SourceError};
use telemetry::promql::{Engine, Limits};
use telemetry::{Labels, MemorySource};

use super::Tally;
use super::notation::{Line, Point};
use super::script::{Eval, Kind, Statement, When};

/// When functions drop the metric name; Prometheus tests itself with the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Names {
    DroppedAtOnce,
    DroppedLast,
}

pub async fn run(statements: &[Statement], names: Names) -> Tally {
    let limits = Limits { delayed_name_removal: names == Names::DroppedLast, ..Limits::default() };
    let mut tally = Tally::default();
    let mut store = Arc::new(Store::default());
    for statement in statements {
        match &statement.kind {
            Kind::Clear => store = Arc::new(Store::default()),
            Kind::Load { step_ms, series, with_histograms } => {
                Arc::make_mut(&mut store).load(*step_ms, series, *with_histograms);
            }
            Kind::Unknown(why) => {
                tally.unsupported += 1;
                tally.gaps.push((statement.line, why.clone()));
            }
            Kind::Eval(eval) => {
                let engine = Engine::with_limits(Arc::clone(&store) as Arc<dyn MetricSource>, limits.clone());
                tally.count(statement.line, evaluate(eval, &engine, &store).await);
            }
        }
    }
    tally
}

enum Outcome {
    Passed,
    Failed(String),
    Unsupported(String),
}

async fn evaluate(eval: &Eval, engine: &Engine, store: &Store) -> Outcome {
    if eval.expected.needs_histograms() {
        return Outcome::Unsupported("a native histogram is expected".to_owned());
    }
    if eval.expression.contains("{{") {
        return Outcome::Unsupported("a native histogram in the expression".to_owned());
    }
    store.met_histogram.store(false, Ordering::Relaxed);
    let answer = match eval.when {
        When::Instant(time_ms) => engine.instant(&eval.expression, time_ms).await,
        When::Range { start_ms, end_ms, step_ms } => engine.range(&eval.expression, start_ms, end_ms, step_ms).await,
    };
    match eval.expected.check(eval.when, &answer) {
        Ok(()) => Outcome::Passed,
        Err(_) if store.met_histogram.load(Ordering::Relaxed) => Outcome::Unsupported("a native histogram is selected".to_owned()),
        Err(why) => Outcome::Failed(format!("{}: {why}", eval.expression)),
    }
}

impl Tally {
    fn count(&mut self, line: usize, outcome: Outcome) {
        match outcome {
            Outcome::Passed => self.passed += 1,
            Outcome::Failed(why) => {
                self.failed += 1;
                self.failures.push((line, why));
            }
            Outcome::Unsupported(why) => {
                self.unsupported += 1;
                self.gaps.push((line, why));
            }
        }
    }
}

/// The series of a script; notes when a query selects one that has native histograms in Prometheus.
#[derive(Debug, Default)]
struct Store {
    floats: Arc<MemorySource>,
    histograms: Vec<Labels>,
    met_histogram: AtomicBool,
}

impl Clone for Store {
    fn clone(&self) -> Self {
        Self { floats: Arc::clone(&self.floats), histograms: self.histograms.clone(), met_histogram: AtomicBool::new(false) }
    }
}

impl Store {
    fn load(&mut self, step_ms: i64, lines: &[Line], with_histograms: bool) {
        for line in lines {
            if line.points.contains(&Point::Histogram) {
                self.histograms.push(line.labels.clone());
            }
            if with_histograms {
                self.histograms.extend(as_histogram(&line.labels));
            }
        }
        self.floats.load(lines.iter().map(|line| Series { labels: line.labels.clone(), samples: samples(&line.points, step_ms) }));
    }
}

/// What Prometheus calls the native histogram that it makes of a classic one.
fn as_histogram(labels: &Labels) -> Option<Labels> {
    let name = labels.metric_name()?;
    let stem = ["_bucket", "_count", "_sum"].iter().find_map(|suffix| name.strip_suffix(suffix))?;
    let mut builder = labels.to_builder();
    builder.set(METRIC_NAME, stem).remove("le");
    Some(builder.build())
}

fn samples(points: &[Point], step_ms: i64) -> Vec<Sample> {
    let timed = points.iter().enumerate().map(|(i, point)| (i as i64 * step_ms, point));
    timed.filter_map(|(time_ms, point)| if let Point::Value(value) = point { Some(Sample { time_ms, value: *value }) } else { None }).collect()
}

#[async_trait]
impl MetricSource for Store {
    async fn select(&self, matchers: &[Matcher], window_ms: RangeInclusive<i64>) -> Result<Vec<Series>, SourceError> {
        if self.histograms.iter().any(|labels| matches(matchers, labels)) {
            self.met_histogram.store(true, Ordering::Relaxed);
        }
        self.floats.select(matchers, window_ms).await
    }

    async fn series(&self, matchers: &[Vec<Matcher>], window_ms: RangeInclusive<i64>) -> Result<Vec<Labels>, SourceError> {
        self.floats.series(matchers, window_ms).await
    }

    async fn label_names(&self, matchers: &[Vec<Matcher>], window_ms: RangeInclusive<i64>) -> Result<Vec<String>, SourceError> {
        self.floats.label_names(matchers, window_ms).await
    }

    async fn label_values(&self, name: &str, matchers: &[Vec<Matcher>], window_ms: RangeInclusive<i64>) -> Result<Vec<String>, SourceError> {
        self.floats.label_values(name, matchers, window_ms).await
    }

    async fn metadata(&self) -> Result<Vec<Metadata>, SourceError> {
        self.floats.metadata().await
    }

    async fn append(&self, series: Vec<Series>) -> Result<(), SinkError> {
        self.floats.append(series).await
    }
}
