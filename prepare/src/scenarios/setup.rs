//! A script and what it is played with.

use std::collections::BTreeMap;
use std::path::Path;

use documents::script::{Phase, Script};
use scenario::{CompileError, CompileOptions, Program};

use crate::runs::playable::MODE;

#[derive(Debug, Clone)]
pub struct Setup {
    pub script: Script,
    pub options: CompileOptions,
}

impl Setup {
    /// A script of the documents below `root`, where its files are found.
    pub fn below(root: &Path, script: &Script, options: CompileOptions) -> Self {
        let folder = root.join(&script.origin.path).parent().unwrap_or(root).to_owned();
        Self { script: script.clone(), options: CompileOptions { folder, ..options } }
    }

    pub fn compile(&self) -> Result<Program, Vec<CompileError>> {
        Program::compile(&self.script, &self.options)
    }

    pub fn environment(&self) -> Option<&str> {
        self.options.environment.as_deref()
    }

    pub fn phases(&self) -> &[Phase] {
        let environment = self.environment().and_then(|name| self.script.environments.get(name));
        &environment.unwrap_or(&self.script.config).phases
    }

    /// The same with another load.
    pub fn with_phases(&self, phases: Vec<Phase>) -> Self {
        let mut setup = self.clone();
        for config in setup.script.environments.values_mut() {
            config.phases.clone_from(&phases);
        }
        setup.script.config.phases = phases;
        setup
    }

    /// As a run has them.
    pub fn parameters(&self, mode: &str) -> BTreeMap<String, String> {
        let given = [(MODE, Some(mode)), ("environment", self.environment()), ("target", self.options.target.as_deref())];
        given.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned()))).collect()
    }
}

/// All faults in one line.
pub fn joined(errors: &[CompileError]) -> String {
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}
