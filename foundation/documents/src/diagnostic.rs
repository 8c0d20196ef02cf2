//! Problems, as people and editors want them: where, what is wrong, and the mend.

use serde::Serialize;

/// Where something was written. Lines and columns count from 1, in characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Origin {
    /// Below the folder that was loaded, with `/` between its parts.
    pub path: String,
    pub line: u32,
    pub column: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Must be mended. What holds the fault is left out of the graph, unless the fault is only a reference
    /// to something unknown: then the reference leads nowhere and the rest works.
    Error,
    /// It can, but something is likely not meant so.
    Warning,
    /// For information, e.g. a field that is kept but means nothing to Mainstay.
    Note,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// Stable, e.g. `unknown-field`; documented in `docs/diagnostics.md`.
    pub code: &'static str,
    pub level: Level,
    pub origin: Origin,
    /// How many characters the mark covers on its line; at least 1.
    pub length: u32,
    pub message: String,
    /// What to do, e.g. "did you mean `owner`?".
    pub mend: Option<String>,
}

impl Level {
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}
