//! Which program runs a cell.

use std::ffi::OsStr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interpreter {
    pub program: PathBuf,
    pub arguments: Vec<String>,
    /// Of the script's file; some programs look at it.
    pub ending: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InterpreterError {
    #[error("no interpreter is known for {language:?}; name one with the attribute interpreter, for example ```{language} {{ interpreter=bash }}")]
    Unknown { language: String },
    #[error("{program:?} is not installed here: it is in no folder of PATH ({path})")]
    NotFound { program: String, path: String },
    #[error("the attribute interpreter is empty")]
    Empty,
}

/// The attribute `interpreter` wins over the language; it may carry arguments. `shell` stands for the
/// languages `sh` and `shell`.
pub fn find(language: &str, interpreter: Option<&str>, shell: Option<&str>, path: &OsStr) -> Result<Interpreter, InterpreterError> {
    let candidates = match interpreter {
        Some(named) => vec![named],
        None => by_language(language, shell).ok_or_else(|| InterpreterError::Unknown { language: language.to_owned() })?,
    };
    let mut missing = InterpreterError::Empty;
    for candidate in candidates {
        let mut words = candidate.split_whitespace();
        let Some(program) = words.next() else { continue };
        let name = Path::new(program).file_name().and_then(OsStr::to_str).unwrap_or(program);
        match look_up(program, path) {
            Some(program) => {
                let arguments = strictness(name).iter().copied().chain(words).map(str::to_owned).collect();
                return Ok(Interpreter { program, arguments, ending: ending(name) });
            }
            None => missing = InterpreterError::NotFound { program: program.to_owned(), path: path.to_string_lossy().into_owned() },
        }
    }
    Err(missing)
}

/// The programs that can run a language, the preferred one first.
fn by_language<'a>(language: &'a str, shell: Option<&'a str>) -> Option<Vec<&'a str>> {
    Some(match language {
        "sh" | "shell" | "" => vec![shell.unwrap_or("bash")],
        "bash" | "zsh" | "dash" | "ksh" | "fish" | "node" | "deno" | "bun" | "ruby" | "perl" | "lua" | "php" | "pwsh" | "Rscript" => vec![language],
        "python" | "python3" | "py" => vec!["python3", "python"],
        "js" | "javascript" | "mjs" => vec!["node"],
        "powershell" => vec!["pwsh"],
        "r" => vec!["Rscript"],
        "rb" => vec!["ruby"],
        _ => return None,
    })
}

/// Stop at the first error, at unset variables, and at errors within a pipe, where the shell can.
fn strictness(program: &str) -> &'static [&'static str] {
    match program {
        "bash" | "zsh" | "ksh" => &["-e", "-u", "-o", "pipefail"],
        "sh" | "dash" | "ash" => &["-e", "-u"],
        // Output that shows at once, as that of a shell does.
        "python" | "python3" => &["-u"],
        _ => &[],
    }
}

fn ending(program: &str) -> &'static str {
    match program {
        "python" | "python3" => "py",
        "node" | "deno" | "bun" => "js",
        "pwsh" => "ps1",
        _ => "script",
    }
}

fn look_up(program: &str, path: &OsStr) -> Option<PathBuf> {
    if program.contains('/') {
        return Some(PathBuf::from(program)).filter(|file| is_executable(file));
    }
    std::env::split_paths(path).map(|folder| folder.join(program)).find(|file| is_executable(file))
}

fn is_executable(file: &Path) -> bool {
    file.metadata().is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path() -> std::ffi::OsString {
        std::env::var_os("PATH").expect("the tests run with a PATH")
    }

    #[test]
    fn shells_are_strict_and_the_attribute_wins() {
        let bash = find("sh", None, None, &path()).unwrap();
        assert!(bash.program.ends_with("bash"));
        assert_eq!(bash.arguments, ["-e", "-u", "-o", "pipefail"]);
        let python = find("text", Some("python3 -I"), None, &path()).unwrap();
        assert_eq!((python.arguments, python.ending), (vec!["-u".to_owned(), "-I".to_owned()], "py"));
    }

    #[test]
    fn what_is_missing_is_named() {
        let unknown = find("cobol", None, None, &path()).unwrap_err();
        assert!(unknown.to_string().starts_with("no interpreter is known for \"cobol\""), "{unknown}");
        let missing = find("bash", Some("no-such-shell"), None, OsStr::new("/bin")).unwrap_err();
        assert_eq!(missing.to_string(), "\"no-such-shell\" is not installed here: it is in no folder of PATH (/bin)");
    }
}
