//! One share of a load: prepared, begun with the others, told of every second, and handed in.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use prepare::runners::{Ended, OUTCOME_BYTES_MAX};
use prepare::scenarios::{Setup, Slow, joined, slowest_of, span_export};
use reqwest::{Method, StatusCode};
use scenario::load::{self, LoadError, Finished, LoadOptions, Observer, Outcome, Share, Snapshot};
use scenario::{CompileOptions, Program};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use wire::runners::{OfferedShare, ShareAnswer, TellShare};

use super::Runner;
use super::clock::ServerClock;
use crate::client::{ClientError, ClientResult};

/// While nothing is heard of the start.
const TELL_WAITING: Duration = Duration::from_millis(200);
const TELL_PLAYING: Duration = Duration::from_secs(1);
/// So that reading the answer and the last word fit within a lease.
const HAND_IN_AGAIN: Duration = Duration::from_millis(200);
const LAST_WORD_LIMIT: Duration = Duration::from_secs(10);
/// Traced requests that wait for the next word, and as many whose spans the server has not taken yet.
const FINISHED_MAX: usize = 1000;
/// Much less than a lease: spans must not cost the share. What was not taken is sent again with the next word.
const SPANS_LIMIT: Duration = Duration::from_secs(1);
/// A long result on a slow line.
const HAND_IN_LIMIT: Duration = Duration::from_secs(120);

pub async fn play(runner: &Runner, offered: OfferedShare, stop: &CancellationToken) {
    let run = offered.run.clone();
    tracing::info!(%run, scenario = offered.document, share = offered.share + 1, of = offered.of, "took a share");
    let held = Held::new(runner, &offered);
    let ended = match prepare(runner, &offered) {
        Err(reason) => Ended::Refused(reason),
        Ok(program) => match held.play(program, stop).await {
            Some(ended) => ended,
            None => {
                tracing::warn!(%run, share = offered.share + 1, "the share is no longer held; what was measured is left");
                return;
            }
        },
    };
    match &ended {
        Ended::Played(_) => tracing::info!(%run, "played"),
        Ended::Failed(reason) => tracing::warn!(%run, reason, "the share failed"),
        Ended::Refused(reason) => tracing::warn!(%run, reason, "refused the share"),
    }
    held.hand_in(ended).await;
}

/// The same script as the server's, from this checkout.
fn prepare(runner: &Runner, offered: &OfferedShare) -> Result<Program, String> {
    let loaded = runner.documents.borrow().clone();
    let name = &offered.document;
    let script = loaded.graph.scripts.get(name).ok_or_else(|| format!("its documents have no scenario {name:?}; bring its checkout up to date"))?;
    if script.digest != offered.digest {
        return Err(format!("its {} is not the server's; bring its checkout up to date", script.origin.path));
    }
    let options = CompileOptions {
        environment: offered.environment.clone(),
        target: offered.target.clone(),
        seed: Some(offered.seed),
        test_id: Some(offered.test_id.clone()),
        ..CompileOptions::default()
    };
    Setup::below(&runner.root, script, options).compile().map_err(|errors| joined(&errors))
}

/// A share under its lease.
struct Held<'a> {
    runner: &'a Runner,
    offered: &'a OfferedShare,
    lease: Duration,
    clock: ServerClock,
    news: Arc<News>,
    /// Traced requests whose spans the server has not taken.
    unsent: Mutex<Vec<Finished>>,
    ready: watch::Sender<bool>,
    start: watch::Sender<Option<Instant>>,
    /// The server wants what there is.
    wanted: CancellationToken,
}

/// What has happened since the server was told last.
#[derive(Default)]
struct News {
    snapshot: Mutex<Option<Snapshot>>,
    finished: Mutex<Vec<Finished>>,
}

impl Observer for News {
    fn snapshot(&self, snapshot: &Snapshot) {
        *self.snapshot.lock() = Some(snapshot.clone());
    }

    fn finished(&self, requests: &[Finished]) {
        extend(&mut self.finished.lock(), requests);
    }
}

impl<'a> Held<'a> {
    fn new(runner: &'a Runner, offered: &'a OfferedShare) -> Self {
        Self {
            runner,
            offered,
            lease: Duration::from_millis(offered.lease_ms),
            clock: ServerClock::default(),
            news: Arc::default(),
            unsent: Mutex::default(),
            ready: watch::Sender::new(false),
            start: watch::Sender::new(None),
            wanted: CancellationToken::new(),
        }
    }

    /// None if the share was lost meanwhile.
    async fn play(&self, program: Program, stop: &CancellationToken) -> Option<Ended> {
        let cancel = self.wanted.child_token();
        let share = Share { index: self.offered.share, of: self.offered.of };
        let options = LoadOptions { traced: self.offered.traced, share, ..LoadOptions::default() };
        let start = async {
            self.ready.send_replace(true);
            let mut start = self.start.subscribe();
            tokio::select! {
                start = start.wait_for(Option::is_some) => start.ok().and_then(|start| *start),
                () = cancel.cancelled() => None,
            }
        };
        let mut playing = std::pin::pin!(load::run_from(Arc::new(program), options, self.news.clone(), cancel.clone(), start));
        tokio::select! {
            outcome = &mut playing => Some(ended(outcome)),
            () = self.keep() => {
                cancel.cancel();
                // Users under way end before the next share begins.
                let _ = playing.await;
                None
            }
            () = stop.cancelled() => {
                cancel.cancel();
                let _ = playing.await;
                Some(Ended::Failed("its runner was stopped".to_owned()))
            }
        }
    }

    /// Tells how it goes, and returns when the share is lost.
    async fn keep(&self) {
        let mut renewed = Instant::now();
        loop {
            let asked = Instant::now();
            let left = self.lease.saturating_sub(renewed.elapsed());
            match tokio::time::timeout(left, self.tell()).await {
                Ok(Ok(answer)) => {
                    renewed = asked;
                    self.clock.measure(asked, Instant::now(), answer.now);
                    self.hear(&answer);
                }
                Ok(Err(ClientError::Refused { status: StatusCode::CONFLICT, .. })) | Err(_) => return,
                Ok(Err(error)) => {
                    tracing::warn!(%error, "the server could not be told of a share");
                    if renewed.elapsed() >= self.lease {
                        return;
                    }
                }
            }
            let playing = self.start.borrow().is_some() && asked == renewed;
            tokio::time::sleep(if playing { TELL_PLAYING } else { TELL_WAITING }).await;
        }
    }

    async fn tell(&self) -> ClientResult<ShareAnswer> {
        let snapshot = self.news.snapshot.lock().as_ref().and_then(|snapshot| serde_json::to_value(snapshot).ok());
        let finished = std::mem::take(&mut *self.news.finished.lock());
        let mut slowest = finished.iter().map(Slow::of).collect();
        slowest_of(&mut slowest);
        extend(&mut self.unsent.lock(), &finished);
        let slowest = slowest.iter().filter_map(|slow| serde_json::to_value(slow).ok()).collect();
        let told = TellShare { runner: self.runner.id.clone(), token: self.offered.token, ready: *self.ready.borrow(), snapshot, slowest };
        let answer = self.runner.client.post(&self.path(""), &told).await?;
        if tokio::time::timeout(SPANS_LIMIT, self.send_spans()).await.is_err() {
            tracing::warn!("the spans of a share were not taken in time");
        }
        Ok(answer)
    }

    /// Spans that find no room are left: the figures do not depend on them.
    async fn send_spans(&self) {
        let finished = self.unsent.lock().clone();
        let now = Instant::now();
        let Some(anchor) = self.clock.time_at(now).filter(|_| !finished.is_empty()) else { return };
        let spans = span_export(&self.offered.document, &finished, (now, anchor)).payload.to_vec();
        match self.runner.client.send_bytes(Method::POST, &self.path("/spans"), &self.held_by(), spans).await {
            Ok(()) => self.unsent.lock().clear(),
            Err(error) => {
                tracing::warn!(%error, "the spans of a share were not taken");
                if matches!(error, ClientError::Refused { .. }) {
                    self.unsent.lock().clear();
                }
            }
        }
    }

    /// What happened since the last word, until the server has all of it or no longer wants it.
    async fn last_words(&self) {
        while !matches!(self.tell().await, Err(ClientError::Refused { .. })) {
            if self.news.finished.lock().is_empty() && self.unsent.lock().is_empty() {
                return;
            }
            tokio::time::sleep(HAND_IN_AGAIN).await;
        }
    }

    fn held_by(&self) -> [(&'static str, String); 2] {
        [("runner", self.runner.id.clone()), ("token", self.offered.token.to_string())]
    }

    fn hear(&self, answer: &ShareAnswer) {
        if let Some(at) = answer.start_at.and_then(|at| self.clock.instant_of(at)) {
            self.start.send_if_modified(|start| start.is_none() && start.replace(at).is_none());
        }
        if answer.stop {
            self.wanted.cancel();
        }
    }

    /// Until the server has it, or no longer wants it. Meanwhile the share is kept.
    async fn hand_in(&self, ended: Ended) {
        let body = body(ended);
        let _ = tokio::time::timeout(LAST_WORD_LIMIT, self.last_words()).await;
        let sending = async {
            loop {
                match self.runner.client.send_bytes(Method::POST, &self.path("/end"), &self.held_by(), body.clone()).await {
                    Ok(()) => return,
                    Err(error @ ClientError::Refused { .. }) => return tracing::warn!(%error, "the server does not take the result of a share"),
                    Err(error) => tracing::warn!(%error, "the result of a share could not be handed in"),
                }
                tokio::time::sleep(HAND_IN_AGAIN).await;
            }
        };
        tokio::select! {
            sent = tokio::time::timeout(HAND_IN_LIMIT, sending) => {
                if sent.is_err() {
                    tracing::warn!("the result of a share could not be handed in in time");
                }
            }
            () = async { tokio::time::sleep(TELL_PLAYING).await; self.keep().await } => {}
        }
    }

    fn path(&self, below: &str) -> String {
        format!("api/runs/{}/shares/{}{below}", self.offered.run, self.offered.share)
    }
}

fn ended(outcome: Result<Outcome, LoadError>) -> Ended {
    match outcome {
        Ok(outcome) => Ended::Played(Box::new(outcome)),
        Err(error) => Ended::Failed(error.to_string()),
    }
}

/// What finds no room is left.
fn extend(kept: &mut Vec<Finished>, finished: &[Finished]) {
    let room = FINISHED_MAX.saturating_sub(kept.len());
    kept.extend(finished.iter().take(room).cloned());
}

/// A result that is too long goes without its seconds, which are the most of it.
fn body(ended: Ended) -> Vec<u8> {
    // All that a result holds can be written as JSON.
    let written = |ended: &Ended| serde_json::to_vec(ended).unwrap_or_default();
    let body = written(&ended);
    match ended {
        Ended::Played(mut outcome) if body.len() > OUTCOME_BYTES_MAX => {
            outcome.series = Default::default();
            written(&Ended::Played(outcome))
        }
        _ => body,
    }
}
