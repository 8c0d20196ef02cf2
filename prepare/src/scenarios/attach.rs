//! Pictures and records of a browser's journeys, kept with their run.

use base64::Engine;
use ledger::RunAttachment;
use scenario::Attachment;
use scenario::test::TestReport;
use serde_json::{Value, json};

use crate::runs::Play;

/// Of one run.
const ATTACHMENTS_MAX: usize = 10;
const BYTES_MAX: usize = 8 << 20;

/// Keeps what a test leaves behind, and returns for each of its scenarios what there is of it.
pub(super) async fn keep(play: &Play, report: &TestReport) -> Vec<Value> {
    let mut number = 0;
    let mut told = Vec::new();
    for attachments in chosen(report, play.run.is_routine()) {
        let mut kept = Vec::new();
        for attachment in attachments {
            let (name, media_type) = (attachment.name.clone(), attachment.media_type.to_owned());
            kept.push(json!({ "number": number, "name": name, "media_type": media_type, "size_bytes": attachment.bytes.len() }));
            let data = base64::engine::general_purpose::STANDARD.encode(&attachment.bytes);
            play.reporter.attach(RunAttachment { run: play.run.id.clone(), number, name, media_type, data }).await;
            number += 1;
        }
        told.push(Value::from(kept));
    }
    told
}

/// What is kept, by scenario. Of a canary's runs, which are many, only what tells of a failure.
fn chosen(report: &TestReport, routine: bool) -> Vec<Vec<&Attachment>> {
    let (mut count, mut bytes) = (0, 0);
    let mut fits = |attachment: &&Attachment| {
        let fits = count < ATTACHMENTS_MAX && bytes + attachment.bytes.len() <= BYTES_MAX;
        count += usize::from(fits);
        bytes += if fits { attachment.bytes.len() } else { 0 };
        fits
    };
    let scenarios = report.scenarios.iter();
    scenarios
        .map(|scenario| {
            let wanted = !routine || !scenario.passed();
            scenario.attachments.iter().filter(|_| wanted).filter(&mut fits).collect()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use scenario::test::ScenarioReport;

    use super::*;

    fn scenario(error: Option<&str>, sizes: &[usize]) -> ScenarioReport {
        let picture = |size: &usize| Attachment { name: "failed.png".to_owned(), media_type: "image/png", bytes: vec![0; *size] };
        ScenarioReport {
            error: error.map(str::to_owned),
            attachments: sizes.iter().map(picture).collect(),
            ..ScenarioReport::default()
        }
    }

    fn counts(scenarios: Vec<ScenarioReport>, routine: bool) -> Vec<usize> {
        let report = TestReport {
            name: "shop".to_owned(),
            environment: None,
            test_id: "t1".to_owned(),
            target: None,
            duration_ms: 1.0,
            scenarios,
        };
        chosen(&report, routine).iter().map(Vec::len).collect()
    }

    #[test]
    fn a_canary_keeps_what_tells_of_a_failure() {
        let played = || vec![scenario(None, &[1]), scenario(Some("no #buy"), &[1, 1])];
        assert_eq!(counts(played(), true), [0, 2]);
        assert_eq!(counts(played(), false), [1, 2]);
    }

    #[test]
    fn a_run_keeps_so_many_and_so_much() {
        assert_eq!(counts(vec![scenario(Some("x"), &[1; 8]), scenario(Some("x"), &[1; 8])], true), [8, 2]);
        assert_eq!(counts(vec![scenario(Some("x"), &[5 << 20, 4 << 20, 1])], true), [2]);
    }
}
