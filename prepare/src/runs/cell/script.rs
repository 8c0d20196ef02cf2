//! A cell's script: its file, interpreter, environment and folder, and what its end means.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use ledger::{Run, Step};
use tokio::process::Command;

use super::interpreter::{self, InterpreterError};
use super::outputs::{self, OutputsError, is_variable};
use super::OUTPUT_VARIABLE;
use crate::runs::change::StepResult;
use crate::runs::groups::RunFolder;
use crate::runs::plan::Plan;
use crate::runs::task::ExecutorSettings;

/// Settings of the server are not for the cells.
const OWN_PREFIX: &str = "MAINSTAY_";

/// Where a cell runs.
pub struct Surroundings<'a> {
    pub folder: &'a RunFolder,
    /// Of the documents.
    pub root: &'a Path,
    pub settings: &'a ExecutorSettings,
    /// The cell's own, with all references filled in.
    pub env: &'a BTreeMap<String, String>,
}

#[derive(Debug, thiserror::Error)]
pub enum ScriptError {
    #[error(transparent)]
    Interpreter(#[from] InterpreterError),
    #[error("its working folder {path} does not exist")]
    Folder { path: PathBuf },
    #[error("its script could not be written: {0}")]
    Io(#[from] std::io::Error),
}

/// The command that runs a step's script, which is never part of the command's arguments.
pub fn prepare(run: &Run, step: &Step, plan: &Plan, around: &Surroundings<'_>) -> Result<Command, ScriptError> {
    let cell = plan.cell(step.index);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let interpreter = interpreter::find(&step.language, cell.interpreter.as_deref(), plan.shell.as_deref(), &path)?;
    let cwd = around.root.join(&plan.folder).join(cell.cwd.as_deref().unwrap_or(""));
    if !cwd.is_dir() {
        return Err(ScriptError::Folder { path: cwd });
    }
    let script = around.folder.write(&format!("cell-{}.{}", step.index, interpreter.ending), step.source.as_bytes())?;
    let output = around.folder.write(&output_file(step.index), b"")?;
    let mut command = Command::new(&interpreter.program);
    command.args(&interpreter.arguments).arg(script).current_dir(cwd);
    let given = around.settings.environment.iter().map(|(name, value)| (name.into(), value.into()));
    command.env_clear().envs(environment(run, around.env, std::env::vars_os().chain(given)));
    command.env(OUTPUT_VARIABLE, output).env("MAINSTAY_RUN", run.id.as_str()).env("MAINSTAY_URL", &around.settings.base_url);
    command.env("MAINSTAY_INCIDENT", run.incident.map(|incident| incident.to_string()).unwrap_or_default());
    Ok(command)
}

/// What an ended script means for its step.
pub fn result(folder: &RunFolder, step: &Step, status: ExitStatus) -> StepResult {
    // Programs that a signal ended have no exit code; shells count from 128.
    let exit_code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    let error = status.signal().map(|signal| format!("it was ended by signal {signal}"));
    match read_outputs(folder, step) {
        Ok(outputs) => StepResult { exit_code, error, outputs },
        Err(wrong) => StepResult { exit_code, error: error.or(Some(wrong.to_string())), ..StepResult::default() },
    }
}

#[derive(Debug, thiserror::Error)]
enum ReadError {
    #[error(transparent)]
    Outputs(#[from] OutputsError),
    #[error("MAINSTAY_OUTPUT could not be read: {0}")]
    Io(#[from] std::io::Error),
}

fn read_outputs(folder: &RunFolder, step: &Step) -> Result<BTreeMap<String, String>, ReadError> {
    let bytes = folder.read(&output_file(step.index), outputs::MAX_BYTES + 1)?;
    Ok(outputs::parse(&bytes)?)
}

fn output_file(step: u32) -> String {
    format!("output-{step}")
}

/// The server's environment without its own settings, then parameters, outputs and the cell's own.
fn environment(run: &Run, cell: &BTreeMap<String, String>, inherited: impl Iterator<Item = (OsString, OsString)>) -> BTreeMap<OsString, OsString> {
    let kept = inherited.filter(|(name, _)| !name.to_string_lossy().starts_with(OWN_PREFIX));
    let given = run.parameters.iter().chain(&run.outputs).chain(cell);
    kept.chain(given.filter_map(|(name, value)| Some((variable(name)?.into(), value.into())))).collect()
}

/// A parameter's or a column's name as a shell can say it.
fn variable(name: &str) -> Option<String> {
    let name: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    is_variable(&name).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_variables() {
        assert_eq!(variable("max_wait").as_deref(), Some("max_wait"));
        assert_eq!(variable("count(*)").as_deref(), Some("count___"));
        assert_eq!(variable("1st"), None);
    }
}
