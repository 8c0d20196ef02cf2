//! From tree to value, with JavaScript's ideas of equality, order and truth.

use std::borrow::Cow;
use std::cmp::Ordering;

use serde_json::Value;

use super::{ExpressionError, Function, Node, Operator, Pattern};
use crate::value::template::into_text;

/// A value while it is computed with: JSON has neither undefined nor numbers that are none.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Computed {
    Undefined,
    Null,
    Truth(bool),
    Number(f64),
    Text(String),
    List(Vec<Computed>),
    Object(Value),
}

use Computed::{List, Null, Number, Object, Text, Truth, Undefined};

pub(super) fn evaluate(
    node: &Node,
    look_up: &impl Fn(&str) -> Option<Value>,
) -> Result<Computed, ExpressionError> {
    let value = |node| evaluate(node, look_up);
    Ok(match node {
        Node::Constant(constant) => constant.clone().into(),
        Node::Symbol(name) => symbol(name, look_up),
        Node::List(items) => List(items.iter().map(value).collect::<Result<_, _>>()?),
        Node::Negative(node) => Number(-value(node)?.to_number()),
        Node::Not(node) => Truth(!value(node)?.is_true()).counted(),
        Node::Binary(left, Operator::And, right) => {
            let left = value(left)?;
            Number(if left.is_true() { value(right)?.to_number() } else { left.to_number() })
        }
        Node::Binary(left, Operator::Or, right) => {
            let left = value(left)?;
            Number(if left.is_true() { left.to_number() } else { value(right)?.to_number() })
        }
        Node::Binary(left, operator, right) => binary(&value(left)?, *operator, &value(right)?),
        Node::Choice(condition, yes, no) => value(if value(condition)?.is_true() { yes } else { no })?,
        Node::Of(name, object) => match value(object)? {
            Object(object) => object.get(name).cloned().map_or(Undefined, Computed::from),
            _ => Undefined,
        },
        Node::Call(function, arguments) => {
            let numbers = arguments.iter().map(|node| Ok(value(node)?.to_number())).collect::<Result<Vec<_>, _>>()?;
            Number(function.call(&numbers))
        }
        Node::Matches { text, pattern } => Truth(matches(&value(text)?.to_text(), pattern, look_up)?).counted(),
    })
}

fn symbol(name: &str, look_up: &impl Fn(&str) -> Option<Value>) -> Computed {
    match (look_up(name), name) {
        (Some(value), _) => value.into(),
        (None, "true") => Truth(true),
        (None, "false") => Truth(false),
        (None, _) => Undefined,
    }
}

fn binary(left: &Computed, operator: Operator, right: &Computed) -> Computed {
    let numbers = || (left.to_number(), right.to_number());
    let arithmetic = |compute: fn(f64, f64) -> f64| {
        let (left, right) = numbers();
        Number(compute(left, right))
    };
    let ordered = |fits: fn(Ordering) -> bool| Truth(left.compare(right).is_some_and(fits)).counted();
    match operator {
        Operator::Add if left.adds_as_text() || right.adds_as_text() => Text(format!("{}{}", left.to_text(), right.to_text())),
        Operator::Add => arithmetic(|left, right| left + right),
        Operator::Subtract => arithmetic(|left, right| left - right),
        Operator::Multiply => arithmetic(|left, right| left * right),
        Operator::Divide => arithmetic(|left, right| left / right),
        Operator::Modulo => arithmetic(|left, right| left % right),
        Operator::Power => arithmetic(f64::powf),
        Operator::Equal => Truth(left.equals(right)).counted(),
        Operator::Unequal => Truth(!left.equals(right)).counted(),
        Operator::Less => ordered(Ordering::is_lt),
        Operator::LessOrEqual => ordered(Ordering::is_le),
        Operator::Greater => ordered(Ordering::is_gt),
        Operator::GreaterOrEqual => ordered(Ordering::is_ge),
        Operator::In => Truth(left.is_subset(right)).counted(),
        Operator::NotIn => Truth(!left.is_subset(right)).counted(),
        // These two look at their right side only when they must.
        Operator::And | Operator::Or => Undefined,
    }
}

fn matches(text: &str, pattern: &Pattern, look_up: &impl Fn(&str) -> Option<Value>) -> Result<bool, ExpressionError> {
    match pattern {
        Pattern::Compiled(regex) => Ok(regex.is_match(text)),
        Pattern::Computed { pattern, column } => {
            let pattern = evaluate(pattern, look_up)?.to_text().into_owned();
            let faulty = |error| ExpressionError {
                message: format!("the regular expression is faulty: {error}"),
                column: *column,
                mend: None,
            };
            Ok(regex::Regex::new(&pattern).map_err(faulty)?.is_match(text))
        }
    }
}

impl Computed {
    pub(super) fn into_json(self) -> Value {
        match self {
            Undefined | Null => Value::Null,
            Truth(truth) => truth.into(),
            Number(number) if number.fract() == 0.0 && number.abs() < EXACT_MAX => (number as i64).into(),
            Number(number) => number.into(),
            Text(text) => text.into(),
            List(items) => items.into_iter().map(Self::into_json).collect(),
            Object(value) => value,
        }
    }

    pub(super) fn is_true(&self) -> bool {
        match self {
            Undefined | Null => false,
            Truth(truth) => *truth,
            Number(number) => *number != 0.0 && !number.is_nan(),
            Text(text) => !text.is_empty(),
            List(_) | Object(_) => true,
        }
    }

    /// Comparisons yield 1 and 0.
    fn counted(self) -> Self {
        match self {
            Truth(truth) => Number(f64::from(truth)),
            other => other,
        }
    }

    fn to_number(&self) -> f64 {
        match self {
            Null => 0.0,
            Truth(truth) => f64::from(*truth),
            Number(number) => *number,
            Text(text) if text.trim().is_empty() => 0.0,
            Text(text) => decimal(text.trim()),
            List(items) if items.is_empty() => 0.0,
            List(items) if items.len() == 1 => items[0].to_number(),
            Undefined | Object(_) | List(_) => f64::NAN,
        }
    }

    fn to_text(&self) -> Cow<'_, str> {
        match self {
            Text(text) => Cow::Borrowed(text),
            Undefined => Cow::Borrowed("undefined"),
            Number(number) if number.is_nan() => Cow::Borrowed("NaN"),
            Number(number) if number.is_infinite() => Cow::Borrowed(if *number > 0.0 { "Infinity" } else { "-Infinity" }),
            List(items) => {
                let text = |item: &Self| if matches!(item, Undefined | Null) { String::new() } else { item.to_text().into_owned() };
                Cow::Owned(items.iter().map(text).collect::<Vec<_>>().join(","))
            }
            Object(_) => Cow::Borrowed("[object Object]"),
            other => Cow::Owned(into_text(Cow::Owned(other.clone().into_json())).into_owned()),
        }
    }

    fn adds_as_text(&self) -> bool {
        matches!(self, Text(_) | List(_) | Object(_))
    }

    /// JavaScript's `==`.
    fn equals(&self, other: &Self) -> bool {
        match (self, other) {
            (Undefined | Null, Undefined | Null) => true,
            (Undefined | Null, _) | (_, Undefined | Null) => false,
            (Text(left), Text(right)) => left == right,
            (List(_) | Object(_), List(_) | Object(_)) => self == other,
            (List(_) | Object(_), Text(right)) => self.to_text() == **right,
            (Text(left), List(_) | Object(_)) => other.to_text() == **left,
            _ => self.to_number() == other.to_number(),
        }
    }

    fn compare(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Text(left), Text(right)) => Some(left.cmp(right)),
            _ => self.to_number().partial_cmp(&other.to_number()),
        }
    }

    /// Whether every item is one of the other's; a single value is a list of one.
    fn is_subset(&self, other: &Self) -> bool {
        let items = |value: &'_ Self| match value {
            List(items) => items.clone(),
            single => vec![single.clone()],
        };
        let others = items(other);
        items(self).iter().all(|item| others.contains(item))
    }
}

impl From<Value> for Computed {
    fn from(value: Value) -> Self {
        match value {
            Value::Null => Null,
            Value::Bool(truth) => Truth(truth),
            Value::Number(number) => Number(number.as_f64().unwrap_or(f64::NAN)),
            Value::String(text) => Text(text),
            Value::Array(items) => List(items.into_iter().map(Self::from).collect()),
            object => Object(object),
        }
    }
}

impl Function {
    fn call(self, numbers: &[f64]) -> f64 {
        let first = numbers.first().copied().unwrap_or(f64::NAN);
        let pick = |start: f64, better: fn(f64, f64) -> bool| {
            numbers.iter().fold(start, |best, number| {
                if best.is_nan() || number.is_nan() { f64::NAN } else if better(*number, best) { *number } else { best }
            })
        };
        match self {
            Self::Abs => first.abs(),
            Self::Ceil => first.ceil(),
            Self::Floor => first.floor(),
            Self::Log => first.ln(),
            Self::Max => pick(f64::NEG_INFINITY, |new, best| new > best),
            Self::Min => pick(f64::INFINITY, |new, best| new < best),
            Self::Random => fastrand::f64(),
            // JavaScript rounds halves upwards.
            Self::Round => (first + 0.5).floor(),
            Self::Sqrt => first.sqrt(),
        }
    }
}

/// As JavaScript reads it: Rust's own words for numbers that are none do not count.
fn decimal(text: &str) -> f64 {
    let fits = |byte: u8| byte.is_ascii_digit() || b"+-.eE".contains(&byte);
    text.bytes().all(fits).then(|| text.parse().ok()).flatten().unwrap_or(f64::NAN)
}

/// Beyond it, whole numbers are no longer exact.
const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
