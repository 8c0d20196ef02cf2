//! Plays the scenario of a run and tells how it goes: to the run's page, and to the lake as metrics.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use kernel::SharedClock;
use scenario::load::{self, LoadError, LoadOptions, Report};
use scenario::test::{self, TestOptions};
use scenario::{CompileOptions, Program};
use serde_json::json;
use telemetry::{MetricSource, SignalSink};

use super::attach;
use super::live::Live;
use super::setup::{Setup, joined};
use crate::runs::playable::{MODE, MODE_LOAD};
use crate::runs::{Play, Played, Player};

/// Where the figures and the spans of a load go.
#[derive(Clone)]
pub struct Telemetry {
    pub metrics: Arc<dyn MetricSource>,
    pub signals: Arc<dyn SignalSink>,
}

/// Users a second whose requests' traces are recorded: enough to look into, too few to weigh on the services.
pub const TRACED_RATE: f64 = 20.0;

pub struct ScenarioPlayer {
    pub telemetry: Telemetry,
    pub clock: SharedClock,
    /// Of the documents; a script's files lie beside it.
    pub root: PathBuf,
    /// What scripts find in their environment besides the server's own.
    pub environment: BTreeMap<String, String>,
}

#[async_trait]
impl Player for ScenarioPlayer {
    async fn play(&self, play: Play) -> Played {
        let program = match self.setup(&play).and_then(|setup| setup.compile().map_err(|errors| joined(&errors))) {
            Ok(program) => program,
            Err(reason) => return Played::failed(reason),
        };
        match play.run.parameters.get(MODE).map(String::as_str) {
            Some(MODE_LOAD) => self.load(&play, program).await,
            _ => once(&play, &program).await,
        }
    }
}

impl ScenarioPlayer {
    /// What the run asks to be played.
    pub fn setup(&self, play: &Play) -> Result<Setup, String> {
        let script = play.loaded.graph.scripts.get(&play.run.document).ok_or("the scenario is no longer among the documents")?;
        if script.digest != play.run.document_digest {
            return Err("the scenario was changed after the run was requested; request it again".to_owned());
        }
        let given = |name: &str| play.run.parameters.get(name).filter(|value| !value.is_empty()).cloned();
        let file = self.root.join(&script.origin.path);
        let options = CompileOptions {
            folder: file.parent().unwrap_or(&self.root).to_owned(),
            environment: given("environment"),
            target: given("target"),
            process: self.environment.clone(),
            ..CompileOptions::default()
        };
        Ok(Setup { script: script.clone(), options })
    }

    async fn load(&self, play: &Play, program: Program) -> Played {
        let program = Arc::new(program);
        let options = LoadOptions { traced: (TRACED_RATE / program.peak_rate()).min(1.0), ..LoadOptions::default() };
        let late_after = options.late_after;
        let (live, slowest, telling) = Live::new(play, &program, self.telemetry.clone(), self.clock.clone());
        let playing = async {
            let outcome = load::run(program.clone(), options, Arc::new(live), play.ending.clone()).await;
            outcome.map(|outcome| Report::new(&program, &outcome, late_after))
        };
        let (report, ()) = tokio::join!(playing, telling);
        let report = match report {
            Ok(report) => report,
            Err(LoadError::NoPhases) => return Played::failed("the script has no phases; run it as a test, or write config.phases"),
            Err(error) => return Played::failed(error),
        };
        let mut told = json!(report);
        told["report"] = json!("load");
        told["finished"] = json!(true);
        told["slowest"] = json!(*slowest.lock());
        play.reporter.report(&told).await;
        let outputs = [
            ("requests", report.requests.to_string()),
            ("p95_ms", format!("{:.1}", report.latency_ms.last_byte.p95)),
            ("delivered_rate", format!("{:.1}", report.delivered_rate)),
        ];
        Played { outputs: outputs.map(|(name, value)| (name.to_owned(), value)).into(), error: report.failure() }
    }
}

async fn once(play: &Play, program: &Program) -> Played {
    let options = TestOptions { traced: true, ..TestOptions::default() };
    let report = test::play_with(program, &options, play.ending.clone()).await;
    let mut told = json!(report);
    told["report"] = json!("test");
    for (at, kept) in attach::keep(play, &report).await.into_iter().enumerate() {
        told["scenarios"][at]["attachments"] = kept;
    }
    play.reporter.report(&told).await;
    for line in report.lines() {
        play.reporter.line(line).await;
    }
    Played { error: report.failure(), ..Played::default() }
}
