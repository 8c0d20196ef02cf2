//! What no schema can say: names that lead somewhere, fields that depend on each other.

use std::collections::{BTreeMap, BTreeSet};

use super::decode::{self, env_type, items, own_extension};
use super::model::StopWhen;
use super::{activity as decoded, tolerance};
use crate::codes;
use crate::diagnostic::Level;
use crate::findings::Space;
use crate::kinds::Reading;
use crate::promql::PromqlFault;
use crate::source::{Node, Shape, Span};
use crate::suggest;

/// What may be named from elsewhere in the same experiment.
pub struct Names<'a> {
    activities: BTreeMap<&'a str, Vec<Span>>,
    secrets: BTreeSet<&'a str>,
    controls: BTreeSet<&'a str>,
}

pub fn check(tree: &Node, reading: &mut Reading<'_>) {
    let names = Names::of(tree);
    let probes = tree.get("steady-state-hypothesis").map(|hypothesis| items(hypothesis, "probes")).unwrap_or_default();
    names.check_unique(tree, reading);
    for probe in probes {
        activity(probe, &names, reading);
        match probe.entry("tolerance") {
            Some((key, written)) => tolerance::check(key.span, written, &names, reading),
            None => missing(reading, probe, "a probe of the hypothesis", "tolerance", "what its value must be"),
        }
    }
    for step in items(tree, "method").iter().chain(items(tree, "rollbacks")) {
        activity(step, &names, reading);
        if let Some((key, written)) = step.entry("tolerance") {
            tolerance::check(key.span, written, &names, reading);
        }
    }
    controls(tree, &names, reading);
    if let Some(hypothesis) = tree.get("steady-state-hypothesis") {
        controls(hypothesis, &names, reading);
    }
    configuration(tree, &names, reading);
    secrets(tree, reading);
    stop_conditions(tree, reading);
}

impl<'a> Names<'a> {
    fn of(tree: &'a Node) -> Self {
        let mut activities: BTreeMap<&str, Vec<Span>> = BTreeMap::new();
        for step in named_steps(tree) {
            if let Some((name, written)) = step.get("name").and_then(|name| Some((name.text()?, name))) {
                activities.entry(name).or_default().push(written.span);
            }
        }
        let keys = |field: &str| tree.get(field).map(Node::entries).unwrap_or_default().iter().filter_map(|(key, _)| key.text());
        let controls = items(tree, "controls").iter().filter_map(|control| control.get("name")?.text());
        Self { activities, secrets: keys("secrets").collect(), controls: controls.collect() }
    }

    /// A name that stands twice is a slip at most, unless something refers to it.
    fn check_unique(&self, tree: &Node, reading: &mut Reading<'_>) {
        let referred: BTreeSet<&str> = all_steps(tree).filter_map(|step| step.get("ref")?.text()).collect();
        for (name, places) in self.activities.iter().filter(|(_, places)| places.len() > 1) {
            let level = if referred.contains(name) { Level::Error } else { Level::Warning };
            for (index, place) in places.iter().enumerate() {
                let other = places[usize::from(index == 0)].start.line;
                let message = format!("two activities are named `{name}`, here and on line {other}");
                let mend = "give each its own name, or write `ref` to play one again".to_owned();
                reading.findings.report(level, codes::DUPLICATE_NAME, *place, message, mend);
            }
        }
    }
}

/// What a `ref` may name.
fn named_steps(tree: &Node) -> impl Iterator<Item = &Node> {
    let probes = tree.get("steady-state-hypothesis").map(|hypothesis| items(hypothesis, "probes")).unwrap_or_default();
    probes.iter().chain(items(tree, "method"))
}

fn all_steps(tree: &Node) -> impl Iterator<Item = &Node> {
    named_steps(tree).chain(items(tree, "rollbacks"))
}

/// An action or probe, wherever it stands.
pub fn activity(node: &Node, names: &Names<'_>, reading: &mut Reading<'_>) {
    if let Some(reference) = node.get("ref") {
        let name = reference.text().unwrap_or_default();
        if !names.activities.contains_key(name) {
            unknown(reading, reference.span, Level::Error, "activity", name, names.activities.keys().copied());
        }
        return;
    }
    missing(reading, node, "an activity", "type", "action or probe");
    missing(reading, node, "an activity", "name", "what people call it");
    carried_out(node, names, reading);
}

/// What carries an activity out. A probe of the configuration needs no name besides its key.
fn carried_out(node: &Node, names: &Names<'_>, reading: &mut Reading<'_>) {
    missing(reading, node, "an activity", "provider", "what carries it out: {type: http, process, python or mainstay, …}");
    if let Some(provider) = node.get("provider") {
        own_provider(node, provider, reading);
        for name in decoded::secrets_used(provider).iter().filter(|name| !names.secrets.contains(name.as_str())) {
            let span = provider.span_of(&["secrets".to_owned()]);
            unknown(reading, span, Level::Warning, "group of secrets", name, names.secrets.iter().copied());
        }
    }
    controls(node, names, reading);
}

/// `type: mainstay` does exactly one thing.
fn own_provider(node: &Node, provider: &Node, reading: &mut Reading<'_>) {
    if provider.get("type").and_then(Node::text) != Some("mainstay") {
        return;
    }
    let given: Vec<&str> = ["scenario", "promql", "fault"].into_iter().filter(|field| provider.get(field).is_some()).collect();
    let span = provider.span_of(&["type".to_owned()]);
    if given.len() != 1 {
        let message = "a mainstay provider has exactly one of `scenario`, `promql` and `fault`";
        return reading.findings.error(codes::WRONG_VALUE, span, message, None);
    }
    if given == ["fault"] && node.get("type").and_then(Node::text) == Some("probe") {
        let mend = "make it an action".to_owned();
        reading.findings.error(codes::WRONG_VALUE, span, "a probe only looks; a fault is an action", mend);
    }
    if let Some((name, scenario)) = provider.get("scenario").and_then(|scenario| Some((scenario.text()?, scenario)))
        && !name.contains('$')
    {
        reading.findings.refer(Level::Error, Space::Script, name, scenario.span);
    }
    if let Some((text, query)) = provider.get("promql").and_then(|query| Some((query.text()?, query))) {
        promql(text, query.span, reading);
    }
}

/// A template is known only once it is filled in.
fn promql(text: &str, span: Span, reading: &mut Reading<'_>) {
    if let Err(PromqlFault::Wrong(message)) = (reading.promql)(text)
        && !text.contains("${")
    {
        let mend = "see https://prometheus.io/docs/prometheus/latest/querying/basics/".to_owned();
        reading.findings.error(codes::PROMQL, span, message, mend);
    }
}

fn controls(node: &Node, names: &Names<'_>, reading: &mut Reading<'_>) {
    for control in items(node, "controls") {
        if let Some(reference) = control.get("ref") {
            let name = reference.text().unwrap_or_default();
            if !names.controls.contains(name) {
                unknown(reading, reference.span, Level::Error, "control of the experiment", name, names.controls.iter().copied());
            }
            continue;
        }
        missing(reading, control, "a control", "name", "what people call it");
        missing(reading, control, "a control", "provider", "what carries it out");
    }
}

fn configuration(tree: &Node, names: &Names<'_>, reading: &mut Reading<'_>) {
    for (key, value) in tree.get("configuration").map(Node::entries).unwrap_or_default() {
        match value.get("type").and_then(Node::text) {
            Some("env") => {
                source(key.span, value, &["key"], &["type", "key", "default", "env_var_type"], reading);
                env_variable_type(value, reading);
            }
            Some("probe") => carried_out(value, names, reading),
            _ => {}
        }
    }
}

fn env_variable_type(value: &Node, reading: &mut Reading<'_>) {
    let Some(written) = value.get("env_var_type") else { return };
    let name = written.text().unwrap_or_default();
    if env_type(name).is_none() {
        let mend = suggest::mend(name, ["str", "int", "float", "bool", "bytes", "json"], "one of");
        reading.findings.error(codes::WRONG_VALUE, written.span, format!("there is no type `{name}`"), mend);
    }
}

fn secrets(tree: &Node, reading: &mut Reading<'_>) {
    for (key, group) in tree.get("secrets").map(Node::entries).unwrap_or_default() {
        if group.shape() != Shape::Object {
            let mend = "name the group, then its secrets: {group: {name: value}}".to_owned();
            reading.findings.error(codes::WRONG_TYPE, key.span, "secrets stand in groups", mend);
        }
        secret(key.span, group, reading);
    }
}

fn secret(key: Span, node: &Node, reading: &mut Reading<'_>) {
    match node.get("type").and_then(Node::text) {
        Some("env") => source(key, node, &["key"], &["type", "key"], reading),
        Some("file") => source(key, node, &["path"], &["type", "path", "key"], reading),
        Some("vault") => source(key, node, &["path"], &["type", "path", "key"], reading),
        Some("mainstay") => source(key, node, &["name"], &["type", "name"], reading),
        _ if node.shape() == Shape::Object => {
            for (key, inner) in node.entries() {
                secret(key.span, inner, reading);
            }
        }
        _ => {
            let mend = "put it into an environment variable and write {type: env, key: NAME}; then change the secret".to_owned();
            reading.findings.report(Level::Warning, codes::SECRET, key, "the secret is written in the document", mend);
        }
    }
}

/// `{type: env, key: NAME}` and its like.
fn source(key: Span, node: &Node, required: &[&str], known: &[&str], reading: &mut Reading<'_>) {
    for field in required.iter().filter(|field| node.get(field).and_then(Node::text).is_none_or(str::is_empty)) {
        let kind = node.get("type").and_then(Node::text).unwrap_or_default();
        let message = format!("a value of type `{kind}` lacks `{field}`");
        reading.findings.error(codes::MISSING_FIELD, key, message, format!("add `{field}`"));
    }
    known_fields("where a value comes from", node, known, reading);
}

fn stop_conditions(tree: &Node, reading: &mut Reading<'_>) {
    for node in own_extension(tree).map(|extension| items(extension, "stopWhen")).unwrap_or_default() {
        match decode::stop_when(node) {
            Some(StopWhen::Promql(text)) if node.text().is_some() => promql(&text, node.span, reading),
            Some(_) => {}
            None => missing(reading, node, "a stop condition", "alert", "an alarm's name, or `promql`: a query"),
        }
    }
}

/// In the fixed forms of a foreign format, a field that is not known does nothing, which is never meant.
pub fn known_fields(what: &str, node: &Node, known: &[&str], reading: &mut Reading<'_>) {
    for (key, _) in node.entries() {
        let Some(name) = key.text().filter(|name| !known.contains(name)) else { continue };
        let mend = suggest::mend(name, known.iter().copied(), "known fields");
        reading.findings.error(codes::UNKNOWN_FIELD, key.span, format!("{what} has no field `{name}`"), mend);
    }
}

fn missing(reading: &mut Reading<'_>, node: &Node, what: &str, field: &str, help: &str) {
    if node.get(field).is_none() {
        let span = node.entries().first().map_or(node.span, |(key, _)| key.span);
        reading.findings.error(codes::MISSING_FIELD, span, format!("{what} lacks `{field}`"), format!("add `{field}`: {help}"));
    }
}

fn unknown<'a>(reading: &mut Reading<'_>, span: Span, level: Level, what: &str, name: &str, known: impl Iterator<Item = &'a str> + Clone) {
    let mend = suggest::mend(name, known, "there are");
    reading.findings.report(level, codes::UNKNOWN_REFERENCE, span, format!("the experiment has no {what} `{name}`"), mend);
}
