//! How an experiment is played, apart from what it says itself.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use documents::experiment::{HypothesisStrategy, RollbackStrategy};
use serde_json::{Map, Value};

use super::tolerance::Mode;

#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// The toolkit's own behaviour where it differs from its specification; see `docs/chaos-toolkit.md`.
    pub compatible: bool,
    /// Instead of the experiment's own.
    pub hypothesis: Option<HypothesisStrategy>,
    pub rollbacks: Option<RollbackStrategy>,
    /// Between two looks during the method.
    pub frequency: Option<Duration>,
    pub fail_fast: Option<bool>,
    /// Instead of the configuration's own values of these names.
    pub variables: Map<String, Value>,
    /// On top of this process's environment.
    pub environment: BTreeMap<String, String>,
    /// Where processes run, where relative paths begin, and where Python looks for modules first. This
    /// process's folder if empty.
    pub folder: PathBuf,
    /// The Python interpreter; else `MAINSTAY_PYTHON`, else `python3` or `python` in PATH.
    pub python: Option<PathBuf>,
    /// Somebody who may has approved this playing in production.
    pub approved: bool,
}

impl Settings {
    pub fn mode(&self) -> Mode {
        if self.compatible { Mode::Compatible } else { Mode::Specified }
    }

    /// A variable of the environment that the experiment sees. The server's own settings are not for experiments.
    pub fn variable(&self, name: &str) -> Option<String> {
        let inherited = || (!is_own(name)).then(|| std::env::var(name).ok()).flatten();
        self.environment.get(name).cloned().or_else(inherited)
    }

    /// What the experiment's processes do not inherit.
    pub fn withheld() -> impl Iterator<Item = OsString> {
        std::env::vars_os().map(|(name, _)| name).filter(|name| is_own(&name.to_string_lossy()))
    }

    pub fn path(&self, relative: &str) -> PathBuf {
        self.folder.join(relative)
    }
}

fn is_own(name: &str) -> bool {
    name.starts_with("MAINSTAY_") && name != PYTHON
}

/// The interpreter of Python's activities.
pub const PYTHON: &str = "MAINSTAY_PYTHON";
