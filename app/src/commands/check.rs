//! `mainstay check`: every problem of the documents below a folder.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::ValueEnum;
use documents::Loaded;
use documents::report::{self, Counts};

use super::{EXIT_COULD_NOT_RUN, EXIT_PROBLEMS};
use crate::reading;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The folder; `ops` if there is one, else the one you stand in
    #[arg(value_name = "DIR")]
    folder: Option<PathBuf>,

    /// How to report: for people, for scripts, or for code review
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,

    /// Let warnings and notes fail the check too
    #[arg(long)]
    strict: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
    Sarif,
}

pub fn run(args: Args) -> ExitCode {
    let folder = args.folder.unwrap_or_else(default_folder);
    if !folder.is_dir() {
        eprintln!("mainstay: there is no folder {}; name one, or begin with `mainstay init`", folder.display());
        return ExitCode::from(EXIT_COULD_NOT_RUN);
    }
    let loaded = documents::load_with(&folder, &reading::options());
    let shown = match args.format {
        Format::Text => text(&loaded),
        Format::Json => format!("{:#}\n", report::json(&loaded)),
        Format::Sarif => format!("{:#}\n", report::sarif(&loaded, env!("CARGO_PKG_VERSION"))),
    };
    if let Err(error) = std::io::stdout().write_all(shown.as_bytes()) {
        // Whoever reads only the first lines (`| head`) closes the pipe; that is no failure to report.
        tracing::debug!(%error, "the report was not read to its end");
    }
    if fails(&loaded, args.strict) { ExitCode::from(EXIT_PROBLEMS) } else { ExitCode::SUCCESS }
}

fn default_folder() -> PathBuf {
    let ops = Path::new("ops");
    if ops.is_dir() { ops.to_owned() } else { PathBuf::from(".") }
}

fn text(loaded: &Loaded) -> String {
    let color = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let mut text = report::text(loaded, color);
    if loaded.files == 0 {
        text.push_str("nothing here is a document; `mainstay init` writes a first folder\n");
    }
    text
}

fn fails(loaded: &Loaded, strict: bool) -> bool {
    let counts = Counts::of(&loaded.diagnostics);
    counts.errors > 0 || (strict && counts != Counts::default())
}
