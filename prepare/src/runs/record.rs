//! Runs that took place elsewhere, in a CI job for example, and are kept with the others.

use std::collections::BTreeMap;

use base64::Engine;
use kernel::{RunId, Timestamp};
use ledger::{Actor, Batch, OutputChunk, OutputKind, Run, RunAttachment, RunKind, RunStatus, Step, StepStatus, types};
use serde_json::{Value, json};

use super::output::STEP_BYTES;
use super::change::run_event;
use super::{RunError, Runs};

/// Of one run.
pub const ATTACHMENTS_MAX: usize = 10;
/// Of all attachments of one run, as they are.
pub const ATTACHMENTS_BYTES_MAX: usize = 8 << 20;

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
    pub attachments: Vec<Attached>,
}

/// A file that a run leaves behind, before the run is known.
#[derive(Debug, Clone, PartialEq)]
pub struct Attached {
    /// As the report tells it.
    pub number: i64,
    pub name: String,
    pub media_type: String,
    /// In Base64.
    pub data: String,
}

impl Attached {
    pub fn of(self, run: &RunId) -> RunAttachment {
        let Self { number, name, media_type, data } = self;
        RunAttachment { run: run.clone(), number, name, media_type, data }
    }
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
        RunKind::Runbook | RunKind::Playbook | RunKind::GameDay | RunKind::Deployment => return Err(RunError::NotRecordable),
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
    check(&recorded.attachments)?;
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
    let batch = recorded.attachments.into_iter().fold(batch, |batch, attached| batch.attachment(attached.of(id)));
    Ok((0..).zip(told).fold(batch, |batch, (sequence, (kind, data))| batch.output(chunk(sequence, kind, data))))
}

/// How much of one is too much, the ledger says.
fn check(attachments: &[Attached]) -> Result<(), RunError> {
    if attachments.len() > ATTACHMENTS_MAX {
        return Err(RunError::TooManyAttachments { limit: ATTACHMENTS_MAX });
    }
    let mut bytes = 0;
    for (at, attached) in attachments.iter().enumerate() {
        let twice = attachments[..at].iter().any(|other| other.number == attached.number);
        let fits = (0..ATTACHMENTS_MAX as i64).contains(&attached.number) && attached.name.len() <= NAME_BYTES_MAX && attached.media_type.len() <= NAME_BYTES_MAX;
        let data = base64::engine::general_purpose::STANDARD.decode(&attached.data);
        match data {
            Ok(data) if fits && !twice => bytes += data.len(),
            _ => return Err(RunError::UnusableAttachment { number: attached.number }),
        }
    }
    match bytes > ATTACHMENTS_BYTES_MAX {
        true => Err(RunError::TooLargeAttachments { limit: ATTACHMENTS_BYTES_MAX }),
        false => Ok(()),
    }
}

const NAME_BYTES_MAX: usize = 200;

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
            attachments: Vec::new(),
        }
    }

    #[test]
    fn only_what_is_played_elsewhere_can_be_recorded() {
        assert!(batch(recorded(RunKind::Scenario), &RunId::random()).is_ok());
        assert!(matches!(batch(recorded(RunKind::Runbook), &RunId::random()), Err(RunError::NotRecordable)));
    }

    fn picture(number: i64, data: &str) -> Attached {
        Attached { number, name: "failed.png".to_owned(), media_type: "image/png".to_owned(), data: data.to_owned() }
    }

    #[test]
    fn so_many_attachments_are_taken_and_each_is_one() {
        let with = |attachments| batch(Recorded { attachments, ..recorded(RunKind::Scenario) }, &RunId::random()).err();
        assert!(with((0..10).map(|number| picture(number, "aGk=")).collect()).is_none());
        assert!(matches!(with((0..11).map(|number| picture(number, "aGk=")).collect()), Some(RunError::TooManyAttachments { .. })));
        let large = "A".repeat(ATTACHMENTS_BYTES_MAX / 3 * 2);
        let large = (0..3).map(|number| picture(number, &large)).collect();
        assert!(matches!(with(large), Some(RunError::TooLargeAttachments { .. })));
        for unusable in [vec![picture(10, "aGk=")], vec![picture(-1, "aGk=")], vec![picture(0, "!")], vec![picture(1, "aGk="), picture(1, "aGk=")]] {
            assert!(matches!(with(unusable), Some(RunError::UnusableAttachment { .. })));
        }
    }

    #[test]
    fn what_is_too_long_or_turned_round_is_refused() {
        let long = Recorded { lines: vec!["x".repeat(STEP_BYTES)], ..recorded(RunKind::Scenario) };
        assert!(matches!(batch(long, &RunId::random()), Err(RunError::TooMuchOutput { .. })));
        let turned = Recorded { started_at: Timestamp::from_second(1).unwrap_or_default(), ..recorded(RunKind::Scenario) };
        assert!(matches!(batch(turned, &RunId::random()), Err(RunError::EndsBeforeItBegins)));
    }
}
