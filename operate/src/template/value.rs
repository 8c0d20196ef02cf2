//! What templates calculate with.

use std::collections::BTreeMap;
use std::sync::Arc;

use kernel::Timestamp;

use super::TemplateError;
use super::format;

#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Nil,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    /// Go's `time.Duration`, in seconds.
    Duration(f64),
    Time(Timestamp),
    Labels(Arc<BTreeMap<String, String>>),
    Map(Arc<BTreeMap<String, Value>>),
    List(Arc<[Value]>),
    Sample(Arc<Sample>),
}

/// One element of a query's answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    pub labels: Arc<BTreeMap<String, String>>,
    pub value: f64,
}

impl Value {
    /// What `if`, `and`, `or` and `not` take for true: anything but the empty value of its type.
    pub(super) fn is_true(&self) -> bool {
        match self {
            Self::Nil => false,
            Self::Bool(bool) => *bool,
            Self::Int(int) => *int != 0,
            Self::Float(float) | Self::Duration(float) => *float != 0.0,
            Self::Text(text) => !text.is_empty(),
            Self::Labels(labels) => !labels.is_empty(),
            Self::Map(map) => !map.is_empty(),
            Self::List(list) => !list.is_empty(),
            Self::Time(_) | Self::Sample(_) => true,
        }
    }

    /// A missing key of a map is the empty value, as Prometheus has it.
    pub(super) fn field(&self, name: &str) -> Result<Value, TemplateError> {
        match (self, name) {
            (Self::Labels(labels), _) => Ok(Self::Text(labels.get(name).cloned().unwrap_or_default())),
            (Self::Map(map), _) => Ok(map.get(name).cloned().unwrap_or(Self::Nil)),
            (Self::Sample(sample), "Labels") => Ok(Self::Labels(sample.labels.clone())),
            (Self::Sample(sample), "Value") => Ok(Self::Float(sample.value)),
            _ => Err(TemplateError(format!("{} has no field {name}", self.kind()))),
        }
    }

    /// The number that it is, or that its text says.
    pub(super) fn number(&self) -> Result<f64, TemplateError> {
        match self {
            Self::Int(int) => Ok(*int as f64),
            Self::Float(float) | Self::Duration(float) => Ok(*float),
            Self::Text(text) => parse_float(text).ok_or_else(|| TemplateError(format!("{text:?} is not a number"))),
            other => Err(TemplateError(format!("{} is not a number", other.kind()))),
        }
    }

    pub(super) fn text(&self) -> Result<&str, TemplateError> {
        match self {
            Self::Text(text) => Ok(text),
            other => Err(TemplateError(format!("a text is wanted here, not {}", other.kind()))),
        }
    }

    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Nil => "nothing",
            Self::Bool(_) => "a truth value",
            Self::Int(_) | Self::Float(_) => "a number",
            Self::Text(_) => "a text",
            Self::Duration(_) => "a duration",
            Self::Time(_) => "a time",
            Self::Labels(_) | Self::Map(_) => "a map",
            Self::List(_) => "a list",
            Self::Sample(_) => "a sample",
        }
    }

    /// As Go's `fmt.Print` writes it.
    pub(super) fn print(&self) -> String {
        match self {
            Self::Nil => "<no value>".to_owned(),
            Self::Bool(bool) => bool.to_string(),
            Self::Int(int) => int.to_string(),
            Self::Float(float) => format::general(*float, None),
            Self::Text(text) => text.clone(),
            Self::Duration(seconds) => format::go_duration(*seconds),
            Self::Time(time) => format::go_time(*time),
            Self::Labels(labels) => print_map(labels.iter().map(|(k, v)| (k, v.clone()))),
            Self::Map(map) => print_map(map.iter().map(|(k, v)| (k, v.print()))),
            Self::List(list) => format!("[{}]", list.iter().map(Self::print).collect::<Vec<_>>().join(" ")),
            Self::Sample(sample) => {
                let labels = Self::Labels(sample.labels.clone()).print();
                format!("{{{labels} {}}}", format::general(sample.value, None))
            }
        }
    }
}

/// Go's `strconv.ParseFloat`: also `Inf`, `+Inf`, `NaN`.
fn parse_float(text: &str) -> Option<f64> {
    text.parse().ok()
}

fn print_map<'a>(entries: impl Iterator<Item = (&'a String, String)>) -> String {
    format!("map[{}]", entries.map(|(key, value)| format!("{key}:{value}")).collect::<Vec<_>>().join(" "))
}
