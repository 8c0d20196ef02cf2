//! `mainstay experiment FILE`

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, bail};
use documents::experiment::{HypothesisStrategy, RollbackStrategy};
use evolve::experiments::{self, Around, Journal, Settings};
use kernel::{SharedClock, SystemClock};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::serve::wait_for_signal;
use crate::client::Client;
use crate::players::{Outside, Told, injector};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The experiment, in Chaos Toolkit's format
    file: PathBuf,

    /// Where the journal is written
    #[arg(long, value_name = "FILE", default_value = "journal.json")]
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

    /// The server that PromQL queries and alarms are asked of
    #[arg(long, env = "MAINSTAY_SERVER", value_name = "URL")]
    server: Option<String>,

    #[arg(long, env = "MAINSTAY_TOKEN", value_name = "TOKEN", hide_env_values = true)]
    token: Option<String>,
}

pub async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let loaded = documents::experiment::read_file(&args.file);
    eprint!("{}", documents::report::text(&loaded, false));
    let Some(experiment) = loaded.graph.experiments.into_values().next() else {
        bail!("{} holds no experiment that can be played", args.file.display());
    };
    let records = tempfile::tempdir().context("a temporary folder cannot be made")?;
    let folder = args.file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_owned();
    let server = args.server.as_deref().map(|url| Client::new(url, args.token.as_deref(), None)).transpose()?;
    let platform = Outside { folder: folder.clone(), injector: injector(records.path()).await?, server };
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
    let telling = async {
        while let Some(line) = lines.recv().await {
            eprintln!("{line}");
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
