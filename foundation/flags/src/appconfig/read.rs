//! The JSON of a definition → its flags, with every mistake at its place.

use serde_json::{Map, Value};

use super::constraints::{self, Constraints};
use super::rule::{self, Rule};
use super::{AppConfigFlag, Attribute, Choice};
use crate::bucketing::Bucketing;
use crate::fault::{Faults, meant};
use crate::set::{Flag, Read, Rules, Variant};
use crate::source::{Content, Entry, Node};

/// AppConfig's own limits.
const ATTRIBUTES_MAX: usize = 25;
const VARIANTS_MAX: usize = 32;
const KEY_CHARS_MAX: usize = 64;

pub fn read(root: &Node, faults: &mut Faults) -> Read {
    known(root, &["version", "flags", "values"], faults);
    match root.get("version") {
        None => faults.add(root.place, "the definition lacks `version`", "add \"version\": \"1\"".to_owned()),
        Some(version) if version.text() != Some("1") => {
            faults.add(version.place, "this is not a version that is read", "write \"version\": \"1\"".to_owned());
        }
        Some(_) => {}
    }
    let values = entries(root, "values", faults);
    let definitions = entries(root, "flags", faults);
    for value in values.iter().filter(|value| !definitions.iter().any(|flag| flag.key == value.key)) {
        let names: Vec<&str> = definitions.iter().map(|flag| flag.key.as_str()).collect();
        faults.add(value.place, format!("`flags` has no `{}`", value.key), meant(&value.key, &names));
    }
    let flag = |entry: &Entry| flag(entry, values.iter().find(|value| value.key == entry.key), faults);
    Read { bucketing: Bucketing::Murmur3SplitV1, flags: definitions.iter().map(flag).collect() }
}

fn flag(entry: &Entry, value: Option<&Entry>, faults: &mut Faults) -> Flag {
    let definition = &entry.value;
    key(entry, faults);
    known(definition, &["name", "description", "_createdAt", "_updatedAt", "_deprecation", "attributes"], faults);
    let attributes = attributes(definition, faults);
    let (choices, has_variants) = match value {
        Some(value) => choices(&value.value, &attributes, faults),
        None => {
            faults.doubt(entry.place, format!("`{}` has no value, so it is off", entry.key), format!("add `{}` to `values`", entry.key));
            (vec![choice(None, false, None, Map::new())], false)
        }
    };
    let written = value.map(|value| value.value.get("_variants").map(Node::items).unwrap_or_default()).unwrap_or_default();
    let rule = |index: usize| written.get(index).and_then(|variant| variant.get("rule")).and_then(Node::text).map(str::to_owned);
    let variant = |(index, choice): (usize, &Choice)| Variant { name: choice.name.clone(), value: choice.shown.clone(), rule: rule(index) };
    Flag {
        key: entry.key.clone(),
        title: text(definition, "name"),
        description: text(definition, "description"),
        deprecated: definition.get("_deprecation").is_some_and(|deprecation| deprecation.get("status").is_some()),
        variants: choices.iter().enumerate().map(variant).collect(),
        metadata: Map::new(),
        rules: Rules::AppConfig(AppConfigFlag {
            attributes: attributes.iter().map(|(name, _)| Attribute { key: format!("{}.{name}", entry.key), name: name.clone() }).collect(),
            choices,
            has_variants,
        }),
    }
}

fn attributes(definition: &Node, faults: &mut Faults) -> Vec<(String, Constraints)> {
    let entries = entries(definition, "attributes", faults);
    if entries.len() > ATTRIBUTES_MAX {
        faults.add(entries[ATTRIBUTES_MAX].place, format!("a flag has {ATTRIBUTES_MAX} attributes at most"), None);
    }
    let read = |entry: &Entry| {
        key(entry, faults);
        known(&entry.value, &["description", "constraints"], faults);
        (entry.key.clone(), constraints::read(entry.value.get("constraints"), faults))
    };
    entries.iter().map(read).collect()
}

/// What the flag can come to; whether it has variants.
fn choices(value: &Node, attributes: &[(String, Constraints)], faults: &mut Faults) -> (Vec<Choice>, bool) {
    let Some(variants) = value.get("_variants") else {
        let enabled = enabled(value, faults);
        let own = value.entries().iter().filter(|entry| !matches!(entry.key.as_str(), "enabled" | "_createdAt" | "_updatedAt"));
        let values = constraints::check(value, own, attributes, enabled, faults);
        return (vec![choice(None, enabled, None, values)], false);
    };
    known(value, &["_variants", "_createdAt", "_updatedAt", "enabled"], faults);
    let items = variants.items();
    if items.is_empty() || items.len() > VARIANTS_MAX {
        faults.add(variants.place, format!("a flag has between 1 and {VARIANTS_MAX} variants"), None);
    }
    let mut choices = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        choices.push(variant(item, index + 1 == items.len(), attributes, faults));
        overlap(item, &choices, faults);
    }
    (choices, true)
}

fn variant(node: &Node, last: bool, attributes: &[(String, Constraints)], faults: &mut Faults) -> Choice {
    known(node, &["name", "enabled", "rule", "attributeValues"], faults);
    let enabled = enabled(node, faults);
    let name = text(node, "name");
    if name.is_none() {
        faults.add(node.place, "the variant lacks `name`", None);
    }
    let own = node.get("attributeValues");
    let values = constraints::check(own.unwrap_or(node), own.map(Node::entries).unwrap_or_default().iter(), attributes, enabled, faults);
    let rule = match node.get("rule") {
        Some(rule) if last => {
            let mend = "add a variant without `rule` after it: it is for everybody whom no rule chose".to_owned();
            faults.add(rule.place, "the last variant is the default and has no rule", mend);
            None
        }
        None if !last => {
            let mend = "add `rule`, or move it to the end".to_owned();
            faults.add(node.place, "a variant without a rule is for everybody, so the ones after it are never reached", mend);
            None
        }
        Some(rule) => compiled(rule, faults),
        None => None,
    };
    choice(name, enabled, rule, values)
}

fn compiled(node: &Node, faults: &mut Faults) -> Option<Rule> {
    let Some(text) = node.text() else {
        faults.add(node.place, format!("a rule is a string, and this is {}", node.kind()), None);
        return None;
    };
    rule::compile(text).map_err(|wrong| faults.add(node.place_inside(wrong.at), wrong.message, wrong.mend)).ok()
}

/// Splits of one value share its bucket, so a smaller one after a larger one is for nobody.
fn overlap(node: &Node, choices: &[Choice], faults: &mut Faults) {
    let Some((last, before)) = choices.split_last() else { return };
    let Some(Rule::Split(split)) = &last.rule else { return };
    let covered = before.iter().find(|choice| matches!(&choice.rule, Some(Rule::Split(earlier)) if earlier.covers(split)));
    if let (Some(earlier), Some(rule)) = (covered, node.get("rule")) {
        let earlier = &earlier.name;
        let mend = "add up the percentages (20, then 40 for another 20 %), or give the splits different seeds".to_owned();
        faults.doubt(rule.place, format!("nobody gets this variant: `{earlier}` before it takes the same share of everybody"), mend);
    }
}

fn choice(name: Option<String>, enabled: bool, rule: Option<Rule>, attributes: Map<String, Value>) -> Choice {
    let mut shown = Map::new();
    shown.extend(name.iter().map(|name| ("_variant".to_owned(), Value::from(name.as_str()))));
    if enabled {
        shown.extend(attributes.clone());
    }
    shown.insert("enabled".to_owned(), Value::Bool(enabled));
    let name = name.unwrap_or_else(|| if enabled { "on" } else { "off" }.to_owned());
    Choice { name, enabled: Value::Bool(enabled), rule, attributes, shown: Value::Object(shown) }
}

fn enabled(node: &Node, faults: &mut Faults) -> bool {
    match node.get("enabled") {
        Some(enabled) => enabled.bool().unwrap_or_else(|| {
            faults.add(enabled.place, format!("`enabled` is true or false, and this is {}", enabled.kind()), None);
            false
        }),
        None => {
            faults.add(node.place, "`enabled` is missing", "add \"enabled\": true or false".to_owned());
            false
        }
    }
}

/// The entries of a mapping; nothing if it is not there.
fn entries<'n>(node: &'n Node, field: &str, faults: &mut Faults) -> &'n [Entry] {
    match node.get(field) {
        None => &[],
        Some(Node { content: Content::Object(entries), .. }) => entries,
        Some(other) => {
            faults.add(other.place, format!("`{field}` is an object, and this is {}", other.kind()), None);
            &[]
        }
    }
}

fn known(node: &Node, fields: &[&str], faults: &mut Faults) {
    if !node.is_object() {
        faults.add(node.place, format!("an object belongs here, and this is {}", node.kind()), None);
    }
    for entry in node.entries().iter().filter(|entry| !fields.contains(&entry.key.as_str())) {
        faults.add(entry.place, format!("there is no field `{}` here", entry.key), meant(&entry.key, fields));
    }
}

fn key(entry: &Entry, faults: &mut Faults) {
    let right = entry.key.len() <= KEY_CHARS_MAX
        && entry.key.starts_with(|first: char| first.is_ascii_lowercase())
        && entry.key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'));
    if !right {
        let mend = "begin with a small letter, go on with letters, digits, _ and -, up to 64 in all".to_owned();
        faults.add(entry.place, format!("`{}` is not a key that AppConfig takes", entry.key), mend);
    }
}

fn text(node: &Node, field: &str) -> Option<String> {
    node.get(field)?.text().map(str::to_owned)
}
