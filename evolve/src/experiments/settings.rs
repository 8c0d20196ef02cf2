//! How an experiment is played, apart from what it says itself.

use std::collections::BTreeMap;
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

    /// A variable of the environment that the experiment sees.
    pub fn variable(&self, name: &str) -> Option<String> {
        self.environment.get(name).cloned().or_else(|| std::env::var(name).ok())
    }

    pub fn path(&self, relative: &str) -> PathBuf {
        self.folder.join(relative)
    }
}
