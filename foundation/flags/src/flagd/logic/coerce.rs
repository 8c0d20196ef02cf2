//! What JavaScript makes of one kind of value where another is wanted, which is what JsonLogic says of it.

use std::borrow::Cow;
use std::cmp::Ordering;

use serde_json::{Number, Value};

/// An empty list is false here, unlike in JavaScript.
pub fn truthy(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(value) => *value,
        Value::Number(number) => number.as_f64().is_some_and(|number| number != 0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(_) => true,
    }
}

/// Not a number where it is none.
pub fn number(value: &Value) -> f64 {
    match value {
        Value::Null => 0.0,
        Value::Bool(value) => f64::from(*value),
        Value::Number(number) => number.as_f64().unwrap_or(f64::NAN),
        Value::String(text) if text.trim().is_empty() => 0.0,
        Value::String(text) => text.trim().parse().unwrap_or(f64::NAN),
        Value::Array(_) => number(&Value::String(text(value).into_owned())),
        Value::Object(_) => f64::NAN,
    }
}

/// As `+` and `*` read it: the beginning of a text, and nothing else but numbers.
pub fn leading_number(value: &Value) -> f64 {
    let text = text(value);
    let text = text.trim_start();
    let numeric = |end: &usize| text.get(..*end).is_some_and(|part| part.ends_with(|c: char| c.is_ascii_digit() || c == '.') && part.parse::<f64>().is_ok());
    const DIGITS_MAX: usize = 32;
    (1..=text.len().min(DIGITS_MAX)).rev().find(numeric).and_then(|end| text[..end].parse().ok()).unwrap_or(f64::NAN)
}

pub fn text(value: &Value) -> Cow<'_, str> {
    match value {
        Value::Null => Cow::Borrowed(""),
        Value::Bool(value) => Cow::Borrowed(if *value { "true" } else { "false" }),
        Value::Number(number) => Cow::Owned(digits(number)),
        Value::String(text) => Cow::Borrowed(text),
        Value::Array(items) => Cow::Owned(items.iter().map(text).collect::<Vec<_>>().join(",")),
        Value::Object(_) => Cow::Borrowed("[object Object]"),
    }
}

/// A whole number has no point.
fn digits(number: &Number) -> String {
    match number.as_f64() {
        Some(float) if number.is_f64() && float.fract() == 0.0 && float.abs() < 1e15 => format!("{float:.0}"),
        _ => number.to_string(),
    }
}

/// A whole number stays whole; what is no number is null.
pub fn from_number(number: f64) -> Value {
    const WHOLE_MAX: f64 = 9_007_199_254_740_992.0;
    if number.fract() == 0.0 && number.abs() < WHOLE_MAX {
        return Value::from(number as i64);
    }
    Number::from_f64(number).map_or(Value::Null, Value::Number)
}

/// `===`; lists and objects are equal if their contents are.
pub fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => equal_numbers(left, right),
        _ => left == right,
    }
}

/// `==`
pub fn alike(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Null, Value::Null) => true,
        (Value::Null, _) | (_, Value::Null) => false,
        (Value::Array(_) | Value::Object(_), Value::Array(_) | Value::Object(_)) => left == right,
        (Value::String(left), Value::String(right)) => left == right,
        (Value::Array(_) | Value::Object(_), Value::String(other)) => text(left) == other.as_str(),
        (Value::String(other), Value::Array(_) | Value::Object(_)) => text(right) == other.as_str(),
        (Value::Number(left), Value::Number(right)) => equal_numbers(left, right),
        _ => number(left) == number(right),
    }
}

/// Two texts by their characters, everything else as numbers; nothing if one is not a number.
pub fn order(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::String(left), Value::String(right)) => Some(left.cmp(right)),
        (Value::Number(left), Value::Number(right)) if left.is_i64() && right.is_i64() => left.as_i64().partial_cmp(&right.as_i64()),
        _ => number(left).partial_cmp(&number(right)),
    }
}

/// Whole numbers are compared as such, since a float would blur large ones.
fn equal_numbers(left: &Number, right: &Number) -> bool {
    match (left.as_i64(), right.as_i64()) {
        (Some(left), Some(right)) => left == right,
        _ => left.as_f64() == right.as_f64(),
    }
}
