//! Runs queries: reads each selector once, evaluates on a blocking thread, within limits.

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use promql_parser::parser::value::ValueType;

use super::eval::Evaluation;
use super::fetch::{Frame, Grid};
use super::plan::Plan;
use super::{Answer, QueryError, Value};
use crate::ports::{MetricSource, Series, SourceError};

/// Evaluates expressions. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    source: Arc<dyn MetricSource>,
    limits: Limits,
}

/// What a query may use, and the settings that all queries share.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Samples read, or held between two operators.
    pub max_samples: usize,
    pub max_steps: usize,
    pub timeout: Duration,
    /// How old an instant vector's samples may be.
    pub lookback: Duration,
    /// The step of subqueries that name none.
    pub subquery_step: Duration,
    /// Whether functions drop the metric name only at the end of the query, so that `label_replace`
    /// still sees it (Prometheus's feature `promql-delayed-name-removal`).
    pub delayed_name_removal: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_samples: 50_000_000,
            max_steps: 11_000,
            timeout: Duration::from_secs(120),
            lookback: Duration::from_secs(300),
            subquery_step: Duration::from_secs(60),
            delayed_name_removal: false,
        }
    }
}

/// What one query wants otherwise. A longer timeout than the engine's is cut to it.
#[derive(Debug, Clone, Default)]
pub struct QueryOptions {
    pub lookback: Option<Duration>,
    pub timeout: Option<Duration>,
}

impl Engine {
    pub fn new(source: Arc<dyn MetricSource>) -> Self {
        Self::with_limits(source, Limits::default())
    }

    pub fn with_limits(source: Arc<dyn MetricSource>, limits: Limits) -> Self {
        Self { source, limits }
    }

    /// The value at one instant.
    pub async fn instant(&self, expression: &str, time_ms: i64) -> Result<Answer, QueryError> {
        self.instant_with(expression, time_ms, &QueryOptions::default()).await
    }

    pub async fn instant_with(&self, expression: &str, time_ms: i64, options: &QueryOptions) -> Result<Answer, QueryError> {
        let plan = Plan::of(expression)?;
        self.run(plan, Grid::instant(bounded(time_ms)?), options, Evaluation::instant).await
    }

    /// The values at `start`, `start + step`, … up to `end`; always a matrix.
    pub async fn range(&self, expression: &str, start_ms: i64, end_ms: i64, step_ms: i64) -> Result<Answer, QueryError> {
        self.range_with(expression, start_ms, end_ms, step_ms, &QueryOptions::default()).await
    }

    pub async fn range_with(&self, expression: &str, start_ms: i64, end_ms: i64, step_ms: i64, options: &QueryOptions) -> Result<Answer, QueryError> {
        let (start_ms, end_ms) = (bounded(start_ms)?, bounded(end_ms)?);
        if step_ms <= 0 {
            return Err(QueryError::Parse("zero or negative query resolution step widths are not accepted. Try a positive integer".to_owned()));
        }
        if end_ms < start_ms {
            return Err(QueryError::Parse("end timestamp must not be before start time".to_owned()));
        }
        if (end_ms - start_ms) / step_ms >= self.limits.max_steps as i64 {
            let max = self.limits.max_steps;
            return Err(QueryError::Parse(format!("exceeded maximum resolution of {max} points per timeseries. Try decreasing the query resolution (?step=XX)")));
        }
        let plan = Plan::of(expression)?;
        if !matches!(plan.kind, ValueType::Scalar | ValueType::Vector) {
            let kind = if plan.kind == ValueType::Matrix { "range vector" } else { "string" };
            return Err(QueryError::Parse(format!("invalid expression type {kind:?} for range query, must be Scalar or instant Vector")));
        }
        self.run(plan, Grid::range(start_ms, end_ms, step_ms), options, Evaluation::range).await
    }

    async fn run(
        &self,
        plan: Plan,
        grid: Grid,
        options: &QueryOptions,
        evaluate: impl FnOnce(&Evaluation) -> Result<Value, QueryError> + Send + 'static,
    ) -> Result<Answer, QueryError> {
        let timeout = options.timeout.map_or(self.limits.timeout, |wanted| wanted.min(self.limits.timeout));
        let lookback = options.lookback.unwrap_or(self.limits.lookback);
        let frame = Frame {
            outer: grid,
            subquery_step_ms: millis(self.limits.subquery_step),
            lookback_ms: bounded(millis(lookback))?.max(1),
        };
        let answer = async {
            let (data, samples_read) = self.fetch(&plan, &frame).await?;
            let cancel = CancelOnDrop::default();
            let evaluation = Evaluation::new(plan, frame, data, self.limits.clone(), cancel.flag());
            let result = tokio::task::spawn_blocking(move || {
                let value = evaluate(&evaluation)?;
                let (warnings, infos) = evaluation.into_annotations();
                Ok(Answer { value, warnings, infos, samples_read })
            });
            let answer = result.await.map_err(|_| QueryError::Execution("the evaluation was interrupted".to_owned()))?;
            drop(cancel);
            answer
        };
        let limit_s = timeout.as_secs().max(1);
        tokio::time::timeout(timeout, answer).await.map_err(|_| QueryError::Timeout { limit_s })?
    }

    /// The series of each selector, by its id; the same matchers over the same window are read once.
    async fn fetch(&self, plan: &Plan, frame: &Frame) -> Result<(Vec<Arc<Vec<Series>>>, usize), QueryError> {
        let mut read: HashMap<String, Arc<Vec<Series>>> = HashMap::new();
        let mut data = Vec::with_capacity(plan.selectors.len());
        let mut samples: usize = 0;
        for (matchers, window) in plan.selectors.iter().zip(frame.windows(plan)) {
            let window = storable(window);
            let key = format!("{matchers:?} {window:?}");
            if let Some(series) = read.get(&key) {
                data.push(Arc::clone(series));
                continue;
            }
            let series = if window.is_empty() { Vec::new() } else { self.source.select(matchers, window).await? };
            samples += series.iter().map(|series| series.samples.len()).sum::<usize>();
            if samples > self.limits.max_samples {
                return Err(SourceError::TooManySamples { limit: self.limits.max_samples }.into());
            }
            let series = Arc::new(series);
            read.insert(key, Arc::clone(&series));
            data.push(series);
        }
        Ok((data, samples))
    }
}

/// Tells the blocking thread to stop when the query's future is dropped.
#[derive(Default)]
struct CancelOnDrop(Arc<AtomicBool>);

impl CancelOnDrop {
    fn flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.0)
    }
}

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Keeps times where sums with any duration cannot overflow (some 35,000 years around the epoch).
fn bounded(time_ms: i64) -> Result<i64, QueryError> {
    const MAX_MS: i64 = 1 << 50;
    if time_ms.unsigned_abs() > MAX_MS as u64 {
        return Err(QueryError::Parse(format!("the time {time_ms} ms is too far from now")));
    }
    Ok(time_ms)
}

/// Sources may count in nanoseconds, which hold some 292 years around the epoch; nothing lies beyond.
fn storable(window: RangeInclusive<i64>) -> RangeInclusive<i64> {
    const MAX_MS: i64 = i64::MAX / 1_000_000;
    *window.start().max(&-MAX_MS)..=*window.end().min(&MAX_MS)
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
