//! Checks a tree against a schema, with positions: the part of JSON Schema that our schemas use.

use serde_json::Value;

use super::formats;
use crate::codes;
use crate::diagnostic::Level;
use crate::findings::{Findings, Space};
use crate::promql::PromqlCheck;
use crate::source::{Node, Shape, Span};
use crate::suggest;

pub struct Checker<'a> {
    root: &'a Value,
    pub findings: &'a mut Findings,
    pub promql: &'a PromqlCheck,
    path: Vec<String>,
}

impl<'a> Checker<'a> {
    pub fn new(root: &'a Value, findings: &'a mut Findings, promql: &'a PromqlCheck) -> Self {
        Self { root, findings, promql, path: Vec::new() }
    }

    /// Says what messages are about, if the node is a part of a document.
    pub fn about(mut self, subject: &str) -> Self {
        self.path.extend((!subject.is_empty()).then(|| subject.to_owned()));
        self
    }

    /// `anchor` is where a problem of the whole node is marked: the key that it stands under.
    pub fn check(&mut self, schema: &'a Value, node: &Node, anchor: Span) {
        let schema = self.branch(self.followed(schema), node);
        if !applies(schema, node) || !self.has_type(schema, node, anchor) {
            return;
        }
        for branch in schema["allOf"].as_array().into_iter().flatten() {
            if holds(&branch["if"], node) {
                self.check(&branch["then"], node, anchor);
            }
        }
        match node.shape() {
            Shape::Object => self.check_mapping(schema, node, anchor),
            Shape::Array => self.check_list(schema, node, anchor),
            _ => self.check_scalar(schema, node),
        }
    }

    fn followed(&self, schema: &'a Value) -> &'a Value {
        let Some(reference) = schema["$ref"].as_str() else { return schema };
        self.root.pointer(reference.trim_start_matches('#')).unwrap_or(&Value::Null)
    }

    /// Of `anyOf`, the branch that takes nodes of this shape; else the first, whose fault is reported.
    fn branch(&self, schema: &'a Value, node: &Node) -> &'a Value {
        let Some(branches) = schema["anyOf"].as_array() else { return schema };
        let mut followed = branches.iter().map(|branch| self.branch(self.followed(branch), node));
        let fallback = followed.clone().next().unwrap_or(schema);
        followed.find(|branch| takes(branch, node.shape())).unwrap_or(fallback)
    }

    fn has_type(&mut self, schema: &Value, node: &Node, anchor: Span) -> bool {
        let shape = node.shape();
        if takes(schema, shape) {
            return true;
        }
        let allowed = types(schema);
        let wanted = allowed.first().map_or("something else", |name| spoken(name));
        let message = format!("{} must be {wanted}, not {}", self.subject(), shape.spoken());
        let mend = match (node.text(), allowed.first() == Some(&"string")) {
            (Some(text), true) if shape != Shape::Null => Some(format!("put it in quotes: \"{text}\"")),
            _ => schema["description"].as_str().map(str::to_owned),
        };
        let span = if matches!(shape, Shape::Object | Shape::Array | Shape::Null) { anchor } else { node.span };
        self.findings.error(codes::WRONG_TYPE, span, message, mend);
        false
    }

    fn check_mapping(&mut self, schema: &'a Value, node: &Node, anchor: Span) {
        self.check_presence(schema, node, anchor);
        let properties = schema["properties"].as_object();
        for (key, value) in node.entries() {
            let Some(name) = key.text() else {
                self.findings.error(codes::WRONG_TYPE, key.span, "a key must be text", None);
                continue;
            };
            if let Some(format) = schema["propertyNames"]["format"].as_str() {
                formats::check(format, key, self);
            }
            let known = properties.and_then(|properties| properties.get(name));
            if known.is_none() && schema.get("additionalProperties").is_none_or(|other| other == false) {
                self.unknown_field(schema, name, key.span);
            }
            let inner = known.or_else(|| schema.get("additionalProperties").filter(|other| other.is_object()));
            if let Some(inner) = inner.filter(|_| value.shape() != Shape::Null) {
                self.path.push(name.to_owned());
                self.check(inner, value, key.span);
                self.path.pop();
            }
        }
    }

    /// Required fields, and how many fields there may be.
    fn check_presence(&mut self, schema: &Value, node: &Node, anchor: Span) {
        for required in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if node.get(required).is_none() {
                let span = node.entry(required).map_or(anchor, |(key, _)| key.span);
                let message = format!("{} lacks `{required}`", self.subject());
                let help = &schema["properties"][required]["description"];
                let mend = help.as_str().map(|help| format!("add `{required}`: {}", lower_first(help)));
                self.findings.error(codes::MISSING_FIELD, span, message, mend);
            }
        }
        let given = node.entries().iter().filter(|(_, value)| value.shape() != Shape::Null).count() as u64;
        let (least, most) = (schema["minProperties"].as_u64(), schema["maxProperties"].as_u64());
        if least.is_some_and(|least| given < least) || most.is_some_and(|most| given > most) {
            let names: Vec<_> = field_names(schema).map(|name| format!("`{name}`")).collect();
            let message = format!("{} must have exactly one of {}", self.subject(), names.join(", "));
            let mend = (given > 1).then(|| "write one list item for each".to_owned());
            self.findings.error(codes::WRONG_VALUE, anchor, message, mend);
        }
    }

    fn unknown_field(&mut self, schema: &Value, name: &str, span: Span) {
        let ours = schema.get("additionalProperties").is_some();
        if !ours && schema.get("properties").is_none() {
            return;
        }
        let mend = if ours {
            suggest::mend(name, field_names(schema), "known fields")
        } else {
            suggest::nearest(name, field_names(schema)).map(|name| format!("did you mean `{name}`?"))
        };
        // A foreign format may say that what is near to one of its fields was meant to be it.
        let slip = self.root["x-slips"] == true && mend.is_some();
        let (level, message) = if ours || slip {
            (Level::Error, format!("{} has no field `{name}`", self.subject()))
        } else {
            (Level::Note, format!("`{name}` in {} means nothing to Mainstay; it is kept", self.subject()))
        };
        self.findings.report(level, codes::UNKNOWN_FIELD, span, message, mend);
    }

    fn check_list(&mut self, schema: &'a Value, node: &Node, anchor: Span) {
        if (node.items().len() as u64) < schema["minItems"].as_u64().unwrap_or(0) {
            let message = format!("{} must not be empty", self.subject());
            self.findings.error(codes::WRONG_VALUE, anchor, message, None);
        }
        let Some(inner) = schema.get("items") else { return };
        for (index, item) in node.items().iter().enumerate() {
            self.path.push(format!("[{index}]"));
            let first_key = item.entries().first().map(|(key, _)| key.span);
            self.check(inner, item, first_key.unwrap_or(item.span));
            self.path.pop();
        }
    }

    fn check_scalar(&mut self, schema: &Value, node: &Node) {
        self.check_choice(schema, node);
        self.check_bounds(schema, node);
        if let Some(format) = schema["format"].as_str() {
            formats::check(format, node, self);
        }
        let Some(text) = node.text() else { return };
        if text.contains("{{") {
            return;
        }
        if let Some(reference) = schema.get("x-reference") {
            self.check_reference(reference, text, node.span);
        }
        if schema["x-document"] == true && !text.contains("://") {
            self.findings.refer(Level::Error, Space::Runbook, text, node.span);
        }
    }

    fn check_choice(&mut self, schema: &Value, node: &Node) {
        let choices: Vec<&str> = match (&schema["const"], &schema["enum"]) {
            (Value::String(only), _) => vec![only],
            (_, Value::Array(some)) => some.iter().filter_map(Value::as_str).collect(),
            _ => return,
        };
        let Some(text) = node.text().filter(|text| !choices.contains(text)) else { return };
        let message = format!("{} cannot be `{text}`", self.subject());
        let mend = suggest::mend(text, choices.iter().copied(), "one of");
        self.findings.error(codes::WRONG_VALUE, node.span, message, mend);
    }

    fn check_bounds(&mut self, schema: &Value, node: &Node) {
        if let Some(number) = node.number() {
            let (least, most) = (schema["minimum"].as_f64(), schema["maximum"].as_f64());
            let above = schema["exclusiveMinimum"].as_f64();
            if above.is_some_and(|above| number <= above) {
                let message = format!("{} is {number}; it must be more than {}", self.subject(), above.unwrap_or_default());
                self.findings.error(codes::WRONG_VALUE, node.span, message, None);
            }
            if least.is_some_and(|least| number < least) || most.is_some_and(|most| number > most) {
                let range = match (least, most) {
                    (Some(least), Some(most)) => format!("from {least} to {most}"),
                    (Some(least), None) => format!("at least {least}"),
                    (_, most) => format!("at most {}", most.unwrap_or_default()),
                };
                let message = format!("{} is {number}; it must be {range}", self.subject());
                self.findings.error(codes::WRONG_VALUE, node.span, message, None);
            }
        }
        let empty = node.text().is_some_and(|text| text.trim().is_empty());
        if empty && schema["minLength"].as_u64().is_some_and(|least| least > 0) {
            let message = format!("{} must not be empty", self.subject());
            self.findings.error(codes::WRONG_VALUE, node.span, message, None);
        }
    }

    /// `{"kind": "group", "missing": "error"}`: the default kind, if the field has one, and how bad it is
    /// when the entity does not exist.
    fn check_reference(&mut self, reference: &Value, text: &str, span: Span) {
        match self.findings.home.resolve(text, reference["kind"].as_str()) {
            Ok(entity) => {
                let level = if reference["missing"] == "error" { Level::Error } else { Level::Warning };
                self.findings.refer(level, Space::Entity, entity.to_string(), span);
            }
            Err(error) => self.findings.error(codes::WRONG_REFERENCE, span, error.to_string(), None),
        }
    }

    /// What a message is about: `` `spec.targets[0].incident` ``.
    pub fn subject(&self) -> String {
        if self.path.is_empty() {
            return "the document".to_owned();
        }
        let mut path = String::new();
        for part in &self.path {
            if !path.is_empty() && !part.starts_with('[') {
                path.push('.');
            }
            path.push_str(part);
        }
        format!("`{path}`")
    }
}

/// `{"properties": {"kind": {"const": "Component"}}}`.
fn holds(condition: &Value, node: &Node) -> bool {
    condition["properties"].as_object().is_some_and(|fields| {
        fields.iter().all(|(field, wanted)| node.get(field).and_then(Node::text) == wanted["const"].as_str())
    })
}

/// `{"x-only": {"engine": ["http", "ws"]}}`: nodes whose field says something else are not checked.
fn applies(schema: &Value, node: &Node) -> bool {
    schema["x-only"].as_object().is_none_or(|fields| {
        fields.iter().all(|(field, values)| {
            let written = node.get(field).and_then(Node::text);
            written.is_none_or(|text| values.as_array().is_some_and(|values| values.iter().any(|value| value == text)))
        })
    })
}

fn takes(schema: &Value, shape: Shape) -> bool {
    let allowed = types(schema);
    allowed.is_empty() || allowed.contains(&shape.name()) || (shape == Shape::Integer && allowed.contains(&"number"))
}

/// The types that a schema allows; none are all.
fn types(schema: &Value) -> Vec<&str> {
    match &schema["type"] {
        Value::String(one) => vec![one],
        Value::Array(some) => some.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

fn field_names(schema: &Value) -> impl Iterator<Item = &str> + Clone {
    schema["properties"].as_object().into_iter().flat_map(|fields| fields.keys().map(String::as_str))
}

fn spoken(name: &str) -> &'static str {
    match name {
        "boolean" => Shape::Boolean.spoken(),
        "integer" => Shape::Integer.spoken(),
        "number" => Shape::Number.spoken(),
        "array" => Shape::Array.spoken(),
        "object" => Shape::Object.spoken(),
        _ => Shape::String.spoken(),
    }
}

fn lower_first(text: &str) -> String {
    let mut characters = text.chars();
    let first = characters.next().map(|first| first.to_lowercase().to_string()).unwrap_or_default();
    format!("{first}{}", characters.as_str().trim_end_matches('.'))
}
