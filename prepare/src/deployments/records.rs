//! Deployments in the ledger: events and what they add up to.

use std::collections::BTreeSet;
use std::time::Duration;

use documents::strategy::Weight;
use jiff::SignedDuration;
use kernel::{RunId, Timestamp};
use ledger::{Actor, Event, EventFilter, Ledger, LedgerError, NewEvent, Run, types};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::state::{HookId, Progress, Reason};

const SOURCE: &str = "/prepare/deployments";
const EVENTS_MAX: u32 = 10_000;
const PREFIX: &str = "dev.mainstay.deployment.";

/// One version on its way into one environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passage {
    pub run: RunId,
    pub deployment: String,
    pub environment: String,
    pub version: String,
    /// What has the traffic now, if that is known.
    pub old_version: Option<String>,
}

impl Passage {
    /// An event of this passage. With `once`, a second one of the same name changes nothing.
    pub fn event(&self, kind: &str, data: Value, once: Option<String>) -> NewEvent {
        let mut all = json!({ "environment": self.environment, "version": self.version, "old_version": self.old_version });
        if let (Some(all), Value::Object(data)) = (all.as_object_mut(), data) {
            all.extend(data);
        }
        let event = NewEvent::new(SOURCE, kind, all).subject(self.deployment.clone()).run(self.run.clone());
        match once {
            Some(name) => event.key(format!("{kind}:{}/{}/{name}", self.run, self.environment)),
            None => event,
        }
    }
}

/// A version that has all traffic of an environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arrived {
    pub version: String,
    pub at: Timestamp,
    pub run: RunId,
}

pub async fn progress(ledger: &Ledger, run: &RunId, environment: &str) -> Result<Progress, LedgerError> {
    let events = of_run(ledger, run).await?;
    Ok(events.iter().filter(|event| event.data["environment"] == environment).fold(Progress::default(), add))
}

/// What happened to a run's passages, in order.
pub async fn of_run(ledger: &Ledger, run: &RunId) -> Result<Vec<Event>, LedgerError> {
    let filter = EventFilter { kinds: vec![PREFIX.to_owned()], run: Some(run.clone()), limit: Some(EVENTS_MAX), ..EventFilter::default() };
    ledger.events(&filter).await
}

fn add(mut progress: Progress, event: &Event) -> Progress {
    let data = &event.data;
    let step = || data["step"].as_u64().and_then(|step| usize::try_from(step).ok());
    match event.kind.as_str() {
        types::DEPLOYMENT_BEGAN => {
            progress.began_at = Some(event.time);
            progress.fired_before = serde_json::from_value::<BTreeSet<String>>(data["fired_before"].clone()).unwrap_or_default();
        }
        types::DEPLOYMENT_HOOK_PASSED => progress.hooks_passed.extend(serde_json::from_value::<HookId>(data["hook"].clone()).ok()),
        types::DEPLOYMENT_SHIFTING => progress.weight = data["weight"].as_f64().and_then(Weight::percent).unwrap_or(progress.weight),
        types::DEPLOYMENT_SHIFTED => progress.shifted_at.extend(step().map(|step| (step, event.time))),
        types::DEPLOYMENT_WATCHED_ANEW => watched_anew(&mut progress, event.time, step(), data["jumped_ms"].as_i64()),
        types::DEPLOYMENT_PROMOTED => progress.promoted.extend(step()),
        types::DEPLOYMENT_PAUSED => progress.paused_at = progress.paused_at.or(Some(event.time)),
        types::DEPLOYMENT_RESUMED => {
            if let (Some(since), Some(step)) = (progress.paused_at.take(), progress.shifted_at.keys().next_back()) {
                let stood_still = Duration::try_from(event.time.duration_since(since)).unwrap_or_default();
                *progress.stood_still.entry(*step).or_default() += stood_still;
            }
        }
        types::DEPLOYMENT_ROLLING_BACK => progress.rolling_back = serde_json::from_value::<Reason>(data["reason"].clone()).ok(),
        types::DEPLOYMENT_ROLLED_BACK => {
            progress.weight = Weight::NONE;
            progress.rolled_back = true;
        }
        types::DEPLOYMENT_COMPLETED => progress.completed = true,
        _ => {}
    }
    progress
}

/// Instants from before a jump are told by the clock that has jumped, so that they can be compared with those since.
fn watched_anew(progress: &mut Progress, at: Timestamp, step: Option<usize>, jumped_ms: Option<i64>) {
    if let Some(jumped) = jumped_ms.map(SignedDuration::from_millis) {
        progress.began_at = progress.began_at.map(|began| began.checked_add(jumped).unwrap_or(began));
        progress.comparable_since = Some(at);
    }
    if let Some(step) = step {
        progress.watched_anew.insert(step, at);
        progress.stood_still.remove(&step);
    }
}

/// The version that has all traffic of an environment.
pub async fn arrived(ledger: &Ledger, deployment: &str, environment: &str) -> Result<Option<Arrived>, LedgerError> {
    let filter = EventFilter {
        kinds: vec![types::DEPLOYMENT_COMPLETED.to_owned()],
        subject: Some(deployment.to_owned()),
        newest_first: true,
        limit: Some(EVENTS_MAX),
        ..EventFilter::default()
    };
    let newest = ledger.events(&filter).await?.into_iter().find(|event| event.data["environment"] == environment);
    Ok(newest.and_then(|event| Some(Arrived { version: event.data["version"].as_str()?.to_owned(), at: event.time, run: event.run? })))
}

/// That nothing may be deployed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stopped {
    pub reason: String,
    pub by: Actor,
    pub since: Timestamp,
}

/// Why all deployments are stopped, if they are.
pub async fn stopped(ledger: &Ledger) -> Result<Option<Stopped>, LedgerError> {
    let filter = EventFilter {
        kinds: vec![types::DEPLOYMENTS_STOPPED.to_owned(), types::DEPLOYMENTS_ALLOWED.to_owned()],
        newest_first: true,
        limit: Some(1),
        ..EventFilter::default()
    };
    let newest = ledger.events(&filter).await?.pop().filter(|event| event.kind == types::DEPLOYMENTS_STOPPED);
    Ok(newest.map(|event| Stopped { reason: event.data["reason"].as_str().unwrap_or("no reason was given").to_owned(), by: event.actor, since: event.time }))
}

pub fn switch(kind: &str, reason: &str, actor: &Actor) -> NewEvent {
    NewEvent::new(SOURCE, kind, json!({ "reason": reason })).actor(actor.clone())
}

/// The passage that a run's events tell of, for whoever finds it unfinished.
pub fn passage(run: &Run, environment: &str, events: &[Event]) -> Option<Passage> {
    let began = events.iter().find(|event| event.kind == types::DEPLOYMENT_BEGAN && event.data["environment"] == environment)?;
    Some(Passage {
        run: run.id.clone(),
        deployment: run.document.clone(),
        environment: environment.to_owned(),
        version: began.data["version"].as_str()?.to_owned(),
        old_version: began.data["old_version"].as_str().map(str::to_owned),
    })
}
