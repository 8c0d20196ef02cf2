//! What of the documents can be run by its name, and what a run of it consists of.

use std::time::Duration;

use documents::Graph;
use documents::config_profile::of_rollout_name;
use documents::deployment::Deployment;
use documents::experiment::Experiment;
use documents::game_day::GameDay;
use documents::runbook::{Parameter, Runbook, RunbookKind};
use documents::script::Script;
use kernel::EntityRef;
use ledger::RunKind;

use super::RunError;
use super::error::closest;
use super::plan::{CellPlan, Gate, Plan, whole_ms};
use crate::deployments::{FROM, Part, TO, VERSION};

/// The parameter that says how a scenario is played: once, or with its phases.
pub const MODE: &str = "mode";
/// The parameter that says how long each trial of a search lasts.
pub const TRIAL: &str = "trial";
/// How many runners share a load; with one, the server plays it itself.
pub const WORKERS: &str = "workers";
/// As a test: every scenario once.
pub const MODE_TEST: &str = "test";
/// With the script's phases.
pub const MODE_LOAD: &str = "load";
/// At a rising rate, until something breaks.
pub const MODE_LIMIT: &str = "limit";
/// The parameter that says when an experiment's rollbacks are played, instead of the experiment's own rule.
pub const ROLLBACKS: &str = "rollbacks";
/// The language of a game day's steps: the first opens its incident, the last writes its report, and those between
/// are its experiments.
pub const GAME_DAY: &str = "game-day";

/// The language of a deployment's steps.
pub const DEPLOYMENT: &str = "deployment";

/// The longest that a gate or a shift may take, with the time in which it waits for windows and people.
const DEPLOYMENT_STEP_MAX: Duration = Duration::from_secs(14 * 24 * 3600);
/// The longest that one experiment of a game day may take, with the time in which people respond.
const GAME_DAY_STEP_MAX: Duration = Duration::from_secs(24 * 3600);

pub struct Playable {
    pub kind: RunKind,
    pub title: String,
    pub digest: String,
    pub component: Option<EntityRef>,
    pub parameters: Vec<Parameter>,
    /// Name, language and source of each.
    pub steps: Vec<(String, String, String)>,
    pub plan: Plan,
}

impl Playable {
    pub fn find(graph: &Graph, name: &str) -> Result<Self, RunError> {
        if let Some(runbook) = graph.runbooks.get(name) {
            return Ok(Self::of_runbook(runbook));
        }
        if let Some(script) = graph.scripts.get(name) {
            return Ok(Self::of_script(script));
        }
        if let Some(experiment) = graph.experiments.get(name) {
            return Ok(Self::of_experiment(experiment));
        }
        if let Some(day) = graph.game_days.get(name) {
            return Ok(Self::of_game_day(graph, day));
        }
        if let Some(deployment) = graph.deployment(name) {
            return Ok(Self::of_deployment(&deployment, version_of(graph, name)));
        }
        let known = graph.runbooks.keys().chain(graph.scripts.keys()).chain(graph.experiments.keys());
        let known = known.chain(graph.game_days.keys()).chain(graph.deployments.keys());
        Err(RunError::UnknownDocument { name: name.to_owned(), suggestion: closest(name, known.map(String::as_str)) })
    }

    fn of_runbook(runbook: &Runbook) -> Self {
        Self {
            kind: match runbook.kind {
                RunbookKind::Runbook => RunKind::Runbook,
                RunbookKind::Playbook => RunKind::Playbook,
            },
            title: runbook.title.clone(),
            digest: runbook.digest.clone(),
            component: runbook.component.clone(),
            parameters: runbook.parameters.clone(),
            steps: runbook.cells.iter().map(|cell| (cell.name.clone(), cell.language.clone(), cell.source.clone())).collect(),
            plan: Plan::of(runbook),
        }
    }

    fn of_script(script: &Script) -> Self {
        Self {
            kind: RunKind::Scenario,
            title: script.name.clone(),
            digest: script.digest.clone(),
            component: None,
            parameters: vec![
                parameter(MODE, "test plays every scenario once; load plays the phases; limit raises the rate until something breaks", Some(MODE_TEST), &[MODE_TEST, MODE_LOAD, MODE_LIMIT]),
                parameter("environment", "one of the script's environments", None, &[]),
                parameter("target", "instead of the script's target", None, &[]),
                parameter(TRIAL, "how long each trial of a search for the limit lasts", Some("10s"), &[]),
                parameter(WORKERS, "how many runners share a load; with one, the server plays it itself", Some("1"), &[]),
            ],
            steps: vec![(script.name.clone(), "scenario".to_owned(), script.origin.path.clone())],
            // A test may be begun again, and so may a load: it measures from its beginning.
            plan: Plan::of_one(CellPlan { repeatable: true, ..CellPlan::default() }),
        }
    }

    fn of_experiment(experiment: &Experiment) -> Self {
        Self {
            kind: RunKind::Experiment,
            title: experiment.title.clone(),
            digest: experiment.digest.clone(),
            component: None,
            parameters: vec![parameter(ROLLBACKS, "instead of the experiment's own rule", None, &["", "default", "always", "never", "deviated"])],
            steps: vec![(experiment.name.clone(), "experiment".to_owned(), experiment.origin.path.clone())],
            // What a fault did to the target before the crash is not known, so nobody begins it again unasked.
            plan: Plan::of_one(CellPlan {
                ends_when_lost: true,
                gate: experiment.safety.is_production().then(Gate::of_production),
                ..CellPlan::default()
            }),
        }
    }

    /// Its experiments ask for their own approvals. Each step may be begun again: what it asks for exists once.
    fn of_game_day(graph: &Graph, day: &GameDay) -> Self {
        let step = |name: &str, source: &str| (name.to_owned(), GAME_DAY.to_owned(), source.to_owned());
        let played = day.experiments.iter().map(|name| step(name, graph.experiments.get(name).map_or("", |experiment| &experiment.origin.path)));
        let steps: Vec<_> = [step("open the practice incident", &day.origin.path)].into_iter().chain(played).chain([step("write the report", "")]).collect();
        let production = day.experiments.iter().filter_map(|name| graph.experiments.get(name)).any(|experiment| experiment.safety.is_production());
        let cell = CellPlan { repeatable: true, timeout_ms: Some(whole_ms(GAME_DAY_STEP_MAX)), ..CellPlan::default() };
        let mut cells = vec![cell; steps.len()];
        if let Some(first) = cells.first_mut() {
            first.gate = production.then(Gate::of_production);
        }
        Self {
            kind: RunKind::GameDay,
            title: day.title.clone().unwrap_or_else(|| day.name.clone()),
            digest: day.digest.clone(),
            component: day.components.first().cloned(),
            parameters: Vec::new(),
            steps,
            plan: Plan { timeout_ms: day.schedule.map(|schedule| whole_ms(schedule.duration)), cells, ..Plan::default() },
        }
    }
}

impl Playable {
    /// A step for each gate and one for each shift. All may be begun again: what they do is on record before it happens.
    /// `version` is the only one that can go out, if there is only one.
    fn of_deployment(deployment: &Deployment, version: Option<&str>) -> Self {
        let mut steps = Vec::new();
        let mut cells = Vec::new();
        let usual = CellPlan { repeatable: true, timeout_ms: Some(whole_ms(DEPLOYMENT_STEP_MAX)), ..CellPlan::default() };
        for environment in &deployment.environments {
            for (index, gate) in environment.gates.iter().enumerate() {
                let part = Part::Gate { environment: environment.name.clone(), index };
                steps.push((format!("{}: {}", environment.name, gate.title()), DEPLOYMENT.to_owned(), part.source()));
                let approval = match gate {
                    documents::deployment::Gate::Approval(policy) => Some(Gate::of(policy)),
                    _ => None,
                };
                cells.push(CellPlan { gate: approval, ..usual.clone() });
            }
            let part = Part::Shift { environment: environment.name.clone() };
            steps.push((format!("{}: {}", environment.name, environment.strategy.name), DEPLOYMENT.to_owned(), part.source()));
            cells.push(usual.clone());
        }
        let environments: Vec<&str> = [""].into_iter().chain(deployment.environments.iter().map(|environment| environment.name.as_str())).collect();
        Self {
            kind: RunKind::Deployment,
            title: deployment.title.clone().unwrap_or_else(|| deployment.name.clone()),
            digest: deployment.digest.clone(),
            component: Some(deployment.component.clone()),
            parameters: vec![
                Parameter { required: true, ..parameter(VERSION, "what goes out", None, version.as_slice()) },
                parameter(FROM, "what has the traffic now, if no earlier deployment tells", Some(""), &[]),
                parameter(TO, "the last environment; all of them if it is empty", Some(""), &environments),
            ],
            steps,
            plan: Plan { cells, ..Plan::default() },
        }
    }
}

/// Of a configuration: what the folder has.
fn version_of<'g>(graph: &'g Graph, name: &str) -> Option<&'g str> {
    let (profile, environment) = of_rollout_name(name)?;
    Some(&graph.config_profiles.get(profile)?.environment(environment)?.content.version)
}

fn parameter(name: &str, description: &str, default: Option<&str>, allowed: &[&str]) -> Parameter {
    Parameter {
        name: name.to_owned(),
        description: Some(description.to_owned()),
        default: default.map(str::to_owned),
        required: false,
        allowed: allowed.iter().map(|value| (*value).to_owned()).collect(),
    }
}
