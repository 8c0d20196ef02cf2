//! A scenario or an experiment played at once from its file, as a hook or a CI job does.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, bail};
use ledger::RunKind;
use prepare::runs::playable::MODE_TEST;
use prepare::scenarios::test_report;
use scenario::test::{self, TestOptions, TestReport};
use serde_json::json;
use tokio_util::sync::CancellationToken;
use wire::runs::RecordRun;

use super::Args;
use crate::commands::scenario::{compile, fill};
use crate::commands::serve::wait_for_signal;
use crate::commands::{EXIT_PROBLEMS, experiment};
use crate::record::{self, RecordArgs};

pub async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let path = Path::new(&args.document);
    if !args.parameters.is_empty() || args.incident.is_some() || args.detach {
        bail!("--param, --incident and --detach are for documents that a server runs by their names; a scenario takes --var");
    }
    let to = RecordArgs { server: args.server.server.clone(), token: args.server.token.clone(), actor: args.server.actor.clone() };
    if documents::experiment::is_experiment(path) {
        return experiment::run(experiment::Args::of_file(path, to, args.with.variables)).await;
    }
    let client = to.client()?;
    let mut setup = args.with.read(path)?;
    fill(&mut setup, client.as_ref()).await?;
    let program = compile(&setup)?;
    let cancel = CancellationToken::new();
    let interrupted = cancel.clone();
    tokio::spawn(async move {
        if wait_for_signal().await.is_ok() {
            interrupted.cancel();
        }
    });
    let started_at = record::now();
    let options = TestOptions { scenario: args.scenario, traced: client.is_some() };
    let report = test::play_with(&program, &options, cancel).await;
    if let Some(path) = &args.junit {
        std::fs::write(path, report.junit()).with_context(|| format!("the result {} cannot be written", path.display()))?;
    }
    if let Some(folder) = &args.attachments {
        write_attachments(&report, folder)?;
    }
    match args.json {
        true => println!("{}", serde_json::to_string_pretty(&tagged(&report))?),
        false => report.lines().iter().for_each(|line| println!("{line}")),
    }
    let (mut told, attached) = test_report(&report, false);
    told["passed"] = json!(report.passed());
    let recorded = RecordRun {
        kind: RunKind::Scenario,
        document: program.name.clone(),
        title: None,
        digest: setup.script.digest.clone(),
        parameters: setup.parameters(MODE_TEST),
        started_at,
        finished_at: record::now(),
        error: report.failure(),
        outputs: Default::default(),
        lines: report.lines(),
        report: told,
        attachments: record::sent(attached),
    };
    record::keep(client.as_ref(), recorded).await;
    Ok(if report.passed() { ExitCode::SUCCESS } else { ExitCode::from(EXIT_PROBLEMS) })
}

/// Each with the number of its scenario before its name.
fn write_attachments(report: &TestReport, folder: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("the folder {} cannot be made", folder.display()))?;
    for (at, scenario) in report.scenarios.iter().enumerate() {
        for attachment in &scenario.attachments {
            let path = folder.join(format!("{}-{}", at + 1, attachment.name));
            std::fs::write(&path, &attachment.bytes).with_context(|| format!("{} cannot be written", path.display()))?;
        }
    }
    Ok(())
}

fn tagged(report: &TestReport) -> serde_json::Value {
    let mut tagged = json!(report);
    tagged["report"] = json!("test");
    tagged["passed"] = json!(report.passed());
    tagged
}
