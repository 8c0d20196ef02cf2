//! A YAML (or JSON) value in which every scalar and key remembers where it was written.

use std::collections::BTreeMap;
use std::time::Duration;

use kernel::EntityRef;
use kernel::entity::EntityRefError;
use serde_json::{Map, Number, Value};

/// Where a node stands. Lines and columns count from 1, in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    pub start: Place,
    pub end: Place,
    /// How many characters a mark covers on the first line; at least 1.
    pub length: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub line: u32,
    pub column: u32,
}

impl Span {
    pub fn at(line: u32, column: u32, length: u32) -> Self {
        let start = Place { line, column };
        let length = length.max(1);
        Self { start, end: Place { line, column: column.saturating_add(length) }, length }
    }

    pub fn contains(&self, place: Place) -> bool {
        self.start <= place && place <= self.end
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    pub span: Span,
    pub content: Content,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    Scalar(Scalar),
    Sequence(Vec<Node>),
    /// In the order written, duplicates removed, merge keys resolved.
    Mapping(Vec<(Node, Node)>),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Scalar {
    pub text: String,
    /// Unquoted, so that `true`, `12` and `null` are more than text.
    pub plain: bool,
}

/// What a node is, in the words of JSON Schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    Null,
    Boolean,
    Integer,
    Number,
    String,
    Array,
    Object,
}

impl Shape {
    pub fn name(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean => "boolean",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::String => "string",
            Self::Array => "array",
            Self::Object => "object",
        }
    }

    /// With its article, as people say it.
    pub fn spoken(self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Boolean => "true or false",
            Self::Integer => "a whole number",
            Self::Number => "a number",
            Self::String => "text",
            Self::Array => "a list",
            Self::Object => "a mapping",
        }
    }
}

impl Node {
    pub fn shape(&self) -> Shape {
        match &self.content {
            Content::Sequence(_) => Shape::Array,
            Content::Mapping(_) => Shape::Object,
            Content::Scalar(scalar) => scalar.shape(),
        }
    }

    pub fn entries(&self) -> &[(Node, Node)] {
        match &self.content {
            Content::Mapping(entries) => entries,
            _ => &[],
        }
    }

    pub fn items(&self) -> &[Node] {
        match &self.content {
            Content::Sequence(items) => items,
            _ => &[],
        }
    }

    pub fn entry(&self, key: &str) -> Option<&(Node, Node)> {
        self.entries().iter().find(|(name, _)| name.text() == Some(key))
    }

    /// The value under a key, unless it is null.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|(_, value)| value).filter(|value| value.shape() != Shape::Null)
    }

    /// The value under `a`, then `b`, ….
    pub fn at(&self, path: &[&str]) -> Option<&Node> {
        path.iter().try_fold(self, |node, key| node.get(key))
    }

    /// Any scalar as it was written, without quotes.
    pub fn text(&self) -> Option<&str> {
        match &self.content {
            Content::Scalar(scalar) => Some(&scalar.text),
            _ => None,
        }
    }

    pub fn flag(&self) -> Option<bool> {
        match &self.content {
            Content::Scalar(scalar) if scalar.shape() == Shape::Boolean => Some(scalar.text.eq_ignore_ascii_case("true")),
            _ => None,
        }
    }

    pub fn integer(&self) -> Option<i64> {
        match &self.content {
            Content::Scalar(scalar) if scalar.plain => scalar.text.parse().ok(),
            _ => None,
        }
    }

    pub fn number(&self) -> Option<f64> {
        match &self.content {
            Content::Scalar(scalar) if matches!(scalar.shape(), Shape::Integer | Shape::Number) => scalar.text.parse().ok(),
            _ => None,
        }
    }

    pub fn owned(&self, key: &str) -> Option<String> {
        self.get(key)?.text().map(str::to_owned)
    }

    pub fn duration(&self, key: &str) -> Option<Duration> {
        kernel::parse_duration(self.get(key)?.text()?).ok()
    }

    pub fn texts(&self, key: &str) -> Vec<String> {
        let items = self.get(key).map(Node::items).unwrap_or_default();
        items.iter().filter_map(|item| item.text().map(str::to_owned)).collect()
    }

    pub fn text_map(&self, key: &str) -> BTreeMap<String, String> {
        let entries = self.get(key).map(Node::entries).unwrap_or_default();
        entries
            .iter()
            .filter_map(|(name, value)| Some((name.text()?.to_owned(), value.text()?.to_owned())))
            .collect()
    }

    /// The plain value, positions left behind.
    pub fn to_json(&self) -> Value {
        match &self.content {
            Content::Scalar(scalar) => scalar.to_json(),
            Content::Sequence(items) => Value::Array(items.iter().map(Node::to_json).collect()),
            Content::Mapping(entries) => Value::Object(
                entries
                    .iter()
                    .filter_map(|(key, value)| Some((key.text()?.to_owned(), value.to_json())))
                    .collect::<Map<_, _>>(),
            ),
        }
    }

    /// The node at a path of keys and indices, as deep as the path can be followed; the key rather than
    /// the value where the path ends at one.
    pub fn span_of(&self, path: &[String]) -> Span {
        let mut node = self;
        let mut span = self.span;
        for step in path {
            if let Some((key, value)) = node.entry(step) {
                span = key.span;
                node = value;
            } else if let Some(item) = step.parse::<usize>().ok().and_then(|index| node.items().get(index)) {
                span = item.span;
                node = item;
            } else {
                break;
            }
        }
        span
    }
}

impl Scalar {
    /// The core schema of YAML 1.2, which JSON is part of.
    pub fn shape(&self) -> Shape {
        if !self.plain {
            return Shape::String;
        }
        match self.text.as_str() {
            "" | "~" | "null" | "Null" | "NULL" => Shape::Null,
            "true" | "True" | "TRUE" | "false" | "False" | "FALSE" => Shape::Boolean,
            text if text.parse::<i64>().is_ok() => Shape::Integer,
            text if looks_numeric(text) && text.parse::<f64>().is_ok() => Shape::Number,
            _ => Shape::String,
        }
    }

    fn to_json(&self) -> Value {
        match self.shape() {
            Shape::Null => Value::Null,
            Shape::Boolean => Value::Bool(self.text.eq_ignore_ascii_case("true")),
            Shape::Integer => self.text.parse::<i64>().map_or(Value::Null, Value::from),
            Shape::Number => {
                let number = self.text.parse().ok().and_then(Number::from_f64);
                number.map_or_else(|| Value::String(self.text.clone()), Value::Number)
            }
            _ => Value::String(self.text.clone()),
        }
    }
}

/// Rust also reads `inf` and `nan`, which are text in YAML.
fn looks_numeric(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte)) && text.bytes().any(|byte| byte.is_ascii_digit())
}

/// Where short references are at home: Backstage completes them with the namespace of the entity that
/// holds them, and with a kind that depends on the field.
#[derive(Debug, Clone)]
pub struct Home {
    pub namespace: String,
}

impl Default for Home {
    fn default() -> Self {
        Self { namespace: kernel::entity::DEFAULT_NAMESPACE.to_owned() }
    }
}

impl Home {
    /// Some fields have a default kind; others (`dependsOn`) need it written out.
    pub fn resolve(&self, text: &str, default_kind: Option<&str>) -> Result<EntityRef, EntityRefError> {
        let reference = match default_kind {
            Some(kind) => EntityRef::parse_with_default_kind(text, kind)?,
            None => text.parse()?,
        };
        if text.contains('/') {
            return Ok(reference);
        }
        Ok(EntityRef::new(reference.kind(), &self.namespace, reference.name()))
    }
}
