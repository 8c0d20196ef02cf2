//! Which scenario a command plays, and with what.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use documents::diagnostic::Level;
use documents::script::{Given, Phase, Script};
use scenario::{CompileOptions, Program};
use serde_json::{Value, json};

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
}

/// A script as it was read, and what it is played with.
#[derive(Debug, Clone)]
pub struct Played {
    pub script: Script,
    options: CompileOptions,
}

impl Chosen {
    /// Problems of the script are told on standard error.
    pub fn read(&self) -> anyhow::Result<Played> {
        self.with.read(&find(&self.scenario)?)
    }
}

impl With {
    /// Problems of the script are told on standard error.
    pub fn read(&self, path: &Path) -> anyhow::Result<Played> {
        let variables: BTreeMap<String, Value> = self.variables.iter().map(|(name, value)| (name.clone(), parsed(value))).collect();
        let script = read(path, Given { variables: variables.clone(), ..Given::default() })?;
        let options = CompileOptions {
            folder: folder(path),
            environment: self.environment.clone(),
            target: self.target.clone(),
            variables,
            ..CompileOptions::default()
        };
        Ok(Played { script, options })
    }
}

impl Played {
    pub fn compile(&self) -> anyhow::Result<Program> {
        Program::compile(&self.script, &self.options).map_err(|errors| {
            for error in &errors {
                eprintln!("error: {error}{}", error.mend.as_ref().map(|mend| format!("\n  mend: {mend}")).unwrap_or_default());
            }
            anyhow::anyhow!("{} cannot be played", self.script.name)
        })
    }

    pub fn environment(&self) -> Option<&str> {
        self.options.environment.as_deref()
    }

    /// As a run on a server has them.
    pub fn parameters(&self, mode: &str) -> BTreeMap<String, String> {
        let given = [("mode", Some(mode)), ("environment", self.options.environment.as_deref()), ("target", self.options.target.as_deref())];
        given.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned()))).collect()
    }

    /// What tells whether two runs played the same.
    pub fn digest(&self) -> &str {
        &self.script.digest
    }

    pub fn phases(&self) -> &[Phase] {
        let environment = self.environment().and_then(|name| self.script.environments.get(name));
        &environment.unwrap_or(&self.script.config).phases
    }

    /// The same with another load.
    pub fn with_phases(&self, phases: Vec<Phase>) -> Self {
        let mut played = self.clone();
        for config in played.script.environments.values_mut() {
            config.phases.clone_from(&phases);
        }
        played.script.config.phases = phases;
        played
    }
}

/// Plays a script beside an experiment once, as its steady state.
pub async fn probe(folder: &Path, name: &str, environment: Option<&str>) -> anyhow::Result<Value> {
    let beside = ["yml", "yaml", "json"].map(|ending| folder.join(format!("{name}.{ending}")));
    let path = match beside.into_iter().find(|path| path.is_file()) {
        Some(path) => path,
        None => find(name)?,
    };
    let options = CompileOptions { folder: self::folder(&path), environment: environment.map(str::to_owned), ..CompileOptions::default() };
    let played = Played { script: read(&path, Given::default())?, options };
    let report = scenario::test::play(&played.compile()?, tokio_util::sync::CancellationToken::new()).await;
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
