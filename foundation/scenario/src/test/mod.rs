//! A script played once, as a test: every scenario in its order, each step told.

mod junit;
mod recorder;
mod report;

use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::browser::{self, Browsers};
use crate::once;
use crate::program::{Journey, Program};
use crate::redact::Redactor;
use crate::user::Ended;
use recorder::Recorder;

pub use report::{Failure, ResponseBeginning, ScenarioReport, StepReport, TestReport};

#[derive(Debug, Clone, Default)]
pub struct TestOptions {
    /// Only this scenario.
    pub scenario: Option<String>,
    /// Whether every request asks for its trace to be recorded.
    pub traced: bool,
}

/// Plays all scenarios. A cancelled test is a failed one.
pub async fn play(program: &Program, cancel: CancellationToken) -> TestReport {
    play_with(program, &TestOptions::default(), cancel).await
}

pub async fn play_with(program: &Program, options: &TestOptions, cancel: CancellationToken) -> TestReport {
    let (program, options) = (Arc::new(program.clone()), options.clone());
    let mut report = TestReport::of(&program);
    let played = once::on_thread({
        let program = program.clone();
        move || async move { play_all(program, options, cancel).await }
    });
    match played.await {
        Some((scenarios, elapsed)) => {
            report.scenarios = scenarios;
            report.duration_ms = elapsed.as_secs_f64() * 1000.0;
        }
        None => report.scenarios.push(ScenarioReport::unplayed("the test's thread ended early")),
    }
    if report.scenarios.is_empty() {
        report.scenarios.push(ScenarioReport::unplayed("there is no such scenario"));
    }
    report
}

async fn play_all(
    program: Arc<Program>,
    options: TestOptions,
    cancel: CancellationToken,
) -> (Vec<ScenarioReport>, Duration) {
    let began = Instant::now();
    let mut scenarios = Vec::new();
    let mut redactor = Redactor::new(&program);
    let mut stage = Stage { program: &program, options: &options, cancel: &cancel, redactor: &mut redactor, browsers: Browsers::new(&program, true) };
    let mut found = Vec::new();
    if let Some(before) = &program.before {
        let (report, captured) = stage.play(before, "before", 0, &[]).await;
        found = captured;
        scenarios.push(report);
    }
    if scenarios.iter().all(ScenarioReport::passed) {
        let chosen = |journey: &&Journey| options.scenario.as_ref().is_none_or(|name| *name == journey.name);
        for (number, journey) in program.journeys.iter().filter(chosen).enumerate() {
            let (report, _) = stage.play(journey, &journey.name, number as u64, &found).await;
            scenarios.push(report);
        }
    }
    // What was set up is taken down, whatever happened.
    if let Some(after) = &program.after {
        let (report, _) = stage.play(after, "after", 0, &found).await;
        scenarios.push(report);
    }
    (scenarios, began.elapsed())
}

struct Stage<'a> {
    program: &'a Arc<Program>,
    options: &'a TestOptions,
    cancel: &'a CancellationToken,
    redactor: &'a mut Redactor,
    /// One for all journeys.
    browsers: Rc<Browsers>,
}

/// A journey without an end is looked at for this long.
const ENDLESS: Duration = Duration::from_secs(10);

impl Stage<'_> {
    /// The report, and what the journey has captured.
    async fn play(
        &mut self,
        journey: &Journey,
        name: &str,
        number: u64,
        found: &[(String, Value)],
    ) -> (ScenarioReport, Vec<(String, Value)>) {
        let recorder = Rc::new(Recorder::new(self.program.clone(), self.redactor.clone()));
        let strict = self.program.settings.expect.continue_on_failure != Some(true);
        let mut ground = once::ground(self.program, recorder.clone(), strict);
        ground.reads_all = true;
        ground.browsers = self.browsers.clone();
        ground.traced = if self.options.traced { 1.0 } else { 0.0 };
        let mut user = once::user(&ground, &self.program.base(found), number);
        let began = Instant::now();
        user.stops = journey.is_endless().then(|| began + ENDLESS);
        let walked = tokio::select! {
            walked = once::play(&ground, &mut user, journey) => walked.map_err(Some),
            () = self.cancel.cancelled() => Err(None),
        };
        let error = match &walked {
            Ok(()) | Err(Some(Ended::Stopped)) => None,
            Err(Some(ended)) => Some(ended.to_string()),
            Err(None) => Some("the test was cancelled".to_owned()),
        };
        let mut report = recorder.report(name, began.elapsed(), error);
        *self.redactor = recorder.redactor();
        report.attachments = browser::evidence(&user, !report.passed(), self.redactor);
        (report, once::found(&user))
    }
}
