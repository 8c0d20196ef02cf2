//! A definition → its flags, with every mistake at its place.

use serde_json::{Map, Value};

use super::FlagdFlag;
use super::logic::Compiler;
use crate::bucketing::Bucketing;
use crate::fault::{Faults, meant};
use crate::set::{Flag, Read, Rules, Variant};
use crate::source::{Entry, Node};

/// The key of `metadata` that pins the bucketing, for the whole set or one flag.
const BUCKETING: &str = "mainstay.dev/bucketing";

const FIELDS: [&str; 5] = ["state", "variants", "defaultVariant", "targeting", "metadata"];

pub fn read(root: &Node, faults: &mut Faults) -> Read {
    for entry in root.entries() {
        if !matches!(entry.key.as_str(), "$schema" | "flags" | "$evaluators" | "metadata") {
            faults.add(entry.place, format!("there is no field `{}` here", entry.key), meant(&entry.key, &["flags", "$evaluators", "metadata"]));
        }
    }
    let Some(flags) = root.get("flags").filter(|flags| flags.is_object()) else {
        let place = root.get("flags").map_or(root.place, |flags| flags.place);
        faults.add(place, "the definition has no object `flags`", "see docs/flags.md for both formats that are read".to_owned());
        return Read { bucketing: Bucketing::Murmur3V2, flags: Vec::new() };
    };
    let shared = metadata(root, faults);
    let bucketing = bucketing(root, faults).unwrap_or(Bucketing::Murmur3V2);
    let mut compiler = Compiler::new(root.get("$evaluators"));
    for evaluator in root.get("$evaluators").map(Node::entries).unwrap_or_default() {
        compiler.compile(&evaluator.value, faults);
    }
    let flags = flags.entries().iter().map(|entry| flag(entry, &shared, bucketing, &mut compiler, faults)).collect();
    Read { bucketing, flags }
}

fn flag<'n>(entry: &'n Entry, shared: &Map<String, Value>, bucketing: Bucketing, compiler: &mut Compiler<'n>, faults: &mut Faults) -> Flag {
    let node = &entry.value;
    for field in node.entries().iter().filter(|field| !FIELDS.contains(&field.key.as_str())) {
        faults.add(field.place, format!("a flag has no field `{}`", field.key), meant(&field.key, &FIELDS));
    }
    let variants = variants(entry, faults);
    let own = metadata(node, faults);
    let targeting = node.get("targeting").filter(|targeting| !targeting.is_null() && !(targeting.is_object() && targeting.entries().is_empty()));
    let rules = FlagdFlag {
        disabled: disabled(entry, faults),
        default: default(node, &variants, faults),
        targeting: targeting.and_then(|targeting| compiler.compile(targeting, faults)),
        bucketing: self::bucketing(node, faults).unwrap_or(bucketing),
    };
    if let Some(targeting) = targeting {
        answers(targeting, &variants, faults);
    }
    let mut metadata = shared.clone();
    metadata.extend(own);
    let description = metadata.get("description").and_then(Value::as_str).map(str::to_owned);
    Flag { key: entry.key.clone(), title: None, description, deprecated: false, variants, metadata, rules: Rules::Flagd(rules) }
}

fn variants(entry: &Entry, faults: &mut Faults) -> Vec<Variant> {
    let node = &entry.value;
    let Some(variants) = node.get("variants").filter(|variants| variants.is_object()) else {
        let place = node.get("variants").map_or(entry.place, |variants| variants.place);
        faults.add(place, format!("`{}` has no object `variants`", entry.key), "for example \"variants\": {\"on\": true, \"off\": false}".to_owned());
        return Vec::new();
    };
    let kind = variants.entries().first().map(|first| first.value.kind());
    for other in variants.entries().iter().filter(|other| Some(other.value.kind()) != kind) {
        let message = format!("all variants have one type, and this is {} beside {}", other.value.kind(), kind.unwrap_or_default());
        faults.add(other.value.place, message, None);
    }
    variants.entries().iter().map(|entry| Variant { name: entry.key.clone(), value: entry.value.to_json(), rule: None }).collect()
}

fn disabled(entry: &Entry, faults: &mut Faults) -> bool {
    let state = entry.value.get("state");
    match state.and_then(Node::text) {
        Some("ENABLED") => false,
        Some("DISABLED") => true,
        _ => {
            let place = state.map_or(entry.place, |state| state.place);
            faults.add(place, format!("`state` of `{}` is ENABLED or DISABLED", entry.key), None);
            true
        }
    }
}

/// None if the caller's own default holds.
fn default(node: &Node, variants: &[Variant], faults: &mut Faults) -> Option<usize> {
    let written = node.get("defaultVariant").filter(|default| !default.is_null())?;
    let Some(name) = written.text() else {
        faults.add(written.place, format!("`defaultVariant` is a string, and this is {}", written.kind()), None);
        return None;
    };
    let index = variants.iter().position(|variant| variant.name == name);
    if index.is_none() {
        let names: Vec<&str> = variants.iter().map(|variant| variant.name.as_str()).collect();
        faults.add(written.place, format!("`{name}` is none of the variants"), meant(name, &names));
    }
    index
}

/// A text that a rule answers with must be a variant, as far as it can be told without a context.
fn answers(node: &Node, variants: &[Variant], faults: &mut Faults) {
    match node.entries() {
        [only] if only.key == "if" || only.key == "?:" => {
            let items = only.value.items();
            for (index, item) in items.iter().enumerate() {
                if index % 2 == 1 || index + 1 == items.len() {
                    answers(item, variants, faults);
                }
            }
        }
        [only] if only.key == "fractional" => {
            let parts = only.value.items().iter().filter_map(|part| part.items().first());
            parts.for_each(|part| answers(part, variants, faults));
        }
        _ => {
            let unknown = node.text().filter(|name| !variants.iter().any(|variant| variant.name == **name));
            if let Some(name) = unknown {
                let names: Vec<&str> = variants.iter().map(|variant| variant.name.as_str()).collect();
                faults.doubt(node.place, format!("the rule answers `{name}`, which is none of the variants"), meant(name, &names));
            }
        }
    }
}

fn metadata(node: &Node, faults: &mut Faults) -> Map<String, Value> {
    let entries = node.get("metadata").map(Node::entries).unwrap_or_default();
    for entry in entries.iter().filter(|entry| matches!(entry.value.to_json(), Value::Array(_) | Value::Object(_) | Value::Null)) {
        faults.add(entry.value.place, format!("metadata is text, numbers and booleans, and this is {}", entry.value.kind()), None);
    }
    entries.iter().map(|entry| (entry.key.clone(), entry.value.to_json())).collect()
}

fn bucketing(node: &Node, faults: &mut Faults) -> Option<Bucketing> {
    let written = node.get("metadata")?.get(BUCKETING)?;
    let chosen = written.text().and_then(Bucketing::of_flagd);
    if chosen.is_none() {
        let names = Bucketing::FLAGD.map(Bucketing::name).join(" or ");
        faults.add(written.place, "this is not the name of a bucketing", format!("write {names}"));
    }
    chosen
}
