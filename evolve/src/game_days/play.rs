//! The steps of a game day's run, each of which may be begun again.

use std::collections::BTreeMap;
use std::time::Duration;

use documents::game_day::GameDay;
use kernel::{IncidentId, RunId, Timestamp};
use ledger::{Actor, Batch, GameDayOutcome, LedgerError, Role, Run, types};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::host::{Practice, Teller};
use super::records::{self, Begun};
use super::state::{self, Facts, TrialFacts};
use super::{GameDayError, GameDays, Result, modes};
use crate::postmortems::PostmortemError;

/// How long the next experiment waits for the alarms of the one before to resolve.
const SETTLE_MAX: Duration = Duration::from_secs(600);

/// How a step came to its end.
#[derive(Debug, Clone, PartialEq)]
pub enum Ended {
    Done,
    /// The game day is aborted; nothing more is begun.
    Aborted { reason: String },
    /// The game day has ended; if it was aborted, for this reason.
    Over(Option<String>),
    /// The run ends; whoever ends it has the rest to do.
    Cut,
}

impl GameDays {
    /// Opens the practice incident.
    pub async fn open(&self, run: &Run, tell: &dyn Teller) -> Result<Ended> {
        let day = self.day(&run.document)?;
        if day.digest != run.document_digest {
            return Err(GameDayError::Changed);
        }
        if let Some(begun) = records::begun(&self.ledger, &run.id).await? {
            tell.line(format!("the practice incident is {}", begun.incident)).await;
            return Ok(Ended::Done);
        }
        let incident = self.host.open(practice(&day, &run.id), &run.initiator).await?;
        let data = json!({
            "goal": day.goal, "experiments": day.experiments, "components": day.components, "component": day.components.first(),
            "severity": day.severity, "participants": day.participants,
        });
        let began = self.event(&day, run, incident, types::GAME_DAY_BEGAN, data).actor(run.initiator.clone()).key(format!("game-day-began:{}", run.id));
        self.ledger.commit(Batch::new().event(began)).await?;
        tell.line(format!("{}: {}", day.title.as_deref().unwrap_or(&day.name), day.goal)).await;
        tell.line(format!("opened the practice incident {incident}")).await;
        Ok(Ended::Done)
    }

    /// Plays one experiment, measures it and waits until its alarms have resolved.
    pub async fn play(&self, run: &Run, index: usize, ending: &CancellationToken, tell: &dyn Teller) -> Result<Ended> {
        let begun = self.begun(&run.id).await?;
        let day = self.day(&run.document)?;
        let Some(name) = day.experiments.get(index).cloned() else { return Err(GameDayError::Changed) };
        if let Some(reason) = self.aborted(&day, run, begun.incident).await? {
            tell.line(format!("{name} is not played: {reason}")).await;
            return Ok(Ended::Aborted { reason });
        }
        let began_at = self.clock.now();
        let child = self.host.request(&name, begun.incident, format!("game-day/{}/{index}", run.id), &run.initiator).await?;
        let data = json!({ "index": index, "experiment": name, "experiment_run": child });
        let played = self.event(&day, run, begun.incident, types::GAME_DAY_PLAYED, data).key(format!("game-day-played:{}/{index}", run.id));
        self.ledger.commit(Batch::new().event(played)).await?;
        tell.line(format!("plays {name} as the run {child}")).await;
        let ended = self.follow(&day, run, &begun, &child, ending).await?;
        if ended == Ended::Cut {
            return Ok(Ended::Cut);
        }
        self.tell_so_far(&begun, &name, index, tell).await?;
        match ended {
            Ended::Done => self.settle(&day, run, &begun, began_at, ending, tell).await,
            other => Ok(other),
        }
    }

    /// Ends the game day: its incident, its report, its trainings. Nothing is done twice.
    pub async fn conclude(&self, run: &Run, reason: Option<String>) -> Result<GameDayOutcome> {
        if let Some(outcome) = records::outcome_of_run(&self.ledger, &run.id).await? {
            self.prove_trainings(&outcome).await?;
            return Ok(outcome);
        }
        let begun = self.begun(&run.id).await?;
        let aborted = records::of_run(&self.ledger, &run.id, types::GAME_DAY_ABORTED).await?;
        let reason = aborted.and_then(|event| event.data["reason"].as_str().map(str::to_owned)).or(reason);
        let mut outcome = self.gather(&begun, self.clock.now(), reason).await?;
        self.host.resolve(begun.incident, summary(&outcome)).await?;
        self.write_report(&mut outcome).await;
        let data = json!({ "outcome": outcome, "reason": outcome.reason, "report": outcome.report });
        let ended = records::event(&outcome.name, &outcome.title, types::GAME_DAY_ENDED, data)
            .run(run.id.clone())
            .incident(begun.incident)
            .key(format!("game-day-ended:{}", run.id));
        self.ledger.commit(Batch::new().event(ended)).await?;
        self.prove_trainings(&outcome).await?;
        Ok(outcome)
    }

    /// What can be said of it now.
    pub(super) async fn gather(&self, begun: &Begun, ended_at: Timestamp, aborted: Option<String>) -> Result<GameDayOutcome> {
        let day = self.day(&begun.name)?;
        let events = records::around(&self.ledger, begun).await?;
        let facts = Facts {
            run: begun.run.clone(),
            incident: begun.incident,
            began_at: begun.at,
            ended_at,
            aborted,
            trials: self.trials(&day, &begun.run).await?,
            events: &events,
            day: &day,
        };
        Ok(state::outcome(&facts))
    }

    /// A report that cannot be written is not worth losing the result for.
    pub(super) async fn write_report(&self, outcome: &mut GameDayOutcome) {
        let written = self.postmortems.draft_as(outcome.incident, &Actor::system(), |facts, stem| super::report(outcome, facts, stem)).await;
        match written {
            Ok(postmortem) => (outcome.report, outcome.report_error) = (Some(postmortem.path), None),
            // People have taken it over; it stays where it is.
            Err(PostmortemError::Edited { path }) => (outcome.report, outcome.report_error) = (Some(path), None),
            Err(error) => {
                tracing::warn!(incident = %outcome.incident, %error, "the report of a game day could not be written");
                outcome.report_error = Some(error.to_string());
            }
        }
    }

    async fn trials(&self, day: &GameDay, run: &RunId) -> Result<Vec<TrialFacts>> {
        let loaded = self.graph.borrow().clone();
        let plays: BTreeMap<u64, RunId> = records::plays(&self.ledger, run).await?.into_iter().collect();
        let mut trials = Vec::new();
        for (index, name) in (0..).zip(&day.experiments) {
            let experiment = loaded.graph.experiments.get(name);
            let run = match plays.get(&index) {
                Some(run) => Some(self.ledger.run(run).await?),
                None => None,
            };
            let journal = match &run {
                Some(run) => records::journal(&self.ledger, run).await?,
                None => None,
            };
            let modes = experiment.map(modes::modes).unwrap_or_default();
            trials.push(TrialFacts {
                name: name.clone(),
                title: experiment.map_or_else(|| name.clone(), |experiment| experiment.title.clone()),
                modes: modes.into_iter().map(|mode| mode.name().to_owned()).collect(),
                run,
                journal,
            });
        }
        Ok(trials)
    }

    /// Until the experiment's run has ended. An alarm of `abortWhen` ends it, and so does the end of the game day.
    async fn follow(&self, day: &GameDay, run: &Run, begun: &Begun, child: &RunId, ending: &CancellationToken) -> Result<Ended> {
        let mut changes = self.ledger.watch();
        let mut aborted = None;
        let mut cancelled = false;
        loop {
            changes.mark_unchanged();
            if self.ledger.run(child).await?.status.is_final() {
                return Ok(match aborted {
                    _ if ending.is_cancelled() => Ended::Cut,
                    Some(reason) => Ended::Aborted { reason },
                    None => Ended::Done,
                });
            }
            if aborted.is_none() {
                aborted = self.aborted(day, run, begun.incident).await?;
            }
            if !cancelled && (aborted.is_some() || ending.is_cancelled()) {
                self.host.cancel(child, &Actor::system()).await?;
                cancelled = true;
            }
            tokio::select! {
                () = ending.cancelled(), if !ending.is_cancelled() => {}
                changed = changes.changed() => changed.map_err(|_| LedgerError::Closed)?,
            }
        }
    }

    /// Why the day was aborted, or is from now on.
    async fn aborted(&self, day: &GameDay, run: &Run, incident: IncidentId) -> Result<Option<String>> {
        if let Some(event) = records::of_run(&self.ledger, &run.id, types::GAME_DAY_ABORTED).await? {
            return Ok(event.data["reason"].as_str().map(str::to_owned));
        }
        if day.abort_when.is_empty() {
            return Ok(None);
        }
        let Some(reason) = state::abort_reason(day, &self.ledger.alarms().await?) else { return Ok(None) };
        let event = self.event(day, run, incident, types::GAME_DAY_ABORTED, json!({ "reason": reason }));
        self.ledger.commit(Batch::new().event(event.key(format!("game-day-aborted:{}", run.id)))).await?;
        Ok(Some(reason))
    }

    async fn tell_so_far(&self, begun: &Begun, name: &str, index: usize, tell: &dyn Teller) -> Result<()> {
        let outcome = self.gather(begun, self.clock.now(), None).await?;
        let Some(played) = outcome.experiments.get(index) else { return Ok(()) };
        let summary = state::told(&played.measures);
        let data = json!({ "index": index, "experiment": name, "trial": played.trial, "measures": played.measures, "summary": summary });
        let measured = records::event(&outcome.name, &outcome.title, types::GAME_DAY_MEASURED, data)
            .run(begun.run.clone())
            .incident(begun.incident)
            .key(format!("game-day-measured:{}/{index}", begun.run));
        self.ledger.commit(Batch::new().event(measured)).await?;
        tell.line(format!("{name}: {summary}")).await;
        tell.report(report_of(&outcome, false)).await;
        Ok(())
    }

    /// The next experiment begins from quiet ground, and a late end is measured still.
    async fn settle(&self, day: &GameDay, run: &Run, begun: &Begun, since: Timestamp, ending: &CancellationToken, tell: &dyn Teller) -> Result<Ended> {
        let until = self.clock.now().checked_add(SETTLE_MAX).unwrap_or(Timestamp::MAX);
        let mut changes = self.ledger.watch();
        let mut told = false;
        loop {
            changes.mark_unchanged();
            if let Some(reason) = self.aborted(day, run, begun.incident).await? {
                return Ok(Ended::Aborted { reason });
            }
            let events = records::around(&self.ledger, begun).await?;
            let firing = state::still_firing(day, &self.ledger.alarms().await?, &events, since);
            if firing.is_empty() {
                return Ok(Ended::Done);
            }
            if !told {
                tell.line(format!("waits until {} no longer fires", firing.join(", "))).await;
                told = true;
            }
            tokio::select! {
                () = ending.cancelled() => return Ok(Ended::Cut),
                () = self.clock.sleep_until(until) => {
                    tell.line(format!("{} still fires; it goes on all the same", firing.join(", "))).await;
                    return Ok(Ended::Done);
                }
                changed = changes.changed() => changed.map_err(|_| LedgerError::Closed)?,
            }
        }
    }

    fn event(&self, day: &GameDay, run: &Run, incident: IncidentId, kind: &str, data: Value) -> ledger::NewEvent {
        records::event(&day.name, day.title.as_deref().unwrap_or(&day.name), kind, data).run(run.id.clone()).incident(incident)
    }
}

/// What the page of the run shows.
pub fn report_of(outcome: &GameDayOutcome, finished: bool) -> Value {
    let mut report = json!(outcome);
    report["report"] = json!("game_day");
    report["finished"] = json!(finished);
    report["path"] = json!(outcome.report);
    report
}

fn practice(day: &GameDay, run: &RunId) -> Practice {
    let of_role = |wanted: &str| day.participants.iter().find(|one| one.role.eq_ignore_ascii_case(wanted)).map(|one| one.user.clone());
    let roles = [
        ("deputy", Role::Deputy),
        ("scribe", Role::Scribe),
        ("subject-matter-expert", Role::SubjectMatterExpert),
        ("customer-liaison", Role::CustomerLiaison),
        ("internal-liaison", Role::InternalLiaison),
    ];
    Practice {
        title: format!("Game day: {}", day.title.as_deref().unwrap_or(&day.name)),
        summary: day.goal.clone(),
        severity: day.severity,
        components: day.components.clone(),
        commander: of_role("commander"),
        roles: roles.into_iter().filter_map(|(name, role)| Some((role, of_role(name)?))).collect(),
        fingerprint: format!("game-day/{run}"),
    }
}

/// How the incident ended.
fn summary(outcome: &GameDayOutcome) -> String {
    let mut summary = outcome.goal.clone();
    if let Some(reason) = &outcome.reason {
        summary += &format!("\n\nThe game day was aborted: {reason}.");
    }
    for finding in &outcome.findings {
        summary += &format!("\n- {finding}");
    }
    summary
}
