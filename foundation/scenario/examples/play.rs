//! Plays a script as a load and prints the report as JSON: `play SCRIPT [TARGET] [WORKERS]`.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use mainstay_scenario::load::{self, LoadOptions, Report, Unobserved};
use mainstay_scenario::{CompileOptions, Program};
use tokio_util::sync::CancellationToken;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some(path) = arguments.first().map(Path::new) else {
        eprintln!("play SCRIPT [TARGET] [WORKERS]");
        return ExitCode::FAILURE;
    };
    let (script, diagnostics) = documents::script::read_file(path);
    for diagnostic in &diagnostics {
        eprintln!("{}:{}: {}", diagnostic.origin.path, diagnostic.origin.line, diagnostic.message);
    }
    let Some(script) = script else { return ExitCode::FAILURE };
    let options = CompileOptions {
        folder: path.parent().unwrap_or(Path::new(".")).to_owned(),
        target: arguments.get(1).filter(|target| !target.is_empty()).cloned(),
        ..CompileOptions::default()
    };
    let program = match Program::compile(&script, &options) {
        Ok(program) => Arc::new(program),
        Err(errors) => {
            errors.iter().for_each(|error| eprintln!("{error} ({})", error.mend.as_deref().unwrap_or_default()));
            return ExitCode::FAILURE;
        }
    };
    let options =
        LoadOptions { workers: arguments.get(2).and_then(|count| count.parse().ok()), ..LoadOptions::default() };
    let late_after = options.late_after;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let played = load::run(program.clone(), options, Arc::new(Unobserved), CancellationToken::new());
    match runtime.block_on(played) {
        Ok(outcome) => {
            let report = Report::new(&program, &outcome, late_after);
            println!("{}", serde_json::to_string_pretty(&report).expect("a report is JSON"));
            ExitCode::from(u8::from(report.failure().is_some()))
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
