//! Runs scripts of Prometheus's test format (`promql/promqltest/README.md` in its repository) against
//! our engine over series in memory.

mod expect;
mod notation;
mod run;
mod script;

use std::path::{Path, PathBuf};

pub use run::Names;

/// How many statements of a file passed, failed, or need what we do not have.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    pub passed: usize,
    pub failed: usize,
    pub unsupported: usize,
    /// Line and reason of each failure.
    pub failures: Vec<(usize, String)>,
    /// The same of what is unsupported.
    pub gaps: Vec<(usize, String)>,
}

/// Runs every `*.test` file below a folder and prints a line for each, then the total. Says whether
/// nothing failed.
pub async fn report(folder: &Path, names: Names, verbose: bool) -> std::io::Result<bool> {
    let mut total = Tally::default();
    for file in scripts(folder)? {
        let tally = run_file(&file, names).await?;
        let name = file.strip_prefix(folder).unwrap_or(&file).display();
        println!("{name} {} {} {}", tally.passed, tally.failed, tally.unsupported);
        for (line, reason) in &tally.failures {
            eprintln!("  {name}:{line}: {reason}");
        }
        for (line, reason) in tally.gaps.iter().filter(|_| verbose) {
            eprintln!("  {name}:{line}: unsupported: {reason}");
        }
        total.passed += tally.passed;
        total.failed += tally.failed;
        total.unsupported += tally.unsupported;
    }
    println!("total {} {} {}", total.passed, total.failed, total.unsupported);
    Ok(total.failed == 0)
}

pub async fn run_file(file: &Path, names: Names) -> std::io::Result<Tally> {
    let text = std::fs::read_to_string(file)?;
    Ok(run::run(&script::parse(&text), names).await)
}

/// The scripts below a folder, sorted.
pub fn scripts(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(scripts(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "test") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn must_pass(folder: &Path, names: Names) {
        for file in scripts(folder).unwrap() {
            // These say what happens to names that are dropped last.
            let delayed_only = file.file_name().is_some_and(|name| name.to_string_lossy().starts_with("delayed_"));
            if names == Names::DroppedAtOnce && delayed_only {
                continue;
            }
            let tally = run_file(&file, names).await.unwrap();
            assert_eq!(tally.failures, [], "{}", file.display());
        }
    }

    fn own() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../foundation/telemetry/tests/promql")
    }

    #[tokio::test]
    async fn our_scripts_pass() {
        assert!(!scripts(&own()).unwrap().is_empty());
        must_pass(&own(), Names::DroppedAtOnce).await;
        must_pass(&own(), Names::DroppedLast).await;
    }

    /// A folder of more scripts, such as Prometheus's own, named by the environment.
    #[tokio::test]
    async fn further_scripts_pass() {
        if let Some(folder) = std::env::var_os("MAINSTAY_PROMQL_TESTS") {
            must_pass(Path::new(&folder), Names::DroppedLast).await;
        }
    }

    #[tokio::test]
    async fn a_wrong_expectation_fails_and_a_histogram_is_unsupported() {
        let text = "load 1m\n  x 1 2 3\n\neval instant at 1m x\n  x 3\n\neval instant at 1m x\n  x {{count:1}}\n\neval instant at 1m x\n  x 2\n";
        let tally = run::run(&script::parse(text), Names::DroppedAtOnce).await;
        assert_eq!((tally.passed, tally.failed, tally.unsupported), (1, 1, 1));
        assert_eq!(tally.failures[0].0, 4);
    }
}
