//! Chaos Toolkit's experiments, JSON or YAML, as they are.
//!
//! Source: Chaos Toolkit, "An Open API for Chaos Engineering Experiments". What the toolkit has no word for
//! stands in its `extensions`, under the name `mainstay`: see [`Safety`].

mod activity;
mod check;
mod decode;
mod hidden;
pub mod jsonpath;
mod model;
mod tolerance;

use std::path::Path;

use sha2::{Digest, Sha256};

use crate::findings::Space;
use crate::graph::Loaded;
use crate::kinds::{Document, Reading};
use crate::load::{self, Options};
use crate::schema;
use crate::source::recognize::{Claim, claim};
use crate::source::{Node, yaml};

pub use model::*;

/// The name of our own extension.
pub const EXTENSION: &str = "mainstay";

/// Reads one file as an experiment, whatever it looks like. The graph holds the experiment if it has no
/// errors, and nothing else.
pub fn read_file(path: &Path) -> Loaded {
    load::load_file(path, &Options::default(), read)
}

/// Whether a file holds an experiment, as far as can be told by its content.
pub fn is_experiment(path: &Path) -> bool {
    std::fs::read_to_string(path).is_ok_and(|text| yaml::parse(&text, 0).roots.first().is_some_and(|tree| claim(tree) == Claim::Experiment))
}

pub(crate) fn read(tree: &Node, text: &str, reading: &mut Reading<'_>) {
    schema::EXPERIMENT.check(tree, &mut reading.findings, reading.promql);
    check::check(tree, reading);
    let path = reading.findings.path().to_owned();
    let name = stem(&path);
    reading.findings.declare(Space::Experiment, name, name, tree.span_of(&["title".to_owned()]));
    let origin = reading.findings.origin(tree.span);
    let experiment = decode::experiment(tree, name, digest(text), origin, &reading.findings);
    reading.keep(tree, experiment.map(|experiment| Document::Experiment(Box::new(experiment))));
}

/// The file's name without its ending.
fn stem(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}

fn digest(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}
