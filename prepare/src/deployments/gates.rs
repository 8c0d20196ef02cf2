//! What must hold before a version enters an environment.

use std::time::Duration;

use documents::deployment::{Deployment, Environment, Gate, Hook, HookCheck, ReadinessCheck};
use kernel::Timestamp;
use kernel::table::{Cell, Table};

use super::ask::{Answer, Asked};
use super::{DeploymentError, Deployments, VERSION};
use crate::runs::Play;

/// Between two looks at a gate that time opens.
const LOOK: Duration = Duration::from_secs(1);
const SCENARIO_TIMEOUT: Duration = Duration::from_secs(3_600);

/// Rows that are read of what is missing, and those that are told.
const ROWS_MAX: usize = 100;
const TOLD_MAX: usize = 5;

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
            Gate::Readiness(checks) => self.ready(play, deployment, checks).await,
            Gate::Quiet(_) | Gate::Window(_) => self.wait_until_clear(play, deployment, environment, Some(gate)).await,
        }
    }

    /// Asks all checks, so that everything that is missing is told at once.
    async fn ready(&self, play: &Play, deployment: &Deployment, checks: &[ReadinessCheck]) -> Result<(), DeploymentError> {
        let version = play.run.parameters.get(VERSION).map(String::as_str).unwrap_or_default();
        let mut missing = Vec::new();
        for check in checks {
            let sql = check.sql.replace("$component", &in_quotes(&deployment.component.to_string())).replace("$version", &in_quotes(version));
            match self.sql.sql(&sql, ROWS_MAX).await {
                Ok(table) if table.rows.is_empty() => play.reporter.line(format!("ready: {}", check.name)).await,
                Ok(table) => missing.push(unready(check, &table)),
                Err(error) => missing.push(format!("{} cannot be asked: {error}", check.name)),
            }
        }
        if missing.is_empty() { Ok(()) } else { Err(DeploymentError::Gate(missing.join("; "))) }
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
        Ok(self.stopped().await?.map(|stopped| format!("all deployments are stopped: {}", stopped.reason)))
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

/// As it stands within a literal of SQL.
fn in_quotes(text: &str) -> String {
    text.replace('\'', "''")
}

fn unready(check: &ReadinessCheck, table: &Table) -> String {
    let value = |cell: &Cell| match cell {
        Cell::Text(text) => text.clone(),
        other => serde_json::to_string(other).unwrap_or_default(),
    };
    let row = |row: &Vec<Cell>| row.iter().map(value).collect::<Vec<_>>().join(" ");
    let mut told: Vec<String> = table.rows.iter().take(TOLD_MAX).map(row).collect();
    if table.rows.len() > TOLD_MAX {
        told.push("…".to_owned());
    }
    let mend = check.mend.as_ref().map(|mend| format!(" ({mend})")).unwrap_or_default();
    format!("not so: {}: {}{mend}", check.name, told.join(", "))
}
