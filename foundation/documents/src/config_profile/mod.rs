//! `kind: ConfigProfile`: a configuration or a set of feature flags, for each environment.
//!
//! What is served lies in files beside the document (or in it); a version is the digest of its bytes.

mod content;
mod json_schema;
mod rollout;

use std::sync::Arc;
use std::time::Duration;

use jsonschema::Validator;
use kernel::EntityRef;
use serde::Serialize;

use crate::codes;
use crate::diagnostic::{Level, Origin};
use crate::findings::Space;
use crate::kinds::{Document, Reading};
use crate::schema;
use crate::source::{Home, Node};
use crate::strategy::{self, Strategy};
pub use content::ConfigContent;
use content::Given;
pub use rollout::{of_rollout_name, rollout_name};

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ConfigProfile {
    pub name: String,
    pub title: Option<String>,
    pub description: Option<String>,
    /// Whose configuration it is.
    pub component: EntityRef,
    #[serde(rename = "type")]
    pub kind: ProfileKind,
    /// In the order written; at least one.
    pub environments: Vec<ConfigEnvironment>,
    pub validators: Vec<ConfigValidator>,
    pub origin: Origin,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ProfileKind {
    Freeform,
    Flags,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ConfigEnvironment {
    pub name: String,
    pub content: Arc<ConfigContent>,
    /// How a new version goes out; all at once if absent.
    pub strategy: Option<Strategy>,
    /// Instead of the strategy's own time of watching after the last step.
    pub bake: Option<Duration>,
    /// Names of alerts that roll a new version back.
    pub alarms: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum ConfigValidator {
    /// A JSON Schema; already held against the content when the document is read.
    Schema { file: String },
    /// A program that gets the content on its standard input and succeeds if it is right.
    Command(Vec<String>),
}

impl ConfigProfile {
    pub fn environment(&self, name: &str) -> Option<&ConfigEnvironment> {
        self.environments.iter().find(|environment| environment.name == name)
    }
}

pub(crate) fn read(tree: &Node, reading: &mut Reading<'_>) {
    reading.findings.home = Home::default();
    schema::CONFIG_PROFILE.check(tree, &mut reading.findings, reading.promql);
    if let Some(name) = tree.at(&["metadata", "name"]) {
        let text = name.text().unwrap_or_default();
        reading.findings.declare(Space::ConfigProfile, text, text, name.span);
    }
    let profile = tree.get("spec").and_then(|spec| decode(tree, spec, reading));
    reading.keep(tree, profile.map(|profile| Document::ConfigProfile(Box::new(profile))));
}

/// Looks at every part, so that all faults are told, before one that is missing ends it.
fn decode(tree: &Node, spec: &Node, reading: &mut Reading<'_>) -> Option<ConfigProfile> {
    let kind = match spec.get("type").and_then(Node::text) {
        Some("flags") => ProfileKind::Flags,
        _ => ProfileKind::Freeform,
    };
    let (validators, schemas) = validators(spec, kind, reading);
    let given = Given {
        kind,
        format: spec.get("format").and_then(Node::text).and_then(flags::Format::named),
        content_type: spec.owned("contentType"),
        schemas,
    };
    if let Some((key, _)) = spec.entry("format").filter(|_| kind == ProfileKind::Freeform) {
        reading.findings.error(codes::UNKNOWN_FIELD, key.span, "`format` belongs to flags", "take it away".to_owned());
    }
    let shared = Shared { bake: spec.duration("bake"), alarms: alarms(spec, reading), strategy: spec.get("strategy").and_then(|node| strategy::read(node, reading)) };
    let written = spec.get("environments").map(Node::items).unwrap_or_default();
    let environments: Vec<_> = written.iter().map(|node| environment(node, spec, &given, &shared, reading)).collect();
    twice(written, reading);
    let metadata = tree.get("metadata")?;
    Some(ConfigProfile {
        name: metadata.owned("name")?,
        title: metadata.owned("title"),
        description: metadata.owned("description"),
        component: Home::default().resolve(spec.get("component")?.text()?, Some("component")).ok()?,
        kind,
        environments: environments.into_iter().collect::<Option<_>>()?,
        validators,
        origin: reading.findings.origin(tree.span),
    })
}

/// What holds for every environment that says nothing else.
struct Shared {
    strategy: Option<Strategy>,
    bake: Option<Duration>,
    alarms: Vec<String>,
}

fn environment(node: &Node, spec: &Node, given: &Given, shared: &Shared, reading: &mut Reading<'_>) -> Option<ConfigEnvironment> {
    let own = ["file", "content"].into_iter().any(|field| node.get(field).is_some());
    let content = content::read(if own { node } else { spec }, node.span, given, reading);
    let strategy = node.get("strategy").and_then(|node| strategy::read(node, reading));
    let alarms = if node.get("alarms").is_some() { alarms(node, reading) } else { shared.alarms.clone() };
    Some(ConfigEnvironment {
        name: node.owned("name")?,
        content: Arc::new(content?),
        strategy: strategy.or_else(|| shared.strategy.clone()),
        bake: node.duration("bake").or(shared.bake),
        alarms,
    })
}

fn twice(environments: &[Node], reading: &mut Reading<'_>) {
    for (index, name) in environments.iter().enumerate().filter_map(|(index, node)| Some((index, node.get("name")?))) {
        if environments[..index].iter().any(|before| before.get("name").and_then(Node::text) == name.text()) {
            let message = format!("the environment `{}` stands here a second time", name.text().unwrap_or_default());
            reading.findings.error(codes::WRONG_VALUE, name.span, message, "keep one of the two".to_owned());
        }
    }
}

fn alarms(node: &Node, reading: &mut Reading<'_>) -> Vec<String> {
    let mut names = Vec::new();
    for (node, name) in node.get("alarms").map(Node::items).unwrap_or_default().iter().filter_map(|node| Some((node, node.text()?))) {
        reading.findings.refer(Level::Error, Space::AlertName, name, node.span);
        names.push(name.to_owned());
    }
    names
}

fn validators(spec: &Node, kind: ProfileKind, reading: &mut Reading<'_>) -> (Vec<ConfigValidator>, Vec<Validator>) {
    let (mut validators, mut schemas) = (Vec::new(), Vec::new());
    for node in spec.get("validators").map(Node::items).unwrap_or_default() {
        if let Some((node, file)) = node.get("schema").and_then(|schema| Some((schema, schema.text()?))) {
            if kind == ProfileKind::Flags {
                let message = "flags are checked by their own format, not by a JSON Schema";
                reading.findings.error(codes::WRONG_VALUE, node.span, message, "say what an attribute may be by its `constraints`".to_owned());
                continue;
            }
            schemas.extend(json_schema::compile(node, file, reading));
            validators.push(ConfigValidator::Schema { file: file.to_owned() });
        } else if node.get("command").is_some() {
            validators.push(ConfigValidator::Command(node.texts("command")));
        }
    }
    (validators, schemas)
}
