//! A run on a server, followed until it ends or needs a person.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::bail;
use ledger::{OutputChunk, OutputKind, Run, RunStatus, StepStatus};
use wire::runs::{RequestRun, RunDetail, RunOutput};

use super::Args;
use crate::cli::Format;
use crate::commands::EXIT_PROBLEMS;
use crate::print::{self, Answer};
use crate::session::Session;

pub async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let with = &args.with;
    let for_file = args.junit.is_some() || args.json || args.scenario.is_some();
    if for_file || with.config.is_some() || with.payload.is_some() || !with.variables.is_empty() {
        let flags = "--junit, --json, --scenario, --config, --payload and --var";
        bail!("{flags} are for the file of a scenario, and there is no file {}", args.document);
    }
    let session = Session::open(&args.server).await?;
    let given = [("environment", args.with.environment), ("target", args.with.target)];
    let given = given.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    let request = RequestRun {
        document: args.document,
        parameters: args.parameters.into_iter().chain(given).collect(),
        incident: args.incident,
        component: None,
        key: None,
    };
    let code = follow_request(&session, &request, args.detach).await?;
    session.close().await;
    Ok(code)
}

/// Requests a run of a document and follows it.
pub async fn request_and_follow(session: &Session, document: String, parameters: BTreeMap<String, String>, detach: bool) -> anyhow::Result<ExitCode> {
    follow_request(session, &RequestRun { document, parameters, incident: None, component: None, key: None }, detach).await
}

async fn follow_request(session: &Session, request: &RequestRun, detach: bool) -> anyhow::Result<ExitCode> {
    let run: Run = session.client.post("api/runs", request).await?;
    eprintln!("run {} of {}", run.id, run.document);
    Ok(if detach {
        ExitCode::SUCCESS
    } else {
        tokio::select! {
            status = follow(session, &run) => match status? {
                RunStatus::Succeeded => ExitCode::SUCCESS,
                _ => ExitCode::from(EXIT_PROBLEMS),
            },
            _ = tokio::signal::ctrl_c() => {
                session.client.post::<Run>(&format!("api/runs/{}/cancel", run.id), &()).await?;
                eprintln!("cancelled");
                ExitCode::from(EXIT_PROBLEMS)
            }
        }
    })
}

/// Prints output as it comes, until the run ends or needs a person.
async fn follow(session: &Session, run: &Run) -> anyhow::Result<RunStatus> {
    const PAUSE: Duration = Duration::from_millis(100);
    let mut after = -1;
    let mut told = None;
    loop {
        let detail: RunDetail = session.client.get(&format!("api/runs/{}", run.id), &[]).await?;
        loop {
            let output: RunOutput = session.client.get(&format!("api/runs/{}/output", run.id), &[("after", after.to_string())]).await?;
            if output.chunks.is_empty() {
                break;
            }
            output.chunks.iter().try_for_each(show)?;
            after = output.next;
        }
        if told != Some(detail.run.status) {
            told = Some(detail.run.status);
            tell(session, &detail);
        }
        if detail.run.status.is_final() || detail.run.status == RunStatus::Interrupted {
            return Ok(detail.run.status);
        }
        tokio::time::sleep(PAUSE).await;
    }
}

fn tell(session: &Session, detail: &RunDetail) {
    let page = format!("{}/prepare/runs/{}", session.client.base(), detail.run.id);
    match detail.run.status {
        RunStatus::Waiting => {
            let step = detail.steps.iter().find(|step| step.status == StepStatus::Waiting);
            eprintln!("waits for approval of step {:?}: {page}", step.map_or("", |step| &step.name));
        }
        RunStatus::Interrupted => eprintln!("was interrupted; say how to go on: {page}"),
        RunStatus::Succeeded => eprintln!("succeeded"),
        RunStatus::Failed | RunStatus::Cancelled => eprintln!("{}", detail.run.error.as_deref().unwrap_or("did not succeed")),
        RunStatus::Requested | RunStatus::Running => {}
    }
}

fn show(chunk: &OutputChunk) -> anyhow::Result<()> {
    match chunk.kind {
        OutputKind::Stdout => print!("{}", chunk.data),
        OutputKind::Stderr => eprint!("{}", chunk.data),
        OutputKind::Note => eprintln!("{}", chunk.data),
        OutputKind::Table => {
            let answer: Answer = serde_json::from_str(&chunk.data)?;
            print::table(&answer, Format::Table)?;
        }
        OutputKind::Chart => eprintln!("(a chart; see the page)"),
        // The lines beside it say the same in words.
        OutputKind::Report => {}
    }
    Ok(())
}
