//! Hooks: a scenario, a runbook or a webhook says whether the version is right. Silence is no.

use std::collections::BTreeMap;
use std::process::{Output, Stdio};
use std::time::Duration;

use documents::deployment::{CommandCheck, Hook, HookCheck};
use kernel::{Timestamp, format_duration};
use ledger::{Actor, Run, RunStatus};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use super::records::Passage;
use super::{DeploymentError, Deployments};
use crate::runs::playable::{MODE, MODE_TEST};
use crate::runs::{Play, Request, asking};

pub(super) struct Asked<'a> {
    pub hook: &'a Hook,
    /// The same key is the same question.
    pub key: String,
    pub play: &'a Play,
    /// Absent of a gate, which comes before the passage.
    pub passage: Option<&'a Passage>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    Passed,
    Failed(String),
}

impl Deployments {
    pub(super) async fn ask(&self, asked: &Asked<'_>) -> Result<Answer, DeploymentError> {
        let mut parameters = BTreeMap::new();
        let document = match &asked.hook.check {
            HookCheck::Webhook { url, headers } => return self.ask_webhook(asked, url, headers).await,
            HookCheck::Command(check) => return self.ask_command(asked, check).await,
            HookCheck::Runbook(name) => name,
            HookCheck::Scenario { name, environment } => {
                parameters.insert(MODE.to_owned(), MODE_TEST.to_owned());
                parameters.extend(environment.clone().map(|environment| ("environment".to_owned(), environment)));
                name
            }
        };
        let request = Request { parameters, key: Some(asked.key.clone()), ..Request::new(document.clone(), asked.play.run.initiator.clone()) };
        let run = match self.runs.request(request).await {
            Ok(run) => run,
            Err(error) => return Ok(Answer::Failed(format!("the hook {document} cannot be run: {error}"))),
        };
        asked.play.reporter.line(format!("asks {document} as the run {}", run.id)).await;
        self.follow(asked, &run).await
    }

    async fn follow(&self, asked: &Asked<'_>, run: &Run) -> Result<Answer, DeploymentError> {
        let silent_at = run.requested_at.checked_add(asked.hook.timeout).unwrap_or(Timestamp::MAX);
        let ended = tokio::select! {
            ended = self.runs.wait_until(&run.id, |run| run.status.is_final()) => ended?,
            () = self.clock.sleep_until(silent_at) => {
                // It may have ended at this very moment; then nobody minds.
                let _ = self.runs.cancel(&run.id, &Actor::system()).await;
                return Ok(Answer::Failed(format!("the hook {} was silent for {}", run.document, format_duration(asked.hook.timeout))));
            }
            () = asked.play.ending.cancelled() => return Err(DeploymentError::Cut),
        };
        Ok(match ended.status {
            RunStatus::Succeeded => Answer::Passed,
            _ => Answer::Failed(format!("the hook {} failed in the run {}: {}", run.document, run.id, ended.error.as_deref().unwrap_or("it was cancelled"))),
        })
    }

    async fn ask_command(&self, asked: &Asked<'_>, check: &CommandCheck) -> Result<Answer, DeploymentError> {
        let name = check.command.first().map_or("", String::as_str);
        let answer = tokio::select! {
            ended = play_command(asked, check) => match ended {
                Ok(output) if output.status.success() => Answer::Passed,
                Ok(output) => Answer::Failed(format!("{name} ended with {}{}", output.status, said(&output))),
                Err(error) => Answer::Failed(format!("{name} cannot be run: {error}")),
            },
            () = self.rest(asked.hook.timeout) => Answer::Failed(format!("{name} was silent for {}", format_duration(asked.hook.timeout))),
            () = asked.play.ending.cancelled() => return Err(DeploymentError::Cut),
        };
        Ok(answer)
    }

    /// What cannot be reached is asked again, until it has been silent for too long.
    async fn ask_webhook(&self, asked: &Asked<'_>, url: &str, headers: &BTreeMap<String, String>) -> Result<Answer, DeploymentError> {
        const PAUSE: Duration = Duration::from_secs(1);
        let body = asked.passage.map_or_else(
            || json!({ "run": asked.play.run.id }),
            |passage| {
                json!({
                    "run": passage.run, "deployment": passage.deployment, "environment": passage.environment,
                    "version": passage.version, "old_version": passage.old_version,
                })
            },
        );
        let request = match self.webhook(asked, url, headers, &body).await {
            Ok(request) => request,
            Err(reason) => return Ok(Answer::Failed(format!("the hook {url} cannot be asked: {reason}"))),
        };
        asked.play.reporter.line(format!("asks {url}")).await;
        let silent = format!("the hook {url} was silent for {}", format_duration(asked.hook.timeout));
        let question = async {
            loop {
                let again = request.try_clone().expect("its body is no stream");
                match self.http.execute(again).await {
                    Ok(answer) if answer.status().is_success() => return Answer::Passed,
                    Ok(answer) => return Answer::Failed(format!("the hook {url} answered {}", answer.status())),
                    Err(_) => self.rest(PAUSE).await,
                }
            }
        };
        tokio::select! {
            answer = question => Ok(answer),
            () = self.rest(asked.hook.timeout) => Ok(Answer::Failed(silent)),
            () = asked.play.ending.cancelled() => Err(DeploymentError::Cut),
        }
    }

    /// With the references in its headers filled in. The error tells no value.
    async fn webhook(&self, asked: &Asked<'_>, url: &str, headers: &BTreeMap<String, String>, body: &Value) -> Result<reqwest::Request, String> {
        let asking = asking(&asked.play.run, "a hook");
        let mut request = self.http.post(url).header("Idempotency-Key", &asked.key).json(body);
        for (name, value) in headers {
            let filled = self.values.fill(value, &asking).await.map_err(|error| error.to_string())?;
            request = request.header(name, filled.text.expose_secret());
        }
        request.build().map_err(|error| error.without_url().to_string())
    }
}

/// In the folder of the documents. It is ended when nobody waits for it any more.
async fn play_command(asked: &Asked<'_>, check: &CommandCheck) -> std::io::Result<Output> {
    let (name, arguments) = check.command.split_first().map_or(("", &[][..]), |(name, rest)| (name.as_str(), rest));
    let mut started = Command::new(name)
        .args(arguments)
        .current_dir(&asked.play.loaded.graph.root)
        .envs(asked.passage.map(|passage| ("MAINSTAY_VERSION", &passage.version)))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let mut input = started.stdin.take();
    let told = async {
        if let Some(input) = &mut input {
            // A program need not read what it does not want to know.
            let _ = input.write_all(&check.input).await;
        }
        drop(input.take());
    };
    let ((), output) = tokio::join!(told, started.wait_with_output());
    output
}

/// Of a program that fails: the end of what it said, where the reason stands.
fn said(output: &Output) -> String {
    const SAID_MAX: usize = 2_000;
    let said = String::from_utf8_lossy(if output.stderr.is_empty() { &output.stdout } else { &output.stderr });
    let said = said.trim();
    let start = said.char_indices().rev().nth(SAID_MAX - 1).map_or(0, |(start, _)| start);
    if said.is_empty() { String::new() } else { format!(": {}", &said[start..]) }
}
