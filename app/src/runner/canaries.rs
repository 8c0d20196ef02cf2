//! The canaries of this location: looked at from here, told to the server.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use documents::canary::Canary;
use kernel::Timestamp;
use kernel::task::{Pass, Task, TaskError};
use operate::canaries::{Looked, Post, Rounds};
use prepare::scenarios::{Setup, joined, test_report};
use reqwest::Method;
use scenario::CompileOptions;
use scenario::test::{self, TestOptions, TestReport};
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;
use wire::canaries::{LookReading, PlayedScenario, TellLook};
use wire::runners::{AskForRounds, RoundsAnswer};

use super::Runner;
use crate::client::ClientResult;
use crate::record;

const INTERVAL: Duration = Duration::from_secs(2);
/// Well before the server gives the rounds to another.
const ASK_AGAIN: Duration = Duration::from_secs(5);
const ASK_LIMIT: Duration = Duration::from_secs(5);
/// One that lasts longer is given up, as a server gives it up.
const SCENARIO_LIMIT: Duration = prepare::runs::DEFAULT_CELL_TIMEOUT;
/// A look is told within this, or it is left: the next one is due.
const TELL_LIMIT: Duration = Duration::from_secs(20);

pub struct RoundsTask {
    runner: Arc<Runner>,
    work: Mutex<Work>,
}

struct Work {
    rounds: Rounds,
    /// When the server said so last: of several runners at a location, one makes the rounds.
    yours: Option<Instant>,
}

impl RoundsTask {
    pub fn new(runner: &Arc<Runner>) -> Self {
        let post = Arc::new(Elsewhere { runner: runner.clone() });
        let rounds = Rounds::new(&runner.location, post, runner.clock.clone());
        Self { runner: runner.clone(), work: Mutex::new(Work { rounds, yours: None }) }
    }

    /// A server that cannot be asked could not be told either.
    async fn ask(&self) -> ClientResult<bool> {
        let asked = AskForRounds { runner: self.runner.id.clone(), location: self.runner.location.clone(), version: env!("CARGO_PKG_VERSION").to_owned() };
        let answer = self.runner.client.post::<RoundsAnswer>("api/runners/rounds", &asked);
        match tokio::time::timeout(ASK_LIMIT, answer).await {
            Ok(answer) => Ok(answer?.yours),
            Err(_) => Ok(false),
        }
    }
}

#[async_trait]
impl Task for RoundsTask {
    fn name(&self) -> &'static str {
        "canaries"
    }

    fn interval(&self) -> Duration {
        INTERVAL
    }

    async fn pass(&self) -> Result<Pass, TaskError> {
        let loaded = self.runner.documents.borrow().clone();
        let mut work = self.work.lock().await;
        if work.yours.is_none_or(|said| said.elapsed() >= ASK_AGAIN) {
            let now = Instant::now();
            work.yours = self.ask().await.unwrap_or(false).then_some(now);
        }
        if work.yours.is_none() {
            work.rounds.rest();
            return Ok(Pass { summary: "another runner makes the rounds here, or the server is not there".to_owned(), next: None });
        }
        let turn = work.rounds.turn(&loaded, self.runner.clock.now());
        Ok(Pass { summary: format!("{} begun, {} under way", turn.begun, turn.under_way), next: turn.next })
    }
}

/// Tells the server what was seen from here.
struct Elsewhere {
    runner: Arc<Runner>,
}

#[async_trait]
impl Post for Elsewhere {
    async fn seen(&self, canary: &Canary, looked: Looked) {
        self.tell(canary, looked, None).await;
    }

    async fn due(&self, canary: &Canary, script: &str, environment: Option<&str>, _slot: Timestamp) {
        let began = Instant::now();
        let (failure, played) = match self.play(script, environment).await {
            Ok((digest, report)) => {
                let (told, attached) = test_report(&report, true);
                (report.failure(), Some(PlayedScenario { digest, lines: report.lines(), report: told, attachments: record::sent(attached) }))
            }
            Err(reason) => (Some(reason), None),
        };
        self.tell(canary, Looked { failure, took: began.elapsed(), readings: Vec::new() }, played).await;
    }
}

impl Elsewhere {
    async fn play(&self, script: &str, environment: Option<&str>) -> Result<(String, TestReport), String> {
        let loaded = self.runner.documents.borrow().clone();
        let script = loaded.graph.scripts.get(script).ok_or_else(|| format!("the runner's documents have no scenario {script:?}"))?;
        let options = CompileOptions { environment: environment.map(str::to_owned), ..CompileOptions::default() };
        let program = Setup::below(&self.runner.root, script, options).compile().map_err(|errors| joined(&errors))?;
        let options = TestOptions { traced: true, ..TestOptions::default() };
        let late = CancellationToken::new();
        let mut playing = std::pin::pin!(test::play_with(&program, &options, late.clone()));
        let report = tokio::select! {
            report = &mut playing => report,
            () = tokio::time::sleep(SCENARIO_LIMIT) => {
                late.cancel();
                playing.await
            }
        };
        Ok((script.digest.clone(), report))
    }

    async fn tell(&self, canary: &Canary, looked: Looked, played: Option<PlayedScenario>) {
        let readings = looked.readings.into_iter().map(|reading| LookReading {
            name: reading.name.into_owned(),
            labels: reading.labels.into_iter().map(|(label, value)| (label.into_owned(), value)).collect::<BTreeMap<_, _>>(),
            value: reading.value,
        });
        let look = TellLook {
            location: self.runner.location.clone(),
            error: looked.failure,
            duration_s: looked.took.as_secs_f64(),
            readings: readings.collect(),
            played,
        };
        let path = format!("api/canaries/{}/looks", canary.name);
        let body = serde_json::to_vec(&look).unwrap_or_default();
        let telling = self.runner.client.send_bytes(Method::POST, &path, &[], body);
        match tokio::time::timeout(TELL_LIMIT, telling).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(canary = canary.name, %error, "the server was not told what a canary saw"),
            Err(_) => tracing::warn!(canary = canary.name, "the server was not told in time what a canary saw"),
        }
    }
}
