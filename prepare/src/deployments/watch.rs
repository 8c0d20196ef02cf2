//! Looks at the new version while it has traffic: at alarms whenever they change, and through the judge at each new
//! point. What it finds is reported to whoever looks at the run.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use documents::deployment::{Judge, Metric, VERSION, Worse};
use documents::strategy::Weight;
use kernel::Timestamp;
use ledger::{AlarmState, types};
use serde::Serialize;
use serde_json::{Value, json};
use telemetry::promql;

use super::DeploymentError;
use super::shift::Shift;
use super::state::{self, Blame, Firing, Progress, Reason, ReasonKind};
use crate::judge::{Direction, Judgement, MIN_POINTS, Plan, Verdict, judge};

/// The longest between two looks; alarms and people wake it sooner.
const LOOK: Duration = Duration::from_secs(1);
/// Labels of an alarm's instance that name the version it accuses.
const VERSION_LABELS: [&str; 3] = ["version", "service_version", "service.version"];

pub(super) enum Seen {
    /// The time is over, or something else changed.
    Nothing,
    Harm(Reason),
}

/// What was seen last, so that only changes are told.
#[derive(Default)]
pub(super) struct Watcher {
    judged_at: Option<Timestamp>,
    judgements: BTreeMap<String, Judged>,
    /// As they were told last.
    told: BTreeMap<String, Judged>,
    excused: BTreeSet<String>,
    reported: Value,
}

/// What the judge saw of a metric and said of it, as anyone can see it again.
#[derive(Clone, Serialize)]
struct Judged {
    metric: String,
    query: String,
    /// From one point to the next.
    every_ms: u64,
    tolerance: f64,
    judgement: Judgement,
    control: Vec<f64>,
    canary: Vec<f64>,
}

impl Judged {
    /// A report repeats all points, and reports are kept: told at each look, they would grow with the square of the time.
    fn is_news_after(&self, told: &Self) -> bool {
        const SHARE: usize = 20;
        let (now, before) = (self.canary.len(), told.canary.len());
        self.judgement.verdict != told.judgement.verdict || now > before + before / SHARE
    }
}

impl Watcher {
    /// The names of the environment's alarms that fire.
    pub async fn firing_now(&self, shift: &Shift<'_>) -> Result<BTreeSet<String>, DeploymentError> {
        Ok(firing(shift).await?.into_iter().map(|firing| firing.alarm).collect())
    }

    /// Until harm is seen, the time is over, or the ledger has news of this deployment.
    pub async fn watch(&mut self, shift: &Shift<'_>, progress: &Progress, step: Option<usize>, until: Option<Timestamp>) -> Result<Seen, DeploymentError> {
        let clock = &shift.all.clock;
        let mut changes = shift.all.ledger.watch();
        changes.mark_unchanged();
        let has_traffic = step.is_some();
        if has_traffic {
            if let Some(reason) = self.accused(shift, progress).await? {
                return Ok(Seen::Harm(reason));
            }
            if let (Some(described), true) = (&shift.environment.judge, progress.weight < Weight::ALL)
                && let Some(reason) = self.judge(shift, progress, described).await?
            {
                return Ok(Seen::Harm(reason));
            }
            self.report(shift, progress).await;
        }
        let look = clock.now().checked_add(LOOK).unwrap_or(Timestamp::MAX);
        tokio::select! {
            () = clock.sleep_until(until.map_or(look, |until| until.min(look))) => {}
            // Without a ledger there are no news.
            Ok(()) = changes.changed() => {}
            () = shift.play.ending.cancelled() => return Err(DeploymentError::Cut),
        }
        Ok(Seen::Nothing)
    }

    async fn accused(&mut self, shift: &Shift<'_>, progress: &Progress) -> Result<Option<Reason>, DeploymentError> {
        for firing in firing(shift).await? {
            match state::blame(&firing, progress, &shift.passage.version) {
                Blame::New(text) => {
                    let evidence = json!({ "alarm": firing.alarm, "since": firing.since, "verdict": verdict_of(shift, &firing.alarm).await? });
                    return Ok(Some(Reason { kind: ReasonKind::Alarm, text, evidence }));
                }
                Blame::Old(text) => {
                    if self.excused.insert(text.clone()) {
                        shift.line(format!("goes on: {text}")).await;
                    }
                }
            }
        }
        Ok(None)
    }

    async fn judge(&mut self, shift: &Shift<'_>, progress: &Progress, described: &Judge) -> Result<Option<Reason>, DeploymentError> {
        let now = shift.all.clock.now();
        let Some(since) = progress.comparable_since.or(progress.shifted_at.values().next().copied()) else { return Ok(None) };
        let due = self.judged_at.filter(|at| *at <= now).unwrap_or(since).checked_add(described.every).unwrap_or(Timestamp::MAX);
        if due > now {
            return Ok(None);
        }
        self.judged_at = Some(now);
        let both_have_traffic: Duration = shift.environment.strategy.steps.iter().filter(|step| step.weight < Weight::ALL).map(|step| step.hold).sum();
        let planned = (both_have_traffic.as_secs_f64() / described.every.as_secs_f64()) as usize;
        for metric in &described.metrics {
            let first = since.checked_add(described.every).unwrap_or(now);
            let points = async |version: &str| points(shift, metric, version, first, now, described.every).await;
            let control = match &shift.passage.old_version {
                Some(old) => points(old).await,
                None => Vec::new(),
            };
            let canary = points(&shift.passage.version).await;
            let plan = Plan {
                direction: direction(metric.worse),
                points: planned.max(MIN_POINTS),
                tolerance: metric.tolerance,
                metrics: described.metrics.len(),
                ..Plan::default()
            };
            let judgement = judge(&control, &canary, &plan);
            let before = self.judgements.get(&metric.name).map(|judged| judged.judgement.verdict);
            if before != Some(judgement.verdict) {
                let data = json!({ "metric": metric.name, "query": metric.query, "judgement": judgement });
                shift.record(types::DEPLOYMENT_JUDGED, data, None).await?;
                shift.line(format!("{}: {}: {}", metric.name, judgement.verdict, judgement.reason)).await;
            }
            let failed = judgement.verdict == Verdict::Fail;
            let text = format!("{}: {}", metric.name, judgement.reason);
            let judged = Judged {
                metric: metric.name.clone(),
                query: metric.query.clone(),
                every_ms: u64::try_from(described.every.as_millis()).unwrap_or(u64::MAX),
                tolerance: metric.tolerance,
                judgement,
                control,
                canary,
            };
            let evidence = json!(judged);
            self.judgements.insert(metric.name.clone(), judged);
            if failed {
                return Ok(Some(Reason { kind: ReasonKind::Judge, text, evidence }));
            }
        }
        Ok(None)
    }

    /// What the run's page shows; told only when it has changed.
    pub async fn report(&mut self, shift: &Shift<'_>, progress: &Progress) {
        for (metric, judged) in &self.judgements {
            if self.told.get(metric).is_none_or(|told| judged.is_news_after(told)) {
                self.told.insert(metric.clone(), judged.clone());
            }
        }
        let judgements: Vec<&Judged> = self.told.values().collect();
        let report = json!({
            "report": "deployment",
            "environment": shift.passage.environment,
            "version": shift.passage.version,
            "old_version": shift.passage.old_version,
            "strategy": shift.environment.strategy,
            "began_at": progress.began_at,
            "weight": progress.weight,
            "shifted_at": progress.shifted_at,
            "paused": progress.paused_at.is_some(),
            "judgements": judgements,
            "excused": self.excused,
            "rolling_back": progress.rolling_back,
            "rolled_back": progress.rolled_back,
            "completed": progress.completed,
        });
        if report != self.reported {
            shift.play.reporter.report(&report).await;
            self.reported = report;
        }
    }
}

async fn firing(shift: &Shift<'_>) -> Result<Vec<Firing>, DeploymentError> {
    let alarms = shift.all.ledger.alarms().await?;
    let watched = alarms.into_iter().filter(|alarm| shift.environment.alarms.contains(&alarm.name));
    let of_one = |alarm: ledger::AlarmRecord| {
        let firing = alarm.instances.into_iter().filter(|instance| instance.state == AlarmState::Firing);
        let name = alarm.name;
        firing
            .map(|instance| Firing {
                alarm: name.clone(),
                version: VERSION_LABELS.iter().find_map(|label| instance.labels.get(*label)).cloned(),
                since: instance.active_at,
            })
            .collect::<Vec<_>>()
    };
    Ok(watched.flat_map(of_one).collect())
}

async fn verdict_of(shift: &Shift<'_>, name: &str) -> Result<Value, DeploymentError> {
    let alarms = shift.all.ledger.alarms().await?;
    let verdict = alarms.into_iter().find(|alarm| alarm.name == name).and_then(|alarm| alarm.verdict);
    Ok(serde_json::to_value(verdict).unwrap_or_default())
}

fn direction(worse: Worse) -> Direction {
    match worse {
        Worse::Increase => Direction::Increase,
        Worse::Decrease => Direction::Decrease,
        Worse::Either => Direction::Either,
    }
}

/// One for each instant; what has no sample, or cannot be asked, is missing.
async fn points(shift: &Shift<'_>, metric: &Metric, version: &str, from: Timestamp, to: Timestamp, every: Duration) -> Vec<f64> {
    let (from_ms, to_ms) = (from.as_millisecond(), to.as_millisecond());
    let every_ms = i64::try_from(every.as_millis()).unwrap_or(i64::MAX).max(1);
    if to_ms < from_ms {
        return Vec::new();
    }
    let mut points = vec![f64::NAN; usize::try_from((to_ms - from_ms) / every_ms).unwrap_or_default() + 1];
    let query = metric.query.replace(VERSION, &escaped(version));
    match shift.all.engine.range(&query, from_ms, to_ms, every_ms).await {
        Ok(answer) => {
            if let promql::Value::Matrix(series) = answer.value
                && let [one] = &series[..]
            {
                for sample in &one.samples {
                    let place = usize::try_from((sample.time_ms - from_ms) / every_ms).ok().and_then(|place| points.get_mut(place));
                    if let Some(point) = place {
                        *point = sample.value;
                    }
                }
            }
        }
        Err(error) => shift.line(format!("{} cannot be asked: {error}", metric.name)).await,
    }
    points
}

/// A version is text within a PromQL string.
fn escaped(version: &str) -> String {
    version.replace('\\', "\\\\").replace('"', "\\\"")
}
