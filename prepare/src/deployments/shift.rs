//! The shift of one environment's traffic, from the first hook to the end of the bake time.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use documents::deployment::{Deployment, Environment, Hook, Router as Described};
use documents::strategy::Weight;
use jiff::SignedDuration;
use kernel::Timestamp;
use ledger::{Batch, NewEvent, types};
use serde_json::json;

use super::ask::{Answer, Asked};
use super::records::{self, Passage};
use super::router::{Router, RouterError, Shares};
use super::state::{self, HookId, Next, Place, Progress, Reason, ReasonKind};
use super::watch::{Seen, Watcher};
use super::{DeploymentError, Deployments, FROM, VERSION};
use crate::runs::Play;

/// How often a router is asked before it counts as out of reach.
const ATTEMPTS: u32 = 3;
const PAUSE: Duration = Duration::from_millis(500);
/// Between two attempts to take traffic back, which never ends before it succeeds.
const PAUSE_MAX: Duration = Duration::from_secs(10);

/// The instant of a look, by both clocks.
#[derive(Clone, Copy)]
struct Look {
    wall: Timestamp,
    steady: Duration,
}

/// Why it is not known how long a step was watched.
#[derive(Debug, PartialEq)]
enum Gap {
    /// Nobody has looked since the server was started.
    Unwatched,
    /// The wall clock was set, or the machine slept.
    Jump(SignedDuration),
}

impl Gap {
    /// Clocks that are only brought into line stay below it.
    const JUMP_MIN: SignedDuration = SignedDuration::from_secs(2);

    fn between(before: Option<Look>, now: Look) -> Option<Self> {
        let Some(before) = before else { return Some(Self::Unwatched) };
        let steady = SignedDuration::try_from(now.steady - before.steady).unwrap_or(SignedDuration::MAX);
        let jumped = now.wall.duration_since(before.wall).saturating_sub(steady);
        (jumped.abs() >= Self::JUMP_MIN).then_some(Self::Jump(jumped))
    }
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unwatched => f.write_str("the server was started again"),
            Self::Jump(jumped) => write!(f, "the clock jumped by {jumped:#}"),
        }
    }
}

pub(super) struct Shift<'a> {
    pub all: &'a Deployments,
    pub play: &'a Play,
    pub environment: &'a Environment,
    pub passage: Passage,
    router: Arc<dyn Router>,
}

impl Deployments {
    pub(super) async fn shift(&self, play: &Play, deployment: &Deployment, environment: &Environment) -> Result<(), DeploymentError> {
        self.wait_until_clear(play, deployment, environment, None).await?;
        let given = |name: &str| play.run.parameters.get(name).filter(|value| !value.is_empty()).cloned();
        // A configuration also arrives without a deployment, so the request says what it has now.
        let arrived = match environment.router {
            Described::Profile(_) => None,
            _ => self.arrived(&deployment.name, &environment.name).await?,
        };
        let old_version = arrived.map(|arrived| arrived.version).or_else(|| given(FROM));
        let passage = Passage {
            run: play.run.id.clone(),
            deployment: deployment.name.clone(),
            environment: environment.name.clone(),
            version: given(VERSION).unwrap_or_default(),
            old_version,
        };
        let router = self.router(environment, &play.loaded.graph.root, &play.run);
        Shift { all: self, play, environment, passage, router }.carry().await
    }
}

impl Shift<'_> {
    async fn carry(&self) -> Result<(), DeploymentError> {
        let mut watcher = Watcher::default();
        let mut looked = None;
        loop {
            let progress = self.progress().await?;
            let held = self.all.stopped().await?.is_some();
            watcher.report(self, &progress).await;
            if let Some(step) = state::watched(&progress, held) {
                let now = self.look();
                if let Some(gap) = Gap::between(looked.replace(now), now) {
                    self.watch_anew(step, gap).await?;
                    continue;
                }
            }
            match state::next(self.environment, &progress, held, self.all.clock.now()) {
                Next::Begin => {
                    let fired_before = watcher.firing_now(self).await?;
                    self.record(types::DEPLOYMENT_BEGAN, json!({ "fired_before": fired_before }), Some(String::new())).await?;
                    self.line(format!("{} is on its way to {}", self.passage.version, self.passage.environment)).await;
                }
                Next::Ask(hook) => self.ask(hook).await?,
                Next::Shift(step) => {
                    // A jump while the router is asked is one, too.
                    looked = Some(self.look());
                    self.advance(step).await?;
                }
                Next::Watch { step, until } => self.observe(&mut watcher, &progress, Some(step), Some(until)).await?,
                Next::StandStill { step } => self.observe(&mut watcher, &progress, step, None).await?,
                Next::TakeBack => self.take_back().await?,
                Next::Complete => {
                    self.record(types::DEPLOYMENT_COMPLETED, json!({}), Some(String::new())).await?;
                    self.line(format!("{} has arrived in {}", self.passage.version, self.passage.environment)).await;
                }
                Next::Over => return progress.rolling_back.map_or(Ok(()), |reason| Err(DeploymentError::RolledBack(reason.text))),
            }
        }
    }

    async fn progress(&self) -> Result<Progress, DeploymentError> {
        Ok(records::progress(&self.all.ledger, &self.passage.run, &self.passage.environment).await?)
    }

    async fn ask(&self, id: HookId) -> Result<(), DeploymentError> {
        let hooks: &[Hook] = match id.place {
            Place::BeforeTraffic => &self.environment.hooks.before_allow_traffic,
            Place::Step(_) => &self.environment.hooks.each_step,
            Place::AfterTraffic => &self.environment.hooks.after_allow_traffic,
        };
        let hook = hooks.get(id.index).ok_or(DeploymentError::Changed)?;
        let key = format!("deployment-hook/{}/{}/{:?}/{}", self.passage.run, self.passage.environment, id.place, id.index);
        match self.all.ask(&Asked { hook, key, play: self.play, passage: Some(&self.passage) }).await? {
            Answer::Passed => self.record(types::DEPLOYMENT_HOOK_PASSED, json!({ "hook": id }), Some(format!("{id:?}"))).await,
            Answer::Failed(text) => self.roll_back(Reason { kind: ReasonKind::Hook, text, evidence: json!({ "hook": id }) }).await,
        }
    }

    async fn advance(&self, step: usize) -> Result<(), DeploymentError> {
        let weight = self.environment.strategy.steps.get(step).map(|step| step.weight).ok_or(DeploymentError::Changed)?;
        let data = json!({ "step": step, "weight": weight });
        self.record(types::DEPLOYMENT_SHIFTING, data.clone(), Some(step.to_string())).await?;
        match self.set(weight).await? {
            Ok(()) => {
                self.record(types::DEPLOYMENT_SHIFTED, data, Some(step.to_string())).await?;
                self.line(format!("{weight} of the traffic goes to {}", self.passage.version)).await;
                Ok(())
            }
            Err(error) => self.roll_back(Reason { kind: ReasonKind::Router, text: error.to_string(), evidence: json!({ "weight": weight }) }).await,
        }
    }

    fn look(&self) -> Look {
        Look { wall: self.all.clock.now(), steady: self.all.clock.steady() }
    }

    /// The time of a step is time in which somebody watched it.
    async fn watch_anew(&self, step: usize, gap: Gap) -> Result<(), DeploymentError> {
        self.line(format!("watches the step from its beginning: {gap}")).await;
        let jumped_ms = match gap {
            Gap::Unwatched => None,
            Gap::Jump(jumped) => i64::try_from(jumped.as_millis()).ok(),
        };
        self.record(types::DEPLOYMENT_WATCHED_ANEW, json!({ "step": step, "because": gap.to_string(), "jumped_ms": jumped_ms }), None).await
    }

    async fn set(&self, weight: Weight) -> Result<Result<(), RouterError>, DeploymentError> {
        let shares = self.shares(weight);
        let mut attempt = 1;
        loop {
            match self.router.set(&shares).await {
                Err(error) if attempt < ATTEMPTS => {
                    self.line(format!("{error}; tries again")).await;
                    attempt += 1;
                    self.pause(PAUSE).await?;
                }
                outcome => return Ok(outcome),
            }
        }
    }

    /// Looks until the step's time is over, or something is to be decided anew.
    async fn observe(&self, watcher: &mut Watcher, progress: &Progress, step: Option<usize>, until: Option<Timestamp>) -> Result<(), DeploymentError> {
        match watcher.watch(self, progress, step, until).await? {
            Seen::Harm(reason) => self.roll_back(reason).await,
            Seen::Nothing => Ok(()),
        }
    }

    async fn roll_back(&self, reason: Reason) -> Result<(), DeploymentError> {
        self.line(format!("rolls back: {}", reason.text)).await;
        self.record(types::DEPLOYMENT_ROLLING_BACK, json!({ "reason": reason }), Some(String::new())).await
    }

    /// Tries for as long as it takes: the traffic must not stay where it harms.
    async fn take_back(&self) -> Result<(), DeploymentError> {
        let mut pause = PAUSE;
        while let Err(error) = self.router.set(&self.shares(Weight::NONE)).await {
            self.line(format!("{error}; tries again to take the traffic back")).await;
            self.pause(pause).await?;
            pause = (pause * 2).min(PAUSE_MAX);
        }
        self.record(types::DEPLOYMENT_ROLLED_BACK, json!({}), Some(String::new())).await?;
        self.line("the traffic is back on the old version").await;
        Ok(())
    }

    fn shares(&self, weight: Weight) -> Shares {
        Shares { old: self.passage.old_version.clone(), new: self.passage.version.clone(), weight }
    }

    pub(super) async fn record(&self, kind: &str, data: serde_json::Value, once: Option<String>) -> Result<(), DeploymentError> {
        let event: NewEvent = self.passage.event(kind, data, once);
        match self.all.ledger.commit(Batch::new().event(event)).await {
            // Somebody wrote it before: this is a repetition.
            Ok(_) | Err(ledger::LedgerError::Conflict(_)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    pub(super) async fn line(&self, text: impl Into<String>) {
        self.play.reporter.line(text).await;
    }

    async fn pause(&self, duration: Duration) -> Result<(), DeploymentError> {
        tokio::select! {
            () = self.all.rest(duration) => Ok(()),
            () = self.play.ending.cancelled() => Err(DeploymentError::Cut),
        }
    }
}
