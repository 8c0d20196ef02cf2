//! The changes of a run: each the new state together with the events that tell of it.

use std::collections::BTreeMap;
use std::time::Duration;

use kernel::Timestamp;
use ledger::{Actor, Approval, Batch, NewEvent, Run, RunStatus, Step, StepStatus, types};
use serde_json::{Value, json};

use super::SOURCE;
use super::plan::{Plan, digest};
use super::state::{Next, Outcome};

/// A run with its steps, as read, and what is to become of them.
#[derive(Debug, Clone)]
pub struct Change {
    pub run: Run,
    pub steps: Vec<Step>,
    before: Vec<Step>,
    events: Vec<NewEvent>,
}

/// What came of a step that was run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct StepResult {
    pub exit_code: Option<i32>,
    /// Why it failed; a step without an error and with exit code 0 or none has succeeded.
    pub error: Option<String>,
    pub outputs: BTreeMap<String, String>,
}

impl StepResult {
    pub fn failed(error: impl Into<String>) -> Self {
        Self { error: Some(error.into()), ..Self::default() }
    }

    /// With every text as `shown` says.
    pub fn shown(self, shown: impl Fn(String) -> String) -> Self {
        let outputs = self.outputs.into_iter().map(|(name, value)| (name, shown(value))).collect();
        Self { exit_code: self.exit_code, error: self.error.map(&shown), outputs }
    }

    fn status(&self) -> StepStatus {
        match self.error.is_none() && self.exit_code.unwrap_or(0) == 0 {
            true => StepStatus::Succeeded,
            false => StepStatus::Failed,
        }
    }
}

impl Change {
    pub fn of(run: Run, steps: Vec<Step>) -> Self {
        Self { before: steps.clone(), run, steps, events: Vec::new() }
    }

    /// The run is always written, so that its revision guards the steps, too.
    pub fn into_batch(self) -> Batch {
        let changed = self.steps.into_iter().zip(self.before).filter(|(now, before)| now != before);
        let batch = changed.fold(Batch::new().run(self.run), |batch, (step, _)| batch.step(step));
        self.events.into_iter().fold(batch, Batch::event)
    }

    /// Does what [`state::next`](super::state::next) decided.
    pub fn apply(&mut self, next: &Next, plan: &Plan, now: Timestamp) {
        match next {
            Next::Nothing | Next::Wait { .. } => {}
            Next::Skip(index) => self.step(*index, |step| step.status = StepStatus::Skipped),
            Next::Ask(index) => self.ask(*index, plan, now),
            Next::Begin(index) => self.begin(*index, plan, now),
            Next::Repeat(index) => {
                self.step(*index, |step| step.status = StepStatus::Pending);
                self.run.status = RunStatus::Running;
                self.tell(types::RUN_RESUMED, Actor::system(), json!({ "step": index, "how": "repeatable" }));
            }
            Next::Interrupt(index) => self.interrupt(*index, now),
            Next::Finish(outcome) => self.finish(outcome, now),
        }
    }

    pub fn finish_step(&mut self, index: u32, result: StepResult, now: Timestamp) {
        let status = result.status();
        self.step(index, |step| {
            step.status = status;
            step.finished_at = Some(now);
            step.exit_code = result.exit_code;
            step.error = result.error.clone();
        });
        let names: Vec<&String> = result.outputs.keys().collect();
        let data = json!({ "step": index, "status": status, "exit_code": result.exit_code, "error": result.error, "outputs": names });
        self.tell(types::STEP_FINISHED, Actor::system(), data);
        self.run.outputs.extend(result.outputs);
    }

    /// Appends an event about the run; `data` is extended with what says which run it is.
    pub fn tell(&mut self, kind: &str, actor: Actor, mut data: Value) {
        if let Some(step) = data["step"].as_u64().and_then(|index| self.steps.get(index as usize)) {
            data["name"] = json!(step.name);
        }
        self.events.push(run_event(&self.run, kind, data).actor(actor));
    }

    pub fn step(&mut self, index: u32, change: impl FnOnce(&mut Step)) {
        if let Some(step) = self.steps.iter_mut().find(|step| step.index == index) {
            change(step);
        }
    }

    fn ask(&mut self, index: u32, plan: &Plan, now: Timestamp) {
        let cell = plan.cell(index);
        let gate = cell.gate.clone().unwrap_or_default();
        let parameters = self.run.parameters.clone();
        let expires_at = now.checked_add(Duration::from_millis(gate.expires_after_ms)).ok();
        self.run.status = RunStatus::Waiting;
        self.run.deadline = None;
        self.step(index, |step| {
            step.status = StepStatus::Waiting;
            step.approval = Some(Approval {
                approvers: gate.approvers.clone(),
                needed: gate.needed.max(1),
                reason: gate.reason.clone(),
                expires_at,
                approved_by: Vec::new(),
                rejected_by: None,
                digest: digest(step, &cell, &parameters),
            });
        });
        let approvers: Vec<String> = gate.approvers.iter().map(ToString::to_string).collect();
        let data = json!({ "step": index, "approvers": approvers, "needed": gate.needed.max(1), "reason": gate.reason, "expires_at": expires_at });
        self.tell(types::RUN_WAITING, Actor::system(), data);
    }

    fn begin(&mut self, index: u32, plan: &Plan, now: Timestamp) {
        let first = self.run.started_at.is_none();
        self.run.status = RunStatus::Running;
        self.run.error = None;
        self.run.started_at.get_or_insert(now);
        self.run.deadline = self.deadline(plan, now);
        if first {
            self.tell(types::RUN_STARTED, Actor::system(), json!({}));
        }
        self.step(index, |step| {
            step.status = StepStatus::Running;
            step.attempt += 1;
            step.started_at = Some(now);
            step.finished_at = None;
            step.exit_code = None;
            step.error = None;
        });
        let attempt = self.steps.get(index as usize).map(|step| step.attempt);
        self.tell(types::STEP_STARTED, Actor::system(), json!({ "step": index, "attempt": attempt }));
    }

    /// Only the time in cells counts: a run that waited a day for its approval has its minutes left.
    fn deadline(&self, plan: &Plan, now: Timestamp) -> Option<Timestamp> {
        let spent: Duration = self
            .steps
            .iter()
            .filter(|step| !plan.cell(step.index).background)
            .filter_map(|step| Duration::try_from(step.finished_at?.duration_since(step.started_at?)).ok())
            .sum();
        let left = Duration::from_millis(plan.timeout_ms?).saturating_sub(spent);
        now.checked_add(left).ok()
    }

    fn interrupt(&mut self, index: u32, now: Timestamp) {
        let name = self.steps.get(index as usize).map(|step| step.name.clone()).unwrap_or_default();
        let reason = format!("the server stopped while the step {name:?} was under way");
        self.step(index, |step| {
            step.status = StepStatus::Interrupted;
            step.finished_at = Some(now);
            step.error = Some(reason.clone());
        });
        self.run.status = RunStatus::Interrupted;
        self.run.deadline = None;
        self.run.error = Some(format!("{reason}; resume, skip the step, or cancel"));
        self.tell(types::RUN_INTERRUPTED, Actor::system(), json!({ "step": index, "error": reason }));
    }

    fn finish(&mut self, outcome: &Outcome, now: Timestamp) {
        let (status, kind, reason, rest) = match outcome {
            Outcome::Succeeded => (RunStatus::Succeeded, types::RUN_SUCCEEDED, None, StepStatus::Succeeded),
            Outcome::Failed { reason } => (RunStatus::Failed, types::RUN_FAILED, Some(reason), StepStatus::Skipped),
            Outcome::Cancelled { reason } => (RunStatus::Cancelled, types::RUN_CANCELLED, Some(reason), StepStatus::Cancelled),
        };
        for step in &mut self.steps {
            match step.status {
                StepStatus::Pending | StepStatus::Waiting | StepStatus::Interrupted => step.status = rest,
                // Only background cells are still under way at the end of a run.
                StepStatus::Running => {
                    step.status = if rest == StepStatus::Succeeded { rest } else { StepStatus::Cancelled };
                    step.finished_at = Some(now);
                }
                _ => {}
            }
        }
        self.run.status = status;
        self.run.finished_at = Some(now);
        self.run.deadline = None;
        self.run.error = reason.cloned();
        let data = json!({ "error": reason, "outputs": self.run.outputs.keys().collect::<Vec<_>>() });
        self.tell(kind, Actor::system(), data);
    }
}

/// An event about a run. Its subject is the document's name, so that event rules can match on it.
pub fn run_event(run: &Run, kind: &str, mut data: Value) -> NewEvent {
    data["document"] = json!(run.document);
    data["title"] = json!(run.title);
    data["component"] = json!(run.component);
    data["initiator"] = json!(run.initiator);
    NewEvent::new(SOURCE, kind, data).subject(run.document.clone()).run(run.id.clone()).incident(run.incident)
}
