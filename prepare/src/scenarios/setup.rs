//! A script and what it is played with.

use std::collections::BTreeMap;
use std::path::Path;

use documents::script::{Phase, Script};
use documents::value::holds_reference;
use scenario::{CompileError, CompileOptions, Program};
use secrecy::{ExposeSecret, SecretString};

use crate::runs::playable::MODE;
use crate::secrets::Asking;
use crate::values::{ValueError, ValueSource};

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

    /// Fills in the references of the script's variables, and tells what is secret of them.
    pub async fn fill(&mut self, values: &dyn ValueSource, asking: &Asking) -> Result<Vec<SecretString>, ValueError> {
        let environment = self.environment().and_then(|name| self.script.environments.get(name));
        let written = environment.unwrap_or(&self.script.config).variables.clone();
        let mut secrets = Vec::new();
        for (name, value) in written {
            // What was given instead is taken as it is.
            if holds_reference(&value) && !self.options.variables.contains_key(&name) {
                let filled = values.fill_json(&value, asking, &mut secrets).await?;
                self.options.variables.insert(name, filled);
            }
        }
        self.options.secrets.extend(secrets.iter().map(|secret| secret.expose_secret().to_owned()));
        Ok(secrets)
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
