//! What must hold before a version enters an environment.

use std::time::Duration;

use documents::deployment::{Deployment, Environment, Gate, Hook, HookCheck};
use kernel::Timestamp;

use super::ask::{Answer, Asked};
use super::{DeploymentError, Deployments};
use crate::runs::Play;

/// Between two looks at a gate that time opens.
const LOOK: Duration = Duration::from_secs(1);
const SCENARIO_TIMEOUT: Duration = Duration::from_secs(3_600);

impl Deployments {
    pub(super) async fn gate(&self, play: &Play, deployment: &Deployment, environment: &Environment, index: usize) -> Result<(), DeploymentError> {
        let gate = environment.gates.get(index).ok_or(DeploymentError::Changed)?;
        match gate {
            // The run itself has waited for these people.
            Gate::Approval(_) => Ok(()),
            Gate::Scenario(name) => {
                let hook = Hook { check: HookCheck::Scenario { name: name.clone(), environment: None }, timeout: SCENARIO_TIMEOUT };
                let key = format!("deployment-gate/{}/{}/{index}/{}", play.run.id, environment.name, play.step.attempt);
                match self.ask(&Asked { hook: &hook, key, play, passage: None }).await? {
                    Answer::Passed => Ok(()),
                    Answer::Failed(reason) => Err(DeploymentError::Gate(reason)),
                }
            }
            Gate::Quiet(_) | Gate::Window(_) => self.wait_until_clear(play, deployment, environment, Some(gate)).await,
        }
    }

    /// Waits until nothing forbids to begin: neither the gate, nor a freeze, nor that all deployments are stopped.
    pub(super) async fn wait_until_clear(&self, play: &Play, deployment: &Deployment, environment: &Environment, gate: Option<&Gate>) -> Result<(), DeploymentError> {
        let mut told = None;
        loop {
            let now = self.clock.now();
            let closed = match self.forbidden(deployment, now).await? {
                Some(reason) => Some(reason),
                None => self.closed(environment, gate, now).await?,
            };
            let Some(reason) = closed else { return Ok(()) };
            if told.as_ref() != Some(&reason) {
                play.reporter.line(format!("waits: {reason}")).await;
                told = Some(reason);
            }
            tokio::select! {
                () = self.rest(LOOK) => {}
                () = play.ending.cancelled() => return Err(DeploymentError::Cut),
            }
        }
    }

    async fn forbidden(&self, deployment: &Deployment, now: Timestamp) -> Result<Option<String>, DeploymentError> {
        if let Some(freeze) = deployment.frozen(now) {
            return Ok(Some(format!("nothing is deployed until {}: {}", freeze.end, freeze.reason)));
        }
        Ok(self.stopped().await?.map(|reason| format!("all deployments are stopped: {reason}")))
    }

    async fn closed(&self, environment: &Environment, gate: Option<&Gate>, now: Timestamp) -> Result<Option<String>, DeploymentError> {
        Ok(match gate {
            Some(Gate::Window(window)) if !window.admits(now, environment.strategy.duration()) => {
                let opens = window.opens_after(now).map_or_else(|| "never opens".to_owned(), |opens| format!("opens at {opens}"));
                Some(format!("the window {opens}"))
            }
            Some(Gate::Quiet(quiet)) => self.unquiet(environment, *quiet, now).await?,
            _ => None,
        })
    }

    /// Which alarm of the environment has fired lately.
    async fn unquiet(&self, environment: &Environment, quiet: Duration, now: Timestamp) -> Result<Option<String>, DeploymentError> {
        let alarms = self.ledger.alarms().await?;
        let watched = alarms.iter().filter(|alarm| environment.alarms.contains(&alarm.name));
        let last_fired = |alarm: &ledger::AlarmRecord| {
            let instances = alarm.instances.iter();
            instances.filter_map(|instance| if instance.state == ledger::AlarmState::Firing { Some(now) } else { instance.resolved_at }).max()
        };
        let recent = |at: Timestamp| at.checked_add(quiet).is_ok_and(|end| end > now);
        Ok(watched
            .filter_map(|alarm| Some((alarm, last_fired(alarm)?)))
            .find(|(_, at)| recent(*at))
            .map(|(alarm, _)| format!("the alarm {} has fired in the last {}", alarm.name, kernel::format_duration(quiet))))
    }
}
