//! What a folder's problems look like to people, to scripts and to code review.

mod sarif;
mod text;

use std::path::Path;

use serde::Serialize;

use crate::diagnostic::{Diagnostic, Level};
use crate::graph::Loaded;

pub use sarif::sarif;
pub use text::text;

/// How many of each level.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    pub errors: usize,
    pub warnings: usize,
    pub notes: usize,
}

impl Counts {
    pub fn of(diagnostics: &[Diagnostic]) -> Self {
        let count = |level| diagnostics.iter().filter(|diagnostic| diagnostic.level == level).count();
        Self { errors: count(Level::Error), warnings: count(Level::Warning), notes: count(Level::Note) }
    }
}

/// For scripts: `{"root", "revision", "files", "errors", "warnings", "notes", "diagnostics"}`.
pub fn json(loaded: &Loaded) -> serde_json::Value {
    let counts = Counts::of(&loaded.diagnostics);
    serde_json::json!({
        "root": loaded.graph.root.to_string_lossy(),
        "revision": loaded.graph.revision,
        "files": loaded.files,
        "errors": counts.errors,
        "warnings": counts.warnings,
        "notes": counts.notes,
        "diagnostics": loaded.diagnostics,
    })
}

/// A file's path as the reader of a report knows it: below the folder that they named.
fn shown(root: &Path, path: &str) -> String {
    let prefix = root.to_string_lossy().replace('\\', "/");
    match prefix.trim_end_matches('/').trim_start_matches("./") {
        "" | "." => path.to_owned(),
        prefix => format!("{prefix}/{path}"),
    }
}
