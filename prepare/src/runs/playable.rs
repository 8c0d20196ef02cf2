//! What of the documents can be run by its name, and what a run of it consists of.

use documents::Graph;
use documents::experiment::Experiment;
use documents::runbook::{Parameter, Runbook, RunbookKind};
use documents::script::Script;
use kernel::EntityRef;
use ledger::RunKind;

use super::RunError;
use super::error::closest;
use super::plan::{CellPlan, Gate, Plan};

/// The parameter that says how a scenario is played: once, or with its phases.
pub const MODE: &str = "mode";
/// The parameter that says how long each trial of a search lasts.
pub const TRIAL: &str = "trial";
/// As a test: every scenario once.
pub const MODE_TEST: &str = "test";
/// With the script's phases.
pub const MODE_LOAD: &str = "load";
/// At a rising rate, until something breaks.
pub const MODE_LIMIT: &str = "limit";

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
        let known = graph.runbooks.keys().chain(graph.scripts.keys()).chain(graph.experiments.keys());
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
        let parameter = |name: &str, description: &str, default: Option<&str>, allowed: &[&str]| Parameter {
            name: name.to_owned(),
            description: Some(description.to_owned()),
            default: default.map(str::to_owned),
            required: false,
            allowed: allowed.iter().map(|value| (*value).to_owned()).collect(),
        };
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
            parameters: Vec::new(),
            steps: vec![(experiment.name.clone(), "experiment".to_owned(), experiment.origin.path.clone())],
            // What a fault did to the target before the crash is not known, so nobody begins it again unasked.
            plan: Plan::of_one(CellPlan {
                ends_when_lost: true,
                gate: experiment.safety.is_production().then(Gate::of_production),
                ..CellPlan::default()
            }),
        }
    }
}
