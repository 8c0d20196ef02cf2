//! Runs that took place elsewhere, in a CI job for example, and are kept with the others.

use std::collections::BTreeMap;

use kernel::{RunId, Timestamp};
use ledger::{Actor, Batch, OutputChunk, OutputKind, Run, RunKind, RunStatus, Step, StepStatus, types};
use serde_json::{Value, json};

use super::output::STEP_BYTES;
use super::change::run_event;
use super::{RunError, Runs};

/// What took place, in one step, as whoever played it tells it.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded {
    /// A scenario or an experiment.
    pub kind: RunKind,
    /// The document's name; it need not be among the documents here.
    pub document: String,
    pub title: String,
    pub document_digest: String,
    pub parameters: BTreeMap<String, String>,
    pub initiator: Actor,
    pub started_at: Timestamp,
    pub finished_at: Timestamp,
    /// Why it failed.
    pub error: Option<String>,
    pub outputs: BTreeMap<String, String>,
    /// For people.
    pub lines: Vec<String>,
    pub report: Value,
}

impl Runs {
    /// Keeps a run that is over. The ledger tells of it as of any other that ended.
    pub async fn record(&self, recorded: Recorded) -> Result<Run, RunError> {
        let id = RunId::random();
        self.ledger.commit(batch(recorded, &id)?).await?;
        Ok(self.ledger.run(&id).await?)
    }
}

fn batch(recorded: Recorded, id: &RunId) -> Result<Batch, RunError> {
    let language = match recorded.kind {
        RunKind::Scenario => "scenario",
        RunKind::Experiment => "experiment",
        RunKind::Runbook | RunKind::Playbook | RunKind::GameDay => return Err(RunError::NotRecordable),
    };
    if recorded.finished_at < recorded.started_at {
        return Err(RunError::EndsBeforeItBegins);
    }
    let (run_status, step_status, kind) = match recorded.error {
        None => (RunStatus::Succeeded, StepStatus::Succeeded, types::RUN_SUCCEEDED),
        Some(_) => (RunStatus::Failed, StepStatus::Failed, types::RUN_FAILED),
    };
    let (started_at, finished_at) = (Some(recorded.started_at), Some(recorded.finished_at));
    let lines = recorded.lines.iter().map(|line| format!("{line}\n")).collect::<String>();
    let report = recorded.report.to_string();
    if lines.len() + report.len() > STEP_BYTES {
        return Err(RunError::TooMuchOutput { limit: STEP_BYTES });
    }
    let step = Step {
        run: id.clone(),
        index: 0,
        name: recorded.title.clone(),
        language: language.to_owned(),
        source: String::new(),
        status: step_status,
        attempt: 1,
        started_at,
        finished_at,
        exit_code: None,
        error: recorded.error.clone(),
        approval: None,
    };
    let run = Run {
        id: id.clone(),
        kind: recorded.kind,
        document: recorded.document,
        title: recorded.title,
        document_digest: recorded.document_digest,
        status: run_status,
        initiator: recorded.initiator.clone(),
        incident: None,
        component: None,
        parameters: recorded.parameters,
        outputs: recorded.outputs,
        requested_at: recorded.started_at,
        started_at,
        finished_at,
        deadline: None,
        error: recorded.error,
        cancel_requested: false,
        revision: 0,
    };
    let event = run_event(&run, kind, json!({ "error": run.error, "recorded": true })).actor(recorded.initiator);
    let chunk = |sequence, kind, data| OutputChunk { run: id.clone(), step: 0, sequence, kind, time: recorded.finished_at, data };
    let told = [(OutputKind::Stdout, lines), (OutputKind::Report, report)].into_iter().filter(|(_, data)| !data.is_empty());
    let batch = Batch::new().run(run).step(step).event(event);
    Ok((0..).zip(told).fold(batch, |batch, (sequence, (kind, data))| batch.output(chunk(sequence, kind, data))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recorded(kind: RunKind) -> Recorded {
        Recorded {
            kind,
            document: "checkout".to_owned(),
            title: "Checkout".to_owned(),
            document_digest: String::new(),
            parameters: BTreeMap::new(),
            initiator: Actor::system(),
            started_at: Timestamp::UNIX_EPOCH,
            finished_at: Timestamp::UNIX_EPOCH,
            error: None,
            outputs: BTreeMap::new(),
            lines: vec!["fine".to_owned()],
            report: json!({ "report": "test" }),
        }
    }

    #[test]
    fn only_what_is_played_elsewhere_can_be_recorded() {
        assert!(batch(recorded(RunKind::Scenario), &RunId::random()).is_ok());
        assert!(matches!(batch(recorded(RunKind::Runbook), &RunId::random()), Err(RunError::NotRecordable)));
    }

    #[test]
    fn what_is_too_long_or_turned_round_is_refused() {
        let long = Recorded { lines: vec!["x".repeat(STEP_BYTES)], ..recorded(RunKind::Scenario) };
        assert!(matches!(batch(long, &RunId::random()), Err(RunError::TooMuchOutput { .. })));
        let turned = Recorded { started_at: Timestamp::from_second(1).unwrap_or_default(), ..recorded(RunKind::Scenario) };
        assert!(matches!(batch(turned, &RunId::random()), Err(RunError::EndsBeforeItBegins)));
    }
}
