//! Pictures and records of a browser's journeys, kept with their run.

use base64::Engine;
use ledger::limits::ATTACHMENT_BYTES_MAX;
use scenario::Attachment;
use scenario::test::TestReport;
use serde_json::{Value, json};

use crate::runs::{ATTACHMENTS_BYTES_MAX, ATTACHMENTS_MAX, Attached, Play};

/// Keeps what a test leaves behind. Returns the report that tells of it.
pub(super) async fn keep(play: &Play, report: &TestReport) -> Value {
    let (told, attached) = test_report(report, play.run.is_routine());
    for attached in attached {
        play.reporter.attach(attached.of(&play.run.id)).await;
    }
    told
}

/// A test's report as runs have it, with the attachments of each scenario, and these. `routine` are the runs of a
/// canary.
pub fn test_report(report: &TestReport, routine: bool) -> (Value, Vec<Attached>) {
    let mut told = json!(report);
    told["report"] = json!("test");
    let mut all: Vec<Attached> = Vec::new();
    for (at, attachments) in chosen(report, routine).into_iter().enumerate() {
        let mut kept = Vec::new();
        for attachment in attachments {
            let (number, name, media_type) = (all.len() as i64, attachment.name.clone(), attachment.media_type.to_owned());
            kept.push(json!({ "number": number, "name": name, "media_type": media_type, "size_bytes": attachment.bytes.len() }));
            let data = base64::engine::general_purpose::STANDARD.encode(&attachment.bytes);
            all.push(Attached { number, name, media_type, data });
        }
        told["scenarios"][at]["attachments"] = kept.into();
    }
    (told, all)
}

/// What is kept, by scenario. Of a canary's runs, which are many, only what tells of a failure.
fn chosen(report: &TestReport, routine: bool) -> Vec<Vec<&Attachment>> {
    let (mut count, mut bytes) = (0, 0);
    let mut fits = |attachment: &&Attachment| {
        let size = attachment.bytes.len();
        let fits = count < ATTACHMENTS_MAX && size <= ATTACHMENT_BYTES_MAX && bytes + size <= ATTACHMENTS_BYTES_MAX;
        count += usize::from(fits);
        bytes += if fits { size } else { 0 };
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

    fn report(scenarios: Vec<ScenarioReport>) -> TestReport {
        TestReport {
            name: "shop".to_owned(),
            environment: None,
            test_id: "t1".to_owned(),
            target: None,
            duration_ms: 1.0,
            scenarios,
        }
    }

    fn counts(scenarios: Vec<ScenarioReport>, routine: bool) -> Vec<usize> {
        chosen(&report(scenarios), routine).iter().map(Vec::len).collect()
    }

    #[test]
    fn the_report_tells_each_by_its_number() {
        let (told, attached) = test_report(&report(vec![scenario(None, &[1]), scenario(Some("no #buy"), &[1, 2])]), false);
        let numbers: Vec<_> = attached.iter().map(|attached| attached.number).collect();
        assert_eq!(numbers, [0, 1, 2]);
        assert_eq!(told["scenarios"][0]["attachments"][0]["number"], 0);
        assert_eq!(told["scenarios"][1]["attachments"][1]["size_bytes"], 2);
        assert_eq!(told["report"], "test");
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
        assert_eq!(counts(vec![scenario(Some("x"), &[5 << 20, 3 << 20, 3 << 20, 3 << 20, 1])], true), [3]);
    }
}
