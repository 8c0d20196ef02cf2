//! A folder of Artillery's scripts, each read and compiled without being played.
//!
//! A script has passed if it could be played, or if what it lacks is named: a feature that Mainstay does not
//! have, or a variable that nobody gave.

use std::io;
use std::path::Path;

use documents::codes;
use documents::diagnostic::{Diagnostic, Level};
use documents::script::{self, Config, Script};

use crate::program::{CompileOptions, Program};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// Seen from the folder.
    pub file: String,
    pub outcome: Outcome,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// With this many scenarios; a file of settings only has none. What is left out, others' plugins, is named.
    Plays { scenarios: usize, without: Vec<String> },
    /// What whoever plays it gives: variables, a target, settings that are in another file.
    Needs(String),
    /// The feature that is missing.
    Missing(String),
    Wrong(String),
}

/// Files beyond it are somebody's dependencies rather than scripts.
const DEPTH_MAX: usize = 16;
const PACKAGES: &str = "node_modules";

/// Every script below a folder, in the order of their names. Other files are left out.
pub fn check_folder(folder: &Path) -> io::Result<Vec<Checked>> {
    let mut checked = Vec::new();
    visit(folder, folder, 0, &mut checked)?;
    checked.sort_by(|one, other| one.file.cmp(&other.file));
    Ok(checked)
}

fn visit(top: &Path, folder: &Path, depth: usize, checked: &mut Vec<Checked>) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        let kind = entry.file_type()?;
        if kind.is_dir() && depth < DEPTH_MAX && entry.file_name() != PACKAGES {
            visit(top, &path, depth + 1, checked)?;
        }
        let is_text = path.extension().is_some_and(|ending| ["yml", "yaml", "json"].iter().any(|known| ending == *known));
        if kind.is_file() && is_text && let Some(outcome) = check(&path) {
            let file = path.strip_prefix(top).unwrap_or(&path).display().to_string();
            checked.push(Checked { file, outcome });
        }
    }
    Ok(())
}

/// None if the file is no script.
pub fn check(path: &Path) -> Option<Outcome> {
    let (script, diagnostics) = script::read_file(path);
    let errors: Vec<&Diagnostic> = diagnostics.iter().filter(|told| told.level == Level::Error).collect();
    if errors.iter().any(|error| error.code == codes::UNKNOWN_KIND) {
        return None;
    }
    if let Some(missing) = errors.iter().find(|error| error.code == codes::UNSUPPORTED) {
        return Some(Outcome::Missing(told(missing)));
    }
    let left_out = |told: &&Diagnostic| told.level == Level::Warning && told.code == codes::UNSUPPORTED;
    let without = diagnostics.iter().filter(left_out).map(told).collect();
    match (errors.first(), script) {
        (Some(error), _) => Some(Outcome::Wrong(told(error))),
        (None, Some(script)) => Some(compile(path, &script, without)),
        (None, None) => None,
    }
}

fn compile(path: &Path, script: &Script, without: Vec<String>) -> Outcome {
    let unset: Vec<&str> = script.config.unset.iter().map(|unset| unset.variable.as_str()).collect();
    if !unset.is_empty() {
        return Outcome::Needs(unset.join(", "));
    }
    if script.config == Config::default() && !script.scenarios.is_empty() {
        return Outcome::Needs("its settings, which are in another file".to_owned());
    }
    let folder = path.parent().unwrap_or(Path::new(".")).to_owned();
    // Scripts of which only an environment has a target are played with one.
    let only_there = script.config.target.is_none();
    let environment = script.environments.iter().find(|(_, config)| only_there && config.target.is_some());
    let environment = environment.map(|(name, _)| name.clone());
    let no_target = only_there && environment.is_none();
    let target = no_target.then(|| "http://127.0.0.1".to_owned());
    match Program::compile(script, &CompileOptions { folder, environment, target, ..CompileOptions::default() }) {
        Ok(program) if no_target && program.scenarios().count() > 0 => Outcome::Needs("config.target".to_owned()),
        Ok(program) => Outcome::Plays { scenarios: program.scenarios().count(), without },
        Err(errors) => {
            let missing = errors.iter().find(|error| error.unsupported);
            let why = missing.or(errors.first()).map(|error| format!("{}: {}", error.origin.line, error.message));
            let why = why.unwrap_or_default();
            if missing.is_some() { Outcome::Missing(why) } else { Outcome::Wrong(why) }
        }
    }
}

fn told(diagnostic: &Diagnostic) -> String {
    format!("{}: {}", diagnostic.origin.line, diagnostic.message)
}
