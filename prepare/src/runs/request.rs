//! From a request to a run with its steps and its plan.

use std::collections::BTreeMap;

use documents::Graph;
use documents::runbook::Parameter;
use kernel::{EntityRef, IncidentId, RunId, Timestamp};
use ledger::{Actor, Batch, NewEvent, Run, RunKind, RunStatus, Step, StepStatus, types};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::RunError;
use super::change::run_event;
use super::error::closest;
use super::plan::Plan;
use super::playable::Playable;

/// Longer values do not fit into an environment variable on every system.
pub const MAX_VALUE_BYTES: usize = 64 * 1024;

/// What somebody wants carried out.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// The document's name.
    pub document: String,
    pub parameters: BTreeMap<String, String>,
    pub initiator: Actor,
    pub incident: Option<IncidentId>,
    /// The document's own component if absent.
    pub component: Option<EntityRef>,
    /// A second request with the same key is the same run.
    pub key: Option<String>,
}

impl Request {
    pub fn new(document: impl Into<String>, initiator: Actor) -> Self {
        Self {
            document: document.into(),
            parameters: BTreeMap::new(),
            initiator,
            incident: None,
            component: None,
            key: None,
        }
    }

    /// The same key gives the same id, so a repeated request finds the run of the first.
    pub fn run_id(&self) -> RunId {
        let Some(key) = &self.key else { return RunId::random() };
        let hash = Sha256::digest(key);
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&hash[..16]);
        let text = ulid::Ulid::from_bytes(bytes).to_string();
        text.parse().expect("a ULID's own text is a run id")
    }

    /// The event that tells of the request.
    pub fn event(&self, run: &Run) -> NewEvent {
        let mut event = run_event(run, types::RUN_REQUESTED, json!({ "parameters": self.parameters })).actor(self.initiator.clone());
        if let Some(key) = &self.key {
            event = event.key(format!("run-requested:{key}"));
        }
        event
    }
}

/// A run about to be written, with everything that belongs to it.
#[derive(Debug, Clone)]
pub struct Prepared {
    pub run: Run,
    pub steps: Vec<Step>,
    pub plan: Plan,
}

impl Prepared {
    pub fn new(graph: &Graph, request: &Request, id: RunId, now: Timestamp) -> Result<Self, RunError> {
        let playable = Playable::find(graph, &request.document)?;
        let run = Run {
            kind: playable.kind,
            parameters: parameters(&request.document, &playable.parameters, &request.parameters)?,
            title: playable.title,
            document_digest: playable.digest,
            component: request.component.clone().or(playable.component),
            ..blank(request, id.clone(), now)
        };
        Ok(Self { run, steps: steps(playable.steps, &id), plan: playable.plan })
    }

    /// The run, its steps and its plan. A second batch for the same run changes nothing.
    pub fn into_batch(self) -> Batch {
        let planned = run_event(&self.run, types::RUN_PLANNED, json!({ "plan": self.plan })).key(planned_key(&self.run.id));
        self.steps.into_iter().fold(Batch::new().run(self.run).event(planned), Batch::step)
    }
}

/// The record of a request that cannot be met.
pub fn refused(request: &Request, id: RunId, error: &RunError, now: Timestamp) -> Batch {
    let run = Run { status: RunStatus::Failed, finished_at: Some(now), error: Some(error.to_string()), ..blank(request, id, now) };
    let failed = run_event(&run, types::RUN_FAILED, json!({ "error": run.error })).key(planned_key(&run.id));
    Batch::new().run(run).event(failed)
}

fn planned_key(run: &RunId) -> String {
    format!("run-planned:{run}")
}

fn blank(request: &Request, id: RunId, now: Timestamp) -> Run {
    Run {
        id,
        kind: RunKind::Runbook,
        document: request.document.clone(),
        title: request.document.clone(),
        document_digest: String::new(),
        status: RunStatus::Requested,
        initiator: request.initiator.clone(),
        incident: request.incident,
        component: request.component.clone(),
        parameters: request.parameters.clone(),
        outputs: BTreeMap::new(),
        requested_at: now,
        started_at: None,
        finished_at: None,
        deadline: None,
        error: None,
        cancel_requested: false,
        revision: 0,
    }
}

fn steps(steps: Vec<(String, String, String)>, run: &RunId) -> Vec<Step> {
    (0..)
        .zip(steps)
        .map(|(index, (name, language, source))| Step {
            run: run.clone(),
            index,
            name,
            language,
            source,
            status: StepStatus::Pending,
            attempt: 0,
            started_at: None,
            finished_at: None,
            exit_code: None,
            error: None,
            approval: None,
        })
        .collect()
}

/// The values that the run gets: those given, checked, and the defaults of the others.
fn parameters(document: &str, declared: &[Parameter], given: &BTreeMap<String, String>) -> Result<BTreeMap<String, String>, RunError> {
    let known = || declared.iter().map(|parameter| parameter.name.as_str());
    if let Some(name) = given.keys().find(|name| !known().any(|known| known == *name)) {
        return Err(RunError::UnknownParameter {
            document: document.to_owned(),
            name: name.clone(),
            suggestion: closest(name, known()),
        });
    }
    let mut values = BTreeMap::new();
    for parameter in declared {
        let name = &parameter.name;
        match given.get(name).or(parameter.default.as_ref()) {
            Some(value) if !parameter.allowed.is_empty() && !parameter.allowed.contains(value) => {
                return Err(RunError::NotAllowed { name: name.clone(), value: value.clone(), allowed: parameter.allowed.clone() });
            }
            Some(value) if value.len() > MAX_VALUE_BYTES || value.contains('\0') => {
                return Err(RunError::UnusableValue { name: name.clone(), limit: MAX_VALUE_BYTES });
            }
            Some(value) => {
                values.insert(name.clone(), value.clone());
            }
            None if parameter.required => {
                return Err(RunError::MissingParameter { document: document.to_owned(), name: name.clone() });
            }
            // So that a shell that stops at unset variables can test it.
            None => {
                values.insert(name.clone(), String::new());
            }
        }
    }
    Ok(values)
}
