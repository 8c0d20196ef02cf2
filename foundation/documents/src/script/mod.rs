//! Scenario scripts, in Artillery's format: YAML or JSON, as they are.
//!
//! A file is one of them if it has `scenarios` with a `flow`, or a `config` with what only Artillery has. Its
//! shape is checked by the schema; what fields mean together is checked here, where Artillery itself says
//! nothing. Numbers and switches of `config` may be templates (`{{ $env.RATE }}`); they are filled in from
//! what is [`Given`]. Texts stay templates for whoever plays the script. JSONPath, XPath and CSS selectors
//! are left to the parsers that will run them.
//!
//! Source: Artillery, `packages/types/schema` and `packages/artillery/lib/core`.

mod browser;
mod capture;
mod config;
mod duration;
mod expect;
mod flow;
mod given;
mod grpc;
mod journey;
mod model;
mod overlay;
mod payload;
mod phase;
mod plugins;
mod reader;
pub(crate) mod recognize;
mod request;
mod shared;
mod ws;

use std::path::Path;

use sha2::{Digest, Sha256};

use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::findings::Space;
use crate::graph::Loaded;
use crate::kinds::{Document, Reading};
use crate::load::{self, Options};
use crate::schema;
use crate::source::Node;
use reader::Reader;

pub use duration::duration;
pub(crate) use duration::of_text as duration_of;
pub use given::Given;
pub use model::*;
pub use shared::OwnSettings;

/// Reads one file as a script, with the process's environment, without looking at what lies around it.
pub fn read_file(path: &Path) -> (Option<Script>, Vec<Diagnostic>) {
    read_file_with(path, Given::default())
}

/// A script without errors, and whatever there is to say about it. A script of settings only, to be used
/// with others, has no scenarios.
pub fn read_file_with(path: &Path, given: Given) -> (Option<Script>, Vec<Diagnostic>) {
    let mut loaded = load_file(path, given);
    (loaded.graph.scripts.pop_first().map(|(_, script)| script), loaded.diagnostics)
}

/// The same, as reports take it. The graph holds the script if it has no errors, and nothing else.
pub fn load_file(path: &Path, given: Given) -> Loaded {
    load::load_file(path, &Options { given, ..Options::default() }, read_known)
}

/// One of a folder. Settings that other scripts share are checked, and are no script of their own.
pub(crate) fn read(tree: &Node, text: &str, reading: &mut Reading<'_>) {
    let script = script(tree, text, reading);
    if tree.entry("scenarios").is_some() {
        let (name, shown) = (script.name.clone(), script.name.clone());
        reading.findings.declare(Space::Script, name, shown, tree.span_of(&["scenarios".to_owned()]));
        reading.keep(tree, Some(Document::Script(Box::new(script))));
    }
}

fn read_known(tree: &Node, text: &str, reading: &mut Reading<'_>) {
    if tree.entry("scenarios").is_none() && tree.entry("config").is_none() {
        let mend = "write `scenarios`, each with a `flow`; see `mainstay schema script`".to_owned();
        let message = "this is no scenario script: it has neither `scenarios` nor `config`";
        return reading.findings.error(codes::UNKNOWN_KIND, tree.span, message, mend);
    }
    let script = script(tree, text, reading);
    reading.keep(tree, Some(Document::Script(Box::new(script))));
}

fn script(tree: &Node, text: &str, reading: &mut Reading<'_>) -> Script {
    schema::SCRIPT.check(tree, &mut reading.findings, reading.promql);
    let name = stem(reading.findings.path()).to_owned();
    let origin = reading.findings.origin(tree.span);
    let mut reader = Reader::of(tree, reading);
    let scenarios = tree.get("scenarios").map(Node::items).unwrap_or_default();
    let before = tree.get("before").and_then(|node| journey::read(node, &mut reader));
    let after = tree.get("after").and_then(|node| journey::read(node, &mut reader));
    let scenarios = scenarios.iter().filter_map(|node| journey::read(node, &mut reader)).collect();
    let unset = reader.unset();
    let (config, environments) = config::read(tree.get("config"), &unset, &mut reader);
    Script { name, digest: digest(text), config, environments, before, after, scenarios, origin }
}

/// The file's name without its ending.
fn stem(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}

fn digest(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}
