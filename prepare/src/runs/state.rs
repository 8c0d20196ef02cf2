//! What a run does next. Decides only: no clock, disk or socket.

use std::collections::BTreeSet;

use kernel::Timestamp;
use ledger::{Run, Step, StepStatus};

use super::plan::{Plan, digest};

#[derive(Debug, Clone, PartialEq)]
pub enum Next {
    /// The run is over.
    Nothing,
    /// The step is not run with the others.
    Skip(u32),
    /// The step needs an approval that nobody has asked for yet.
    Ask(u32),
    /// People decide; look again when the run changes, or at this time.
    Wait { until: Option<Timestamp> },
    Begin(u32),
    /// The step was under way when its executor died, and may be begun again.
    Repeat(u32),
    /// The step was under way when its executor died; people must say how to go on.
    Interrupt(u32),
    Finish(Outcome),
}

#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    Succeeded,
    Failed { reason: String },
    Cancelled { reason: String },
}

/// `alive` holds the steps whose processes whoever asks is looking after.
pub fn next(run: &Run, steps: &[Step], plan: &Plan, alive: &BTreeSet<u32>, now: Timestamp) -> Next {
    if run.status.is_final() {
        return Next::Nothing;
    }
    if let Some(reason) = reason_to_cancel(run, steps, now) {
        return Next::Finish(Outcome::Cancelled { reason });
    }
    if let Some(failed) = steps.iter().find(|step| step.status == StepStatus::Failed) {
        return Next::Finish(Outcome::Failed { reason: failure(failed) });
    }
    if let Some(lost) = steps.iter().find(|step| step.status == StepStatus::Running && !alive.contains(&step.index)) {
        let cell = plan.cell(lost.index);
        return match cell.repeatable {
            true => Next::Repeat(lost.index),
            false if cell.ends_when_lost => Next::Finish(Outcome::Failed { reason: format!("the server stopped while {:?} was under way", lost.name) }),
            false => Next::Interrupt(lost.index),
        };
    }
    if steps.iter().any(|step| step.status == StepStatus::Interrupted) {
        return Next::Wait { until: run.deadline };
    }
    steps
        .iter()
        .find(|step| matches!(step.status, StepStatus::Pending | StepStatus::Waiting))
        .map_or(Next::Finish(Outcome::Succeeded), |step| next_of_step(run, step, plan))
}

fn next_of_step(run: &Run, step: &Step, plan: &Plan) -> Next {
    let cell = plan.cell(step.index);
    if cell.excluded {
        return Next::Skip(step.index);
    }
    if cell.gate.is_none() {
        return Next::Begin(step.index);
    }
    match &step.approval {
        None => Next::Ask(step.index),
        // An approval counts for what was shown, and for nothing else.
        Some(approval) if approval.digest != digest(step, &cell, &run.parameters) => Next::Ask(step.index),
        Some(approval) if approval.approved_by.len() >= approval.needed as usize => Next::Begin(step.index),
        Some(approval) => Next::Wait { until: approval.expires_at },
    }
}

fn reason_to_cancel(run: &Run, steps: &[Step], now: Timestamp) -> Option<String> {
    if run.cancel_requested {
        return Some(run.error.clone().unwrap_or_else(|| "cancelled".to_owned()));
    }
    if run.deadline.is_some_and(|deadline| deadline <= now) {
        return Some("the time that the runbook allows is over".to_owned());
    }
    let waiting = steps.iter().find(|step| step.status == StepStatus::Waiting)?;
    let approval = waiting.approval.as_ref()?;
    if let Some(actor) = &approval.rejected_by {
        return Some(format!("{actor} rejected the step {:?}", waiting.name));
    }
    let given = approval.approved_by.len() >= approval.needed as usize;
    (!given && approval.expires_at.is_some_and(|end| end <= now))
        .then(|| format!("nobody approved the step {:?} in time", waiting.name))
}

fn failure(step: &Step) -> String {
    match (&step.error, step.exit_code) {
        (Some(error), _) => format!("the step {:?} failed: {error}", step.name),
        (None, Some(code)) => format!("the step {:?} ended with exit code {code}", step.name),
        (None, None) => format!("the step {:?} failed", step.name),
    }
}

#[cfg(test)]
#[path = "tests/state.rs"]
mod tests;
