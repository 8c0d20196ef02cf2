//! What a rule compares: what is written in it, and what the context holds.

use std::borrow::Cow;
use std::cmp::Ordering;

use jiff::Timestamp;
use serde_json::Value as Json;

use super::parse::timestamp;
use crate::Context;

/// As written.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Text(String),
    Integer(i64),
    Float(f64),
    Bool(bool),
    Time(Timestamp),
    Context(String),
}

/// As found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Seen<'a> {
    Text(&'a str),
    Integer(i64),
    Float(f64),
    Bool(bool),
    Time(Timestamp),
}

pub fn seen<'a>(value: &'a Value, context: &'a Context) -> Option<Seen<'a>> {
    Some(match value {
        Value::Text(text) => Seen::Text(text),
        Value::Integer(number) => Seen::Integer(*number),
        Value::Float(number) => Seen::Float(*number),
        Value::Bool(value) => Seen::Bool(*value),
        Value::Time(time) => Seen::Time(*time),
        Value::Context(key) => match of_context(key, context)? {
            Json::String(text) => Seen::Text(text),
            Json::Bool(value) => Seen::Bool(*value),
            Json::Number(number) => number.as_i64().map(Seen::Integer).or_else(|| number.as_f64().map(Seen::Float))?,
            _ => return None,
        },
    })
}

/// A key with dots is looked for as it is, then as a path.
pub fn of_context<'a>(key: &str, context: &'a Context) -> Option<&'a Json> {
    let found = context.get(key).or_else(|| {
        let (first, rest) = key.split_once('.')?;
        rest.split('.').try_fold(context.get(first)?, |value, step| value.get(step))
    });
    found.filter(|value| !value.is_null())
}

/// What is a text already is not copied.
pub fn text<'a>(value: &'a Value, context: &'a Context) -> Option<Cow<'a, str>> {
    Some(match seen(value, context)? {
        Seen::Text(text) => Cow::Borrowed(text),
        Seen::Integer(number) => Cow::Owned(number.to_string()),
        Seen::Float(number) => Cow::Owned(number.to_string()),
        Seen::Bool(value) => Cow::Borrowed(if value { "true" } else { "false" }),
        Seen::Time(time) => Cow::Owned(time.to_string()),
    })
}

/// The agent's context is all text, so a text is read as what it is compared with.
pub fn order(left: Seen<'_>, right: Seen<'_>) -> Option<Ordering> {
    match (left, right) {
        (Seen::Text(left), Seen::Text(right)) => Some(left.cmp(right)),
        (Seen::Text(left), right) => order(read_as(left, right)?, right),
        (left, Seen::Text(right)) => order(left, read_as(right, left)?),
        (Seen::Integer(left), Seen::Integer(right)) => Some(left.cmp(&right)),
        (Seen::Bool(left), Seen::Bool(right)) => Some(left.cmp(&right)),
        (Seen::Time(left), Seen::Time(right)) => Some(left.cmp(&right)),
        (left, right) => float(left)?.partial_cmp(&float(right)?),
    }
}

fn read_as(text: &str, like: Seen<'_>) -> Option<Seen<'static>> {
    match like {
        Seen::Integer(_) | Seen::Float(_) => {
            text.parse().ok().map(Seen::Integer).or_else(|| text.parse().ok().filter(|number: &f64| number.is_finite()).map(Seen::Float))
        }
        Seen::Bool(_) => text.parse().ok().map(Seen::Bool),
        Seen::Time(_) => timestamp(text).map(Seen::Time),
        Seen::Text(_) => None,
    }
}

fn float(seen: Seen<'_>) -> Option<f64> {
    match seen {
        Seen::Integer(number) => Some(number as f64),
        Seen::Float(number) => Some(number),
        _ => None,
    }
}
