//! Game days as runs: the house opens their incidents and plays their experiments.

use async_trait::async_trait;
use evolve::game_days::{Ended, GameDayError, GameDays, Host, HostError, Practice, Teller, report_of};
use kernel::{IncidentId, RunId};
use ledger::Actor;
use operate::incidents::{Declaration, Incidents};
use prepare::runs::playable::ROLLBACKS;
use prepare::runs::{Play, Played, Player, Reporter, Request, RunError, Runs};
use serde_json::Value;

pub struct GameDayPlayer {
    pub days: GameDays,
}

#[async_trait]
impl Player for GameDayPlayer {
    async fn play(&self, play: Play) -> Played {
        match self.step(&play).await {
            // After an abortion the other steps are still begun: each sees that it has nothing to do, and the last one
            // writes the report.
            Ok(Ended::Done | Ended::Aborted { .. }) => Played::default(),
            Ok(Ended::Over(Some(reason))) => Played::failed(format!("it was aborted: {reason}")),
            Ok(Ended::Over(None)) => Played::default(),
            Ok(Ended::Cut) => Played::failed("the game day was ended"),
            Err(error) => Played::failed(error),
        }
    }
}

impl GameDayPlayer {
    async fn step(&self, play: &Play) -> Result<Ended, GameDayError> {
        let tell = Told(play.reporter.clone());
        let experiments = play.loaded.graph.game_days.get(&play.run.document).map_or(0, |day| day.experiments.len());
        match play.step.index as usize {
            0 => self.days.open(&play.run, &tell).await,
            index if index <= experiments => self.days.play(&play.run, index - 1, &play.ending, &tell).await,
            _ => {
                let outcome = self.days.conclude(&play.run, None).await?;
                tell.report(report_of(&outcome, true)).await;
                for finding in &outcome.findings {
                    tell.line(finding.clone()).await;
                }
                tell.line(outcome.report.clone().map_or_else(|| "there is no report".to_owned(), |path| format!("the report is {path}"))).await;
                Ok(Ended::Over(outcome.reason))
            }
        }
    }
}

struct Told(Reporter);

#[async_trait]
impl Teller for Told {
    async fn line(&self, text: String) {
        self.0.line(text).await;
    }

    async fn report(&self, report: Value) {
        self.0.report(&report).await;
    }
}

/// What a game day finds around it.
pub struct GameDayHost {
    pub runs: Runs,
    pub incidents: Incidents,
}

#[async_trait]
impl Host for GameDayHost {
    async fn open(&self, practice: Practice, actor: &Actor) -> Result<IncidentId, HostError> {
        let declaration = Declaration {
            title: practice.title,
            summary: practice.summary,
            severity: Some(practice.severity),
            components: practice.components,
            commander: practice.commander,
            roles: practice.roles,
            practice: true,
            fingerprint: Some(practice.fingerprint),
        };
        self.incidents.declare(declaration, actor).await.map(|incident| incident.id).map_err(HostError::new)
    }

    async fn resolve(&self, incident: IncidentId, summary: String) -> Result<(), HostError> {
        let now = self.incidents.get(incident).await.map_err(HostError::new)?;
        // What turned out to be real trouble is not over with the game day.
        if !now.practice || !now.status.is_active() {
            return Ok(());
        }
        self.incidents.resolve(incident, Some(summary), &Actor::system()).await.map(drop).map_err(HostError::new)
    }

    async fn request(&self, experiment: &str, incident: IncidentId, key: String, actor: &Actor) -> Result<RunId, HostError> {
        let mut request = Request { incident: Some(incident), key: Some(key), ..Request::new(experiment, actor.clone()) };
        request.parameters.insert(ROLLBACKS.to_owned(), "always".to_owned());
        self.runs.request(request).await.map(|run| run.id).map_err(HostError::new)
    }

    async fn cancel(&self, run: &RunId, actor: &Actor) -> Result<(), HostError> {
        match self.runs.cancel(run, actor).await {
            Ok(_) | Err(RunError::Finished { .. }) => Ok(()),
            Err(error) => Err(HostError::new(error)),
        }
    }
}
