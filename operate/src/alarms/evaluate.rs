//! One rule at one instant: asks, decides, writes.

use std::collections::HashSet;
use std::time::Duration;

use documents::rules::RecordingRule;
use jiff::SignedDuration;
use kernel::{SharedClock, Timestamp};
use ledger::{AlarmRecord, Batch, Ledger, LedgerError};
use telemetry::labels::METRIC_NAME;
use telemetry::ports::Series;
use telemetry::promql::{Engine, Value};
use telemetry::{Labels, MetricSource};

use super::plan::AlertPlan;
use super::record;
use super::selectors;
use super::series::{self, Written};
use super::state::{self, Finding, Held};
use super::expand;

/// An alarm with more instances fails: it says nothing that a person could act on.
const INSTANCES_MAX: usize = 5_000;
/// While an alarm is known to have data, it is asked again only after this time.
const DATA_TRUSTED: SignedDuration = SignedDuration::from_secs(60);

type Vector = Vec<(Labels, f64)>;

/// What evaluations work with.
pub struct Context {
    pub ledger: Ledger,
    pub engine: Engine,
    pub metrics: std::sync::Arc<dyn MetricSource>,
    pub clock: SharedClock,
    pub external_url: String,
    /// Name and token of the lease under which the ledger is written.
    pub lease: (String, i64),
}

/// The queries of one evaluation: all at its instant, each with its own deadline.
pub struct Queries<'a> {
    pub context: &'a Context,
    pub at_ms: i64,
    pub timeout: Duration,
}

impl Queries<'_> {
    pub fn external_url(&self) -> &str {
        &self.context.external_url
    }

    /// A scalar counts as a vector of one element without labels.
    pub async fn vector(&self, expression: &str) -> Result<Vector, String> {
        let clock = &self.context.clock;
        let timeout = SignedDuration::try_from(self.timeout).unwrap_or(SignedDuration::MAX);
        let deadline = clock.now().saturating_add(timeout).unwrap_or(Timestamp::MAX);
        let answer = tokio::select! {
            answer = self.context.engine.instant(expression, self.at_ms) => answer.map_err(|error| error.to_string())?,
            () = clock.sleep_until(deadline) => return Err(format!("the query took longer than {} s", self.timeout.as_secs_f64())),
        };
        match answer.value {
            Value::Vector(samples) => Ok(samples.into_iter().map(|(labels, sample)| (labels, sample.value)).collect()),
            Value::Scalar(sample) => Ok(vec![(Labels::default(), sample.value)]),
            Value::String { .. } | Value::Matrix(_) => Err("the expression is neither a vector nor a number".to_owned()),
        }
    }
}

/// What an alerting rule remembers between evaluations.
#[derive(Debug, Clone, Default)]
pub struct AlertMemory {
    /// As it is now; the ledger may have older values in it.
    pub record: Option<AlarmRecord>,
    pub stored: Option<AlarmRecord>,
    pub written: Written,
    /// When its selectors were last seen to have series.
    data_seen_at: Option<Timestamp>,
}

impl AlertMemory {
    pub fn restored(record: AlarmRecord) -> Self {
        Self { stored: Some(record.clone()), record: Some(record), ..Self::default() }
    }
}

/// Evaluates a recording rule and writes its series.
pub async fn recording(rule: &RecordingRule, limit: usize, written: &mut Written, queries: &Queries<'_>) -> Result<(), String> {
    let samples = queries.vector(&rule.expr).await?;
    let mut seen = HashSet::new();
    let mut series = Vec::with_capacity(samples.len());
    for (labels, value) in samples {
        let mut labels = labels.to_builder();
        labels.set(METRIC_NAME, &rule.record);
        for (name, value) in &rule.labels {
            labels.set(name, value);
        }
        let labels = labels.build();
        if !seen.insert(labels.clone()) {
            return Err(format!("the rule's labels make two series the same: {labels}; keep a label that tells them apart"));
        }
        series.push(series::one(labels, queries.at_ms, value));
    }
    check_limit(limit, series.len(), "series")?;
    append(written, series, queries).await
}

/// Evaluates an alerting rule at `now`: moves its instances on, tells the ledger what changed, and
/// writes `ALERTS`. The error is the evaluation's own; a ledger that cannot be written is an error
/// of the task, and the memory stays as it was, to be tried again.
pub async fn alerting(
    plan: &AlertPlan,
    limit: usize,
    memory: &mut AlertMemory,
    queries: &Queries<'_>,
    now: Timestamp,
) -> Result<Result<(), String>, LedgerError> {
    let was = record::describe(plan, memory.record.clone().unwrap_or_else(|| record::unjudged(plan, now)));
    let answer = queries.vector(&plan.rule.expr).await;
    let at = Timestamp::from_millisecond(queries.at_ms).unwrap_or(now);
    let evidence = record::evidence(plan, &answer, at);
    let finding = finding(plan, limit, answer, memory, queries, now).await;
    let transition = state::next(&plan.rule, &record::standing(&was), finding, now);
    let is = record::after(was, &transition, evidence, now);
    if record::differs(memory.stored.as_ref(), &is, plan.rule.keep_firing_for) {
        commit(queries.context, record::batch(&is, &transition.changes, now)).await?;
        memory.stored = Some(is.clone());
    }
    let series = series::alerts(&is.instances, queries.at_ms);
    let error = is.error.clone();
    memory.record = Some(is);
    let appended = append(&mut memory.written, series, queries).await;
    Ok(error.map_or(appended, Err))
}

async fn finding(
    plan: &AlertPlan,
    limit: usize,
    answer: Result<Vector, String>,
    memory: &mut AlertMemory,
    queries: &Queries<'_>,
    now: Timestamp,
) -> Finding {
    let found = match answer {
        Err(error) => Err(error),
        Ok(samples) if samples.is_empty() => {
            let has_data = has_data(plan, memory, queries, now).await;
            return if has_data { Finding::Holds(Vec::new()) } else { Finding::NoData };
        }
        Ok(samples) => match check_limit(limit, samples.len(), "alerts").and(check_limit(INSTANCES_MAX, samples.len(), "alerts")) {
            Ok(()) => held(plan, samples, queries).await,
            Err(error) => Err(error),
        },
    };
    found.map_or_else(Finding::Failed, Finding::Holds)
}

/// An answer that cannot be had counts as data: the expression itself was answered.
async fn has_data(plan: &AlertPlan, memory: &mut AlertMemory, queries: &Queries<'_>, now: Timestamp) -> bool {
    let trusted = memory.data_seen_at.is_some_and(|seen| now.duration_since(seen) < DATA_TRUSTED);
    if trusted {
        return true;
    }
    let any = selectors::any_series(&plan.selectors, &*queries.context.metrics, queries.at_ms).await.unwrap_or(true);
    memory.data_seen_at = any.then_some(now);
    any
}

async fn held(plan: &AlertPlan, samples: Vector, queries: &Queries<'_>) -> Result<Vec<Held>, String> {
    let mut held = Vec::with_capacity(samples.len());
    let mut seen = HashSet::new();
    for (labels, value) in samples {
        let (instance, failures) = expand::expand(plan, &labels, value, queries).await;
        for failure in failures {
            tracing::warn!(alarm = plan.id, failure, "a template of an alerting rule could not be expanded");
        }
        if !seen.insert(instance.labels.clone()) {
            return Err(format!("the rule's labels make two alerts the same: {:?}; keep a label that tells them apart", instance.labels));
        }
        held.push(instance);
    }
    Ok(held)
}

fn check_limit(limit: usize, count: usize, what: &str) -> Result<(), String> {
    if limit != 0 && count > limit { Err(format!("exceeded limit of {limit} with {count} {what}")) } else { Ok(()) }
}

async fn append(written: &mut Written, series: Vec<Series>, queries: &Queries<'_>) -> Result<(), String> {
    let mut next = written.clone();
    let series = next.replace(series, queries.at_ms);
    if !series.is_empty() {
        queries.context.metrics.append(series).await.map_err(|error| format!("the series could not be written: {error}"))?;
    }
    *written = next;
    Ok(())
}

pub async fn commit(context: &Context, batch: Batch) -> Result<(), LedgerError> {
    let (name, token) = &context.lease;
    context.ledger.commit(batch.under_lease(name, *token)).await.map(drop)
}
