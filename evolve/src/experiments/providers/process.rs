//! `type: process`: a program, and its status and outputs.

use std::process::Stdio;

use documents::experiment::ProcessCall;
use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::{OUTPUT_BYTES_MAX, Outcome, TOO_LONG, seconds};
use crate::experiments::programs;
use crate::experiments::settings::Settings;
use crate::experiments::substitute::{Names, written};

pub async fn carry_out(call: &ProcessCall, names: &Names, settings: &Settings, variables: &[(&str, &str)]) -> Outcome {
    let limit = seconds(call.timeout.as_ref().map(|timeout| names.fill(timeout)).as_ref())?;
    let mut command = command(call, names, settings)?;
    command.envs(variables.iter().copied());
    let child = command.spawn().map_err(|error| format!("`{}` cannot be started: {error}", call.path))?;
    let mut group = Group::of(child)?;
    match limit {
        None => group.output().await,
        Some(limit) => timeout(limit, group.output()).await.unwrap_or_else(|_| Err(TOO_LONG.to_owned())),
    }
}

/// In a process group of its own, without input.
fn command(call: &ProcessCall, names: &Names, settings: &Settings) -> Result<Command, String> {
    let path = names.fill_to_text(&call.path);
    let program = programs::find(&path, settings).ok_or_else(|| format!("there is no program `{path}`"))?;
    let mut command = match call.arguments.as_ref().map(|arguments| names.fill(arguments)) {
        Some(Value::String(line)) => {
            let mut shell = Command::new("/bin/sh");
            shell.arg("-c").arg(format!("{} {line}", program.display()));
            shell
        }
        arguments => {
            let mut command = Command::new(program);
            command.args(listed(arguments.as_ref()));
            command
        }
    };
    if !settings.folder.as_os_str().is_empty() {
        command.current_dir(&settings.folder);
    }
    for name in Settings::withheld() {
        command.env_remove(name);
    }
    command.envs(&settings.environment).process_group(0).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    Ok(command)
}

/// A mapping gives each key and its value in turn; what is empty is left out.
fn listed(arguments: Option<&Value>) -> Vec<String> {
    let words: Vec<Value> = match arguments {
        Some(Value::Object(fields)) => fields.iter().flat_map(|(key, value)| [Value::String(key.clone()), value.clone()]).collect(),
        Some(Value::Array(items)) => items.clone(),
        _ => Vec::new(),
    };
    words.iter().filter(|word| !word.is_null()).map(written).filter(|word| !word.is_empty()).collect()
}

/// A process and all that it starts. Dropped before its end, it ends them: an activity that is broken off
/// leaves nothing. What a process leaves behind when it ends by itself, it leaves on purpose.
struct Group {
    child: Child,
    id: Pid,
    ended: bool,
}

impl Group {
    fn of(child: Child) -> Result<Self, String> {
        let id = child.id().and_then(|id| Pid::from_raw(id.try_into().ok()?));
        Ok(Self { child, id: id.ok_or("the process ended before it could be looked after")?, ended: false })
    }

    async fn output(&mut self) -> Outcome {
        let (stdout, stderr) = (self.child.stdout.take(), self.child.stderr.take());
        let (status, stdout, stderr) = tokio::join!(self.child.wait(), read(stdout), read(stderr));
        self.ended = true;
        let status = status.map_err(|error| format!("the process could not be waited for: {error}"))?;
        Ok(json!({ "status": code(status), "stdout": stdout?, "stderr": stderr? }))
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if !self.ended {
            // That it has ended in this moment is no fault.
            let _ = kill_process_group(self.id, Signal::KILL);
        }
    }
}

/// The status; as Python has it, the signal's negative if one ended the process.
fn code(status: std::process::ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt;
    status.code().or_else(|| status.signal().map(|signal| -signal)).unwrap_or(-1)
}

async fn read(pipe: Option<impl AsyncRead + Unpin>) -> Result<String, String> {
    let mut bytes = Vec::new();
    if let Some(pipe) = pipe {
        pipe.take(OUTPUT_BYTES_MAX as u64 + 1).read_to_end(&mut bytes).await.map_err(|error| format!("the output broke off: {error}"))?;
    }
    if bytes.len() > OUTPUT_BYTES_MAX {
        return Err(format!("the output is larger than {OUTPUT_BYTES_MAX} bytes"));
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
