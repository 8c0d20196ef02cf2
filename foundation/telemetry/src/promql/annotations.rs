//! What an evaluation says beside its value: warnings of results that may be wrong, and hints.

use std::collections::BTreeSet;

#[derive(Debug, Default)]
pub struct Annotations {
    warnings: BTreeSet<String>,
    infos: BTreeSet<String>,
}

/// More than anyone reads; a query over many metrics must not answer with one line for each.
const MAX_EACH: usize = 20;

impl Annotations {
    pub fn warn(&mut self, message: String) {
        add(&mut self.warnings, format!("PromQL warning: {message}"));
    }

    pub fn info(&mut self, message: String) {
        add(&mut self.infos, format!("PromQL info: {message}"));
    }

    /// The warnings, then the hints, each sorted.
    pub fn into_lists(self) -> (Vec<String>, Vec<String>) {
        (self.warnings.into_iter().collect(), self.infos.into_iter().collect())
    }
}

fn add(messages: &mut BTreeSet<String>, message: String) {
    if messages.len() < MAX_EACH {
        messages.insert(message);
    }
}
