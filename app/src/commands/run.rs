//! `mainstay run DOCUMENT`

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Duration;

use ledger::{OutputChunk, OutputKind, Run, RunStatus, StepStatus};
use wire::runs::{RequestRun, RunDetail, RunOutput};

use super::EXIT_PROBLEMS;
use crate::cli::{Format, ServerArgs};
use crate::print::{self, Answer};
use crate::session::Session;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The name of a runbook or playbook
    document: String,

    /// A parameter, name=value; may be repeated
    #[arg(short, long = "param", value_name = "NAME=VALUE", value_parser = parameter)]
    parameters: Vec<(String, String)>,

    /// The incident it belongs to, e.g. INC-12
    #[arg(long)]
    incident: Option<kernel::IncidentId>,

    /// Request it and leave
    #[arg(long)]
    detach: bool,

    #[command(flatten)]
    server: ServerArgs,
}

pub async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let session = Session::open(&args.server).await?;
    let request = RequestRun {
        document: args.document,
        parameters: BTreeMap::from_iter(args.parameters),
        incident: args.incident,
        component: None,
        key: None,
    };
    let run: Run = session.client.post("api/runs", &request).await?;
    eprintln!("run {} of {}", run.id, run.document);
    let code = if args.detach {
        ExitCode::SUCCESS
    } else {
        tokio::select! {
            status = follow(&session, &run) => match status? {
                RunStatus::Succeeded => ExitCode::SUCCESS,
                _ => ExitCode::from(EXIT_PROBLEMS),
            },
            _ = tokio::signal::ctrl_c() => {
                session.client.post::<Run>(&format!("api/runs/{}/cancel", run.id), &()).await?;
                eprintln!("cancelled");
                ExitCode::from(EXIT_PROBLEMS)
            }
        }
    };
    session.close().await;
    Ok(code)
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

pub fn parameter(text: &str) -> Result<(String, String), String> {
    text.split_once('=')
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .ok_or_else(|| format!("{text:?} is not NAME=VALUE"))
}
