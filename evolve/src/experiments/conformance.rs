//! A folder of experiments, each played and compared with what is expected of it.
//!
//! `NAME.expect.json` beside an experiment says what Chaos Toolkit made of it (`toolkit`, compared in the
//! compatible mode) and what it comes to by the specification (`ours`). Without it, an experiment passes if it
//! can be played and is a success.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use documents::Level;
use documents::experiment::{Experiment, read_file};
use futures::{StreamExt, TryStreamExt, stream};
use kernel::{SharedClock, SystemClock};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::journal::{Journal, Row, SteadyState};
use super::platform::Platform;
use super::settings::Settings;
use super::{Around, ExperimentError, Unwatched, play};

const AT_ONCE: usize = 4;

/// One experiment of the folder.
#[derive(Debug, Clone, PartialEq)]
pub struct Checked {
    /// Below the folder.
    pub file: String,
    pub outcome: Outcome,
    /// What the two modes came to, in the form of the expectations.
    pub found: Value,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    Passed,
    Failed(String),
    /// Something is missing here, which the reason names.
    Unsupported(String),
}

/// Plays every experiment below a folder, each in a copy of the folder of its own, sorted by name.
pub async fn run_folder(folder: &Path, settings: &Settings, platform: &dyn Platform) -> std::io::Result<Vec<Checked>> {
    let one = async |file: PathBuf| {
        let name = file.strip_prefix(folder).unwrap_or(&file).display().to_string();
        let (outcome, found) = check(&file, settings, platform).await?;
        Ok(Checked { file: name, outcome, found })
    };
    // Most of the time of most experiments is spent waiting.
    stream::iter(experiments(folder)?.into_iter().map(one)).buffered(AT_ONCE).try_collect().await
}

/// What is asked of one experiment.
#[derive(Debug, Default)]
struct Expectation {
    toolkit: Option<Value>,
    ours: Option<Value>,
    interrupt_after_file: Option<String>,
}

async fn check(file: &Path, settings: &Settings, platform: &dyn Platform) -> std::io::Result<(Outcome, Value)> {
    let expected = expectation(file)?;
    let loaded = read_file(file);
    let fault = loaded.diagnostics.iter().find(|diagnostic| diagnostic.level == Level::Error);
    let Some(experiment) = loaded.graph.experiments.into_values().next() else {
        let why = fault.map_or_else(|| "it cannot be read".to_owned(), |fault| format!("line {}: {}", fault.origin.line, fault.message));
        let found = json!({ "toolkit": refused(), "ours": refused() });
        return Ok((compare(&expected, &found).unwrap_or(Outcome::Failed(why)), found));
    };
    let mut found = json!({});
    let mut verdict = Outcome::Passed;
    for (name, compatible) in [("toolkit", true), ("ours", false)] {
        // Without expectations nobody asks twice: what an experiment does may not bear it.
        if compatible && expected.toolkit.is_none() {
            continue;
        }
        let settings = Settings { compatible, ..settings.clone() };
        match play_in_copy(&experiment, file, settings, platform, expected.interrupt_after_file.as_deref()).await? {
            Ok(journal) => {
                if let Some(reason) = journal.verdict.reasons.first() {
                    verdict = Outcome::Failed(reason.clone());
                }
                found[name] = summary(&journal);
            }
            Err(error) => {
                verdict = Outcome::Unsupported(error.to_string());
                found[name] = refused();
            }
        }
    }
    Ok((compare(&expected, &found).unwrap_or(verdict), found))
}

/// Nothing if nothing is expected.
fn compare(expected: &Expectation, found: &Value) -> Option<Outcome> {
    expected.toolkit.as_ref().or(expected.ours.as_ref())?;
    let differs = |name: &str, expected: &Option<Value>| {
        let expected = expected.as_ref().filter(|expected| **expected != found[name])?;
        let fields = expected.as_object()?.iter().filter(|(field, value)| found[name][field.as_str()] != **value);
        let all: Vec<String> = fields.map(|(field, value)| format!("{field} is {}, not {value}", found[name][field.as_str()])).collect();
        Some(format!("{name}: {}", all.join("; ")))
    };
    let differences: Vec<String> = [differs("toolkit", &expected.toolkit), differs("ours", &expected.ours)].into_iter().flatten().collect();
    Some(if differences.is_empty() { Outcome::Passed } else { Outcome::Failed(differences.join("; ")) })
}

async fn play_in_copy(
    experiment: &Experiment,
    file: &Path,
    mut settings: Settings,
    platform: &dyn Platform,
    interrupt_after_file: Option<&str>,
) -> std::io::Result<Result<Journal, ExperimentError>> {
    let copy = tempfile::tempdir()?;
    copy_folder(file.parent().unwrap_or(Path::new(".")), copy.path())?;
    settings.folder = copy.path().to_owned();
    let cancel = CancellationToken::new();
    let clock: SharedClock = std::sync::Arc::new(SystemClock);
    let around = Around { platform, clock: &clock, observer: &Unwatched, cancel: &cancel };
    let interrupt = async {
        match interrupt_after_file {
            Some(name) => interrupt_after(&copy.path().join(name), &cancel).await,
            None => std::future::pending().await,
        }
    };
    let mut interrupt = std::pin::pin!(interrupt);
    let mut playing = std::pin::pin!(play(experiment, &settings, around));
    loop {
        tokio::select! {
            answer = &mut playing => return Ok(answer),
            () = &mut interrupt, if !cancel.is_cancelled() => {}
        }
    }
}

/// Once the activity that makes the file has ended and the next has begun.
async fn interrupt_after(file: &Path, cancel: &CancellationToken) {
    while !file.exists() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    cancel.cancel();
}

/// What is compared: enough to tell courses apart, nothing that differs between two runs.
pub fn summary(journal: &Journal) -> Value {
    let look = |state: &SteadyState| -> Value { state.probes.iter().map(|row| json!([row.name(), row.status, row.tolerance_met])).collect() };
    let rows = |rows: &[Row]| -> Value { rows.iter().map(|row| json!([row.name(), row.status])).collect() };
    let mut during: Vec<bool> = journal.steady_states.during.iter().map(|state| state.steady_state_met).collect();
    during.sort_unstable();
    during.dedup();
    json!({
        "exit": journal.exit_code(),
        "status": journal.status,
        "deviated": journal.deviated,
        "before": journal.steady_states.before.as_ref().map(look),
        "during": during,
        "after": journal.steady_states.after.as_ref().map(look),
        "run": rows(&journal.run),
        "rollbacks": rows(&journal.rollbacks),
    })
}

/// An experiment that is not played leaves no journal.
fn refused() -> Value {
    json!({ "exit": 1 })
}

fn expectation(file: &Path) -> std::io::Result<Expectation> {
    let kept = file.with_extension("expect.json");
    if !kept.exists() {
        return Ok(Expectation::default());
    }
    let value: Value = serde_json::from_slice(&fs::read(kept)?)?;
    let field = |name: &str| value.get(name).cloned();
    let interrupt_after_file = value["interruptAfterFile"].as_str().map(str::to_owned);
    Ok(Expectation { toolkit: field("toolkit"), ours: field("ours"), interrupt_after_file })
}

fn experiments(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if path.is_dir() && !name.starts_with('.') {
            found.extend(experiments(&path)?);
        } else if [".json", ".yaml", ".yml"].iter().any(|ending| name.ends_with(ending)) && !name.ends_with(".expect.json") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// Files only where they are small: what an experiment needs beside itself.
fn copy_folder(from: &Path, to: &Path) -> std::io::Result<()> {
    const FILE_BYTES_MAX: u64 = 1024 * 1024;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (kind, target) = (entry.file_type()?, to.join(entry.file_name()));
        if kind.is_dir() && !entry.file_name().to_string_lossy().starts_with('.') {
            fs::create_dir_all(&target)?;
            copy_folder(&entry.path(), &target)?;
        } else if kind.is_file() && entry.metadata()?.len() <= FILE_BYTES_MAX {
            fs::copy(entry.path(), &target)?;
        }
    }
    Ok(())
}
