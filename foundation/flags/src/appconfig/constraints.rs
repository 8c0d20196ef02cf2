//! What a flag's attributes may be.

use regex::Regex;
use serde_json::{Map, Value};

use crate::fault::{Faults, meant};
use crate::source::{Content, Entry, Node};

#[derive(Debug, Default)]
pub struct Constraints {
    required: bool,
    kind: Option<Kind>,
}

#[derive(Debug)]
enum Kind {
    Text { pattern: Option<Regex>, allowed: Vec<Value> },
    Number { minimum: Option<f64>, maximum: Option<f64> },
    Boolean,
    List(Option<Box<Constraints>>),
}

/// AppConfig's own limit.
const TEXT_CHARS_MAX: usize = 1024;

pub fn read(node: Option<&Node>, faults: &mut Faults) -> Constraints {
    let Some(node) = node else { return Constraints::default() };
    let required = node.get("required").and_then(Node::bool).unwrap_or(false);
    let kind = match node.get("type").and_then(Node::text) {
        Some("string") => {
            let allowed = node.get("enum").map(Node::items).unwrap_or_default().iter().map(Node::to_json).collect();
            Kind::Text { pattern: pattern(node, faults), allowed }
        }
        Some("number") => Kind::Number { minimum: number(node, "minimum"), maximum: number(node, "maximum") },
        Some("boolean") => Kind::Boolean,
        Some("array") => Kind::List(node.get("elements").map(|elements| Box::new(read(Some(elements), faults)))),
        _ => {
            let place = node.get("type").map_or(node.place, |kind| kind.place);
            faults.add(place, "`type` of an attribute is string, number, boolean or array", None);
            return Constraints { required, kind: None };
        }
    };
    Constraints { required, kind: Some(kind) }
}

/// The values of one variant, checked. Required ones may be absent where the flag is off.
pub fn check<'n>(
    node: &Node,
    values: impl Iterator<Item = &'n Entry>,
    attributes: &[(String, Constraints)],
    enabled: bool,
    faults: &mut Faults,
) -> Map<String, Value> {
    let mut checked = Map::new();
    for entry in values {
        match attributes.iter().find(|(name, _)| *name == entry.key) {
            Some((_, constraints)) => {
                constraints.check(&entry.value, faults);
                checked.insert(entry.key.clone(), entry.value.to_json());
            }
            None => {
                let names: Vec<&str> = attributes.iter().map(|(name, _)| name.as_str()).collect();
                let mend = if names.is_empty() { "describe it under the flag's `attributes`".to_owned() } else { meant(&entry.key, &names) };
                faults.add(entry.place, format!("the flag has no attribute `{}`", entry.key), mend);
            }
        }
    }
    for (name, _) in attributes.iter().filter(|(name, constraints)| enabled && constraints.required && !checked.contains_key(name)) {
        faults.add(node.place, format!("the attribute `{name}` is required"), None);
    }
    checked
}

impl Constraints {
    fn check(&self, value: &Node, faults: &mut Faults) {
        match (&self.kind, &value.content) {
            (None | Some(Kind::Boolean), Content::Bool(_)) => {}
            (Some(Kind::Text { pattern, allowed }), Content::Text(text, _)) => {
                if pattern.as_ref().is_some_and(|pattern| !pattern.is_match(text)) {
                    faults.add(value.place, format!("`{text}` does not match the attribute's pattern"), None);
                }
                if !allowed.is_empty() && !allowed.contains(&Value::from(text.as_str())) {
                    faults.add(value.place, format!("`{text}` is not allowed"), format!("one of {}", listed(allowed)));
                }
                length(text, value, faults);
            }
            (Some(Kind::Number { minimum, maximum }), Content::Number(number)) => {
                let number = number.as_f64().unwrap_or_default();
                if minimum.is_some_and(|minimum| number < minimum) || maximum.is_some_and(|maximum| number > maximum) {
                    faults.add(value.place, format!("{number} is outside what the attribute allows"), None);
                }
            }
            (Some(Kind::List(elements)), Content::List(items)) => {
                if let Some(elements) = elements {
                    items.iter().for_each(|item| elements.check(item, faults));
                }
            }
            (None, Content::Text(text, _)) => length(text, value, faults),
            (None, Content::Number(_) | Content::List(_)) => {}
            (Some(kind), _) => faults.add(value.place, format!("the attribute takes {}, and this is {}", kind.name(), value.kind()), None),
            (None, _) => faults.add(value.place, format!("an attribute cannot be {}", value.kind()), None),
        }
    }
}

impl Kind {
    fn name(&self) -> &'static str {
        match self {
            Self::Text { .. } => "a string",
            Self::Number { .. } => "a number",
            Self::Boolean => "a boolean",
            Self::List(_) => "an array",
        }
    }
}

fn length(text: &str, value: &Node, faults: &mut Faults) {
    if text.chars().count() > TEXT_CHARS_MAX {
        faults.add(value.place, format!("the text is longer than {TEXT_CHARS_MAX} characters"), None);
    }
}

fn pattern(node: &Node, faults: &mut Faults) -> Option<Regex> {
    let written = node.get("pattern")?;
    let compiled = Regex::new(written.text()?);
    compiled.map_err(|_| faults.add(written.place, "the pattern cannot be compiled", None)).ok()
}

fn number(node: &Node, field: &str) -> Option<f64> {
    node.get(field)?.to_json().as_f64()
}

fn listed(values: &[Value]) -> String {
    values.iter().map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned)).collect::<Vec<_>>().join(", ")
}
