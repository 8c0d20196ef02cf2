//! Running programs in the repository's root.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::Command;

/// What went wrong, for people.
pub type Outcome<T = ()> = Result<T, String>;

pub fn root() -> PathBuf {
    let own = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    own.parent().map_or(own.clone(), PathBuf::from)
}

pub fn command(program: impl AsRef<OsStr>, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(root());
    command
}

pub fn wait(mut command: Command) -> Outcome {
    let shown = format!("{} {}", command.get_program().display(), command.get_args().map(|a| a.to_string_lossy()).collect::<Vec<_>>().join(" "));
    eprintln!("$ {shown}");
    let status = command.status().map_err(|error| format!("{shown}: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("{shown}: {status}")) }
}

pub fn cargo(arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Outcome {
    wait(command(std::env::var_os("CARGO").unwrap_or("cargo".into()), arguments))
}

/// A program below the root.
pub fn program(path: &str, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Outcome {
    wait(command(root().join(path), arguments))
}

/// Where a program lies on the PATH.
pub fn find(name: &str) -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?).map(|folder| folder.join(name)).find(|path| path.is_file())
}
