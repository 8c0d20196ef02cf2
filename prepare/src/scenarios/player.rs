//! Plays the scenario of a run and tells how it goes: to the run's page, and to the lake as metrics.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use kernel::SharedClock;
use scenario::load::{self, LoadOptions, Outcome, Report};
use scenario::test::{self, TestOptions};
use scenario::{CompileOptions, Program};
use serde_json::json;
use telemetry::{MetricSource, SignalSink};

use super::attach;
use super::live::{Live, Slow};
use super::setup::{Setup, joined};
use super::shared::{self, Shared};
use crate::runners::{Offer, Runners, WORKERS_MAX};
use crate::runs::playable::{MODE, MODE_LOAD, WORKERS};
use crate::runs::{Play, Played, Player, asking};
use crate::values::ValueSource;

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
    /// Whoever shares a load.
    pub runners: Runners,
    /// What `{{resolve:…}}` in a script's variables stands for.
    pub values: Arc<dyn ValueSource>,
}

#[async_trait]
impl Player for ScenarioPlayer {
    async fn play(&self, play: Play) -> Played {
        let given = |name: &str| play.run.parameters.get(name).filter(|value| !value.is_empty()).map(String::as_str);
        let workers = match given(WORKERS).map_or(Ok(1), str::parse::<u64>) {
            Ok(workers) if (1..=WORKERS_MAX).contains(&workers) => workers,
            _ => return Played::failed(format!("the parameter {WORKERS:?} is a number of runners from 1 to {WORKERS_MAX}")),
        };
        let setup = match self.setup(&play).await {
            Ok(setup) => setup,
            Err(reason) => return Played::failed(reason),
        };
        let program = match setup.compile().map_err(|errors| joined(&errors)) {
            Ok(program) => Arc::new(program),
            Err(reason) => return Played::failed(reason),
        };
        match (given(MODE), workers) {
            (Some(MODE_LOAD), _) if program.phases.is_empty() => {
                Played::failed("the script has no phases; run it as a test, or write config.phases")
            }
            (Some(MODE_LOAD), 1) => self.load(&play, &program).await,
            (Some(MODE_LOAD), _) if !setup.options.secrets.is_empty() => {
                Played::failed("runners elsewhere are not given secrets; play the load by the server alone (workers=1)")
            }
            (Some(MODE_LOAD), of) => self.shared_load(&play, &program, of).await,
            (_, 1) => once(&play, &program).await,
            _ => Played::failed("a test is played by one; several runners share a load (mode=load)"),
        }
    }
}

impl ScenarioPlayer {
    /// What the run asks to be played, with its values; what is secret of them is hidden from then on.
    pub async fn setup(&self, play: &Play) -> Result<Setup, String> {
        let script = play.loaded.graph.scripts.get(&play.run.document).ok_or("the scenario is no longer among the documents")?;
        if script.digest != play.run.document_digest {
            return Err("the scenario was changed after the run was requested; request it again".to_owned());
        }
        let given = |name: &str| play.run.parameters.get(name).filter(|value| !value.is_empty()).cloned();
        let options = CompileOptions {
            environment: given("environment"),
            target: given("target"),
            process: self.environment.clone(),
            ..CompileOptions::default()
        };
        let mut setup = Setup::below(&self.root, script, options);
        let secrets = setup.fill(&*self.values, &asking(&play.run, "a variable")).await.map_err(|error| error.to_string())?;
        secrets.iter().for_each(|secret| play.reporter.hide(secret));
        Ok(setup)
    }

    async fn load(&self, play: &Play, program: &Arc<Program>) -> Played {
        let options = LoadOptions { traced: traced(program), ..LoadOptions::default() };
        let (live, slowest, telling) = Live::new(play, program, self.telemetry.clone(), self.clock.clone());
        let playing = load::run(program.clone(), options, Arc::new(live), play.ending.clone());
        let (outcome, ()) = tokio::join!(playing, telling);
        let slowest = slowest.lock().clone();
        match outcome {
            Ok(outcome) => conclude(play, program, &outcome, &slowest, None).await,
            Err(error) => Played::failed(error),
        }
    }

    async fn shared_load(&self, play: &Play, program: &Arc<Program>, of: u64) -> Played {
        let given = |name: &str| play.run.parameters.get(name).filter(|value| !value.is_empty()).cloned();
        let offer = Offer {
            run: play.run.id.clone(),
            document: play.run.document.clone(),
            digest: program.digest.clone(),
            environment: given("environment"),
            target: given("target"),
            seed: program.seed,
            test_id: program.test_id.clone(),
            of,
            traced: traced(program),
        };
        play.reporter.line(format!("waiting for {of} runners")).await;
        let (live, _, telling) = Live::new(play, program, self.telemetry.clone(), self.clock.clone());
        let playing = shared::play(&self.runners, offer, program, Arc::new(live), &play.ending);
        let (shared, ()) = tokio::join!(playing, telling);
        match shared {
            Ok(shared) => conclude(play, program, &shared.outcome, &shared.slowest, Some(&shared)).await,
            Err(reason) => Played::failed(reason),
        }
    }
}

fn traced(program: &Program) -> f64 {
    (TRACED_RATE / program.peak_rate()).min(1.0)
}

/// The last report of a load, and what its run came to.
async fn conclude(play: &Play, program: &Program, outcome: &Outcome, slowest: &[Slow], shared: Option<&Shared>) -> Played {
    let report = Report::new(program, outcome, LoadOptions::default().late_after);
    let mut told = json!(report);
    told["report"] = json!("load");
    told["finished"] = json!(true);
    told["slowest"] = json!(slowest);
    if let Some(shared) = shared {
        told["shares"] = json!(shared.shares);
        if shared.without_seconds {
            play.reporter.line("the seconds of this load were too long to be handed in by its runners; the totals are whole").await;
        }
    }
    play.reporter.report(&told).await;
    let outputs = [
        ("requests", report.requests.to_string()),
        ("p95_ms", format!("{:.1}", report.latency_ms.last_byte.p95)),
        ("delivered_rate", format!("{:.1}", report.delivered_rate)),
    ];
    let broken = shared.and_then(|shared| shared.broken.as_ref());
    let broken = broken.map(|reason| format!("{reason}; the others were stopped: {} of {} users came", report.delivered_count, report.asked_count));
    Played { outputs: outputs.map(|(name, value)| (name.to_owned(), value)).into(), error: broken.or_else(|| report.failure()) }
}

async fn once(play: &Play, program: &Program) -> Played {
    let options = TestOptions { traced: true, ..TestOptions::default() };
    let report = test::play_with(program, &options, play.ending.clone()).await;
    let told = attach::keep(play, &report).await;
    play.reporter.report(&told).await;
    for line in report.lines() {
        play.reporter.line(line).await;
    }
    Played { error: report.failure(), ..Played::default() }
}
