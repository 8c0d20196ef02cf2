//! `mainstay experiment FILE`

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, bail};
use documents::experiment::{HypothesisStrategy, RollbackStrategy};
use evolve::experiments::{self, Around, Journal, Settings};
use kernel::{SharedClock, SystemClock};
use ledger::RunKind;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use wire::runs::RecordRun;

use super::serve::wait_for_signal;
use crate::players::{Outside, Told, injector};
use crate::record::{self, RecordArgs};

/// As Chaos Toolkit calls it.
const JOURNAL: &str = "journal.json";

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The experiment, in Chaos Toolkit's format
    file: PathBuf,

    /// Where the journal is written
    #[arg(long, value_name = "FILE", default_value = JOURNAL)]
    journal_path: PathBuf,

    /// Behave as Chaos Toolkit does where it differs from its specification
    #[arg(long)]
    compatible: bool,

    /// Play rollbacks by this rule, instead of the experiment's own
    #[arg(long, value_name = "STRATEGY", value_parser = rollbacks)]
    rollback_strategy: Option<RollbackStrategy>,

    /// Look at the hypothesis by this rule, instead of the experiment's own
    #[arg(long, value_name = "STRATEGY", value_parser = hypothesis)]
    hypothesis_strategy: Option<HypothesisStrategy>,

    /// A value of the configuration, instead of the experiment's own; may be repeated
    #[arg(long = "var", value_name = "NAME=VALUE", value_parser = super::run::parameter)]
    variables: Vec<(String, String)>,

    /// Play it although it says that it is for production: you approve it
    #[arg(long)]
    approved: bool,

    #[command(flatten)]
    record: RecordArgs,
}

impl Args {
    /// An experiment's file as any document that is run.
    pub fn of_file(file: &Path, record: RecordArgs, variables: Vec<(String, String)>) -> Self {
        Self {
            file: file.to_owned(),
            journal_path: JOURNAL.into(),
            compatible: false,
            rollback_strategy: None,
            hypothesis_strategy: None,
            variables,
            approved: false,
            record,
        }
    }
}

pub async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let loaded = documents::experiment::read_file(&args.file);
    eprint!("{}", documents::report::text(&loaded, false));
    let Some(experiment) = loaded.graph.experiments.into_values().next() else {
        bail!("{} holds no experiment that can be played", args.file.display());
    };
    let records = tempfile::tempdir().context("a temporary folder cannot be made")?;
    let folder = args.file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_owned();
    let client = args.record.client()?;
    let started_at = record::now();
    let platform = Outside { folder: folder.clone(), injector: injector(records.path()).await?, server: client.clone() };
    let settings = Settings {
        compatible: args.compatible,
        hypothesis: args.hypothesis_strategy,
        rollbacks: args.rollback_strategy,
        variables: args.variables.into_iter().map(|(name, value)| (name, Value::String(value))).collect(),
        folder,
        approved: args.approved,
        ..Settings::default()
    };
    let clock: SharedClock = Arc::new(SystemClock);
    let cancel = CancellationToken::new();
    let (told, mut lines) = Told::channel();
    let around = Around { platform: &platform, clock: &clock, observer: &told, cancel: &cancel };
    let mut heard = Vec::new();
    let telling = async {
        while let Some(line) = lines.recv().await {
            eprintln!("{line}");
            heard.push(line);
        }
    };
    let playing = async {
        let interrupted = async {
            if wait_for_signal().await.is_ok() {
                cancel.cancel();
            }
            std::future::pending::<()>().await
        };
        let journal = tokio::select! {
            journal = experiments::play(&experiment, &settings, around) => journal,
            () = interrupted => unreachable!("waits for ever"),
        };
        told.end();
        journal
    };
    let (journal, ()) = tokio::join!(playing, telling);
    let journal = journal?;
    write(&args.journal_path, &journal)?;
    for reason in &journal.verdict.reasons {
        eprintln!("✗ {reason}");
    }
    if journal.verdict.reasons.is_empty() {
        eprintln!("✓ the hypothesis held, and every activity ran");
    }
    let reasons = &journal.verdict.reasons;
    let recorded = RecordRun {
        kind: RunKind::Experiment,
        document: experiment.name.clone(),
        title: Some(experiment.title.clone()),
        digest: experiment.digest.clone(),
        parameters: Default::default(),
        started_at,
        finished_at: record::now(),
        error: (!reasons.is_empty()).then(|| reasons.join("; ")),
        outputs: Default::default(),
        lines: heard,
        report: json!({ "report": "experiment", "journal": journal }),
        attachments: Vec::new(),
    };
    record::keep(client.as_ref(), recorded).await;
    Ok(ExitCode::from(journal.exit_code()))
}

fn write(path: &Path, journal: &Journal) -> anyhow::Result<()> {
    let json = serde_json::to_vec_pretty(journal)?;
    std::fs::write(path, json).with_context(|| format!("the journal {} cannot be written", path.display()))
}

fn rollbacks(text: &str) -> Result<RollbackStrategy, String> {
    strategy(text, &["default", "always", "never", "deviated"])
}

fn hypothesis(text: &str) -> Result<HypothesisStrategy, String> {
    strategy(text, &["default", "before-method-only", "after-method-only", "during-method-only", "continuously", "skip"])
}

fn strategy<T: DeserializeOwned>(text: &str, known: &[&str]) -> Result<T, String> {
    serde_json::from_value(Value::String(text.to_owned())).map_err(|_| format!("one of {}", known.join(", ")))
}
