//! Which scenario a command plays, and with what.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use documents::diagnostic::Level;
use documents::script::{Given, Script};
use prepare::scenarios::Setup;
use scenario::{CompileOptions, Program};
use serde_json::{Value, json};

use crate::client::Client;
use crate::values::{ClientValues, asking};

/// What all commands that play a scenario are told.
#[derive(Debug, clap::Args)]
pub struct Chosen {
    /// A script in Artillery's format, or the name of one below ops/
    #[arg(value_name = "SCENARIO")]
    pub scenario: String,

    #[command(flatten)]
    pub with: With,
}

/// What a scenario is played with.
#[derive(Debug, Clone, clap::Args)]
pub struct With {
    /// One of the script's environments
    #[arg(short, long, value_name = "NAME")]
    pub environment: Option<String>,

    /// Instead of the script's target
    #[arg(short, long, value_name = "URL")]
    pub target: Option<String>,

    /// A variable, instead of the script's own; may be repeated
    #[arg(long = "var", value_name = "NAME=VALUE", value_parser = super::run::parameter)]
    pub variables: Vec<(String, String)>,

    /// The file of a script's settings, for one that has none of its own
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// The CSV file of a `payload` that names none
    #[arg(long, value_name = "FILE")]
    pub payload: Option<PathBuf>,
}

impl Chosen {
    /// Problems of the script are told on standard error.
    pub fn read(&self) -> anyhow::Result<Setup> {
        self.with.read(&find(&self.scenario)?)
    }
}

impl With {
    /// Problems of the script are told on standard error.
    pub fn read(&self, path: &Path) -> anyhow::Result<Setup> {
        let variables: BTreeMap<String, Value> = self.variables.iter().map(|(name, value)| (name.clone(), parsed(value))).collect();
        let payload = self.payload.as_ref().map(std::path::absolute).transpose()?;
        let payload = payload.map(|path| path.display().to_string());
        let given = Given { variables: variables.clone(), payload, ..Given::default() };
        let mut script = read(path, given.clone())?;
        if let Some(settings) = &self.config {
            let folder = folder(&std::path::absolute(settings)?);
            script = script.with_settings(read(settings, given)?, &folder)?;
        }
        let options = CompileOptions {
            folder: folder(path),
            environment: self.environment.clone(),
            target: self.target.clone(),
            variables,
            ..CompileOptions::default()
        };
        Ok(Setup { script, options })
    }
}

/// Fills in what the script's variables refer to.
pub async fn fill(setup: &mut Setup, server: Option<&Client>) -> anyhow::Result<()> {
    let why = format!("a variable of {}", setup.script.name);
    setup.fill(&ClientValues::new(server.cloned()), &asking(&why)).await?;
    Ok(())
}

/// Faults are told on standard error.
pub fn compile(setup: &Setup) -> anyhow::Result<Program> {
    setup.compile().map_err(|errors| {
        for error in &errors {
            eprintln!("error: {error}{}", error.mend.as_ref().map(|mend| format!("\n  mend: {mend}")).unwrap_or_default());
        }
        anyhow::anyhow!("{} cannot be played", setup.script.name)
    })
}

/// Plays a script beside an experiment once, as its steady state.
pub async fn probe(folder: &Path, name: &str, environment: Option<&str>, server: Option<&Client>) -> anyhow::Result<Value> {
    let beside = ["yml", "yaml", "json"].map(|ending| folder.join(format!("{name}.{ending}")));
    let path = match beside.into_iter().find(|path| path.is_file()) {
        Some(path) => path,
        None => find(name)?,
    };
    let options = CompileOptions { folder: self::folder(&path), environment: environment.map(str::to_owned), ..CompileOptions::default() };
    let mut setup = Setup { script: read(&path, Given::default())?, options };
    fill(&mut setup, server).await?;
    let report = scenario::test::play(&compile(&setup)?, tokio_util::sync::CancellationToken::new()).await;
    Ok(json!({ "passed": report.passed(), "report": report }))
}

fn read(path: &Path, given: Given) -> anyhow::Result<Script> {
    let loaded = documents::script::load_file(path, given);
    if loaded.diagnostics.iter().any(|diagnostic| diagnostic.level < Level::Note) {
        eprint!("{}", documents::report::text(&loaded, false));
    }
    let script = loaded.graph.scripts.into_values().next();
    script.with_context(|| format!("{} holds no scenario that can be played", path.display()))
}

/// A path as it is, or a name among the documents below `ops/`.
fn find(scenario: &str) -> anyhow::Result<PathBuf> {
    let path = PathBuf::from(scenario);
    if path.is_file() {
        return Ok(path);
    }
    let ops = Path::new("ops");
    if scenario.contains(['/', '.']) || !ops.is_dir() {
        bail!("there is no file {scenario}");
    }
    let loaded = documents::load_with(ops, &crate::reading::options());
    match loaded.graph.scripts.get(scenario) {
        Some(script) => Ok(ops.join(&script.origin.path)),
        None => bail!("there is no scenario {scenario} below ops/: {}", loaded.graph.scripts.keys().cloned().collect::<Vec<_>>().join(", ")),
    }
}

fn folder(path: &Path) -> PathBuf {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_owned()
}

/// As YAML reads a plain word: numbers and booleans are such.
fn parsed(text: &str) -> Value {
    serde_json::from_str(text).ok().filter(|value: &Value| value.is_number() || value.is_boolean()).unwrap_or_else(|| Value::String(text.to_owned()))
}
