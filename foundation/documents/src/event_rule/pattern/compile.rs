//! From what was written to what is matched.

use serde_json::{Map, Value};

use super::filter::{Cidr, Comparison, Filter, Operator, Text};
use super::wildcard::Wildcard;
use super::{Fields, Node, PatternError};

/// EventBridge refuses patterns whose `$or` spreads into more combinations.
const ALTERNATIVES_MAX: usize = 1000;
const OR: &str = "$or";

const FILTERS: [&str; 9] =
    ["prefix", "suffix", "equals-ignore-case", "wildcard", "anything-but", "numeric", "cidr", "exists", "exactly"];

type Result<T> = std::result::Result<T, PatternError>;

/// The whole pattern without `$or`: it matches if one of these does.
pub(super) fn alternatives(source: &Value) -> Result<Vec<Fields>> {
    let Value::Object(fields) = source else {
        return Err(Place::root().error("a pattern is an object", "write for example {\"type\": [\"dev.mainstay.alarm.firing\"]}"));
    };
    object(fields, &Place::root())
}

fn object(fields: &Map<String, Value>, place: &Place) -> Result<Vec<Fields>> {
    if fields.is_empty() {
        return Err(place.error("an empty object matches nothing", "name at least one field"));
    }
    let mut alternatives = vec![Fields::new()];
    for (key, value) in fields {
        let place = place.child(key);
        let choices = match value {
            Value::Array(branches) if key == OR && is_or(branches) => or(branches, &place)?,
            Value::Array(filters) => vec![vec![(key.clone(), leaf(filters, &place)?)]],
            Value::Object(inner) => {
                object(inner, &place)?.into_iter().map(|fields| vec![(key.clone(), Node::Object(fields))]).collect()
            }
            plain => {
                return Err(place.error(
                    format!("{plain} stands alone; the values of a field are a list"),
                    format!("write [{plain}]"),
                ));
            }
        };
        alternatives = combine(&alternatives, &choices, &place)?;
    }
    Ok(alternatives)
}

/// Only a list of at least two objects, none of which reads as a filter, means "or"; anything else
/// is a field with that name.
fn is_or(branches: &[Value]) -> bool {
    branches.len() >= 2
        && branches.iter().all(|branch| {
            branch.as_object().is_some_and(|fields| !fields.keys().any(|key| FILTERS.contains(&key.as_str())))
        })
}

fn or(branches: &[Value], place: &Place) -> Result<Vec<Fields>> {
    let mut alternatives = Vec::new();
    for (index, branch) in branches.iter().enumerate() {
        if let Value::Object(fields) = branch {
            alternatives.extend(object(fields, &place.child(&index.to_string()))?);
        }
    }
    Ok(alternatives)
}

fn combine(left: &[Fields], right: &[Fields], place: &Place) -> Result<Vec<Fields>> {
    if left.len() * right.len() > ALTERNATIVES_MAX {
        return Err(place.error(
            format!("$or spreads into more than {ALTERNATIVES_MAX} combinations"),
            "split the rule into several",
        ));
    }
    Ok(left.iter().flat_map(|a| right.iter().map(|b| merge(a.clone(), b.clone()))).collect())
}

/// Objects under the same key become one, so that their fields are matched in the same element of
/// an array. Two lists under the same key must both match.
fn merge(mut fields: Fields, more: Fields) -> Fields {
    for (key, node) in more {
        let same = fields.iter_mut().find_map(|(name, there)| match (there, &node) {
            (Node::Object(inner), Node::Object(_)) if *name == key => Some(inner),
            _ => None,
        });
        match (same, node) {
            (Some(inner), Node::Object(added)) => *inner = merge(std::mem::take(inner), added),
            (_, node) => fields.push((key, node)),
        }
    }
    fields
}

fn leaf(filters: &[Value], place: &Place) -> Result<Node> {
    if filters.is_empty() {
        return Err(place.error("an empty list matches nothing", "list at least one value or filter"));
    }
    let filters = filters.iter().enumerate().map(|(index, value)| filter(value, &place.child(&index.to_string())));
    Ok(Node::Leaf(filters.collect::<Result<_>>()?))
}

fn filter(value: &Value, place: &Place) -> Result<Filter> {
    match value {
        Value::Object(fields) => {
            let mut entries = fields.iter();
            match (entries.next(), entries.next()) {
                (Some((name, operand)), None) => named(name, operand, &place.child(name)),
                _ => Err(place.error("a filter has exactly one name", "list each filter as an object of its own")),
            }
        }
        Value::Array(_) => Err(place.error("a list cannot stand within a list of values", "write the values side by side")),
        plain => Ok(Filter::Exactly(plain.clone())),
    }
}

fn named(name: &str, operand: &Value, place: &Place) -> Result<Filter> {
    match name {
        "exactly" => Ok(Filter::Exactly(Value::String(string(operand, place)?.to_owned()))),
        "prefix" => Ok(Filter::Prefix(text(operand, place)?)),
        "suffix" => Ok(Filter::Suffix(text(operand, place)?)),
        "equals-ignore-case" => Ok(Filter::EqualsIgnoreCase(string(operand, place)?.to_lowercase())),
        "wildcard" => wildcard(operand, place),
        "anything-but" => anything_but(operand, place),
        "numeric" => numeric(operand, place),
        "cidr" => Cidr::parse(string(operand, place)?)
            .map(Filter::Cidr)
            .ok_or_else(|| place.error(format!("{operand} is not a network"), "write for example \"10.0.0.0/24\" or \"2001:db8::/32\"")),
        "exists" => match operand {
            Value::Bool(true) => Ok(Filter::Present),
            Value::Bool(false) => Ok(Filter::Absent),
            _ => Err(place.error("exists is true or false", "write {\"exists\": true}")),
        },
        unknown => {
            let nearest = FILTERS.iter().max_by(|a, b| strsim::jaro_winkler(unknown, a).total_cmp(&strsim::jaro_winkler(unknown, b)));
            let mend = match nearest.filter(|name| strsim::jaro_winkler(unknown, name) > 0.8) {
                Some(name) => format!("did you mean {name}?"),
                None => format!("one of {}", FILTERS.join(", ")),
            };
            Err(place.error(format!("{unknown:?} is not a filter"), mend))
        }
    }
}

fn anything_but(operand: &Value, place: &Place) -> Result<Filter> {
    let refused = match operand {
        Value::Array(values) => plain_list(values, place)?,
        Value::Object(fields) => {
            let mut entries = fields.iter();
            match (entries.next(), entries.next()) {
                (Some((name, operand)), None) if ["prefix", "suffix", "equals-ignore-case", "wildcard"].contains(&name.as_str()) => {
                    each(operand, &place.child(name), |operand, place| named(name, operand, place))?
                }
                _ => {
                    return Err(place.error(
                        "anything-but takes a value, a list, or one of prefix, suffix, equals-ignore-case and wildcard",
                        "write for example {\"anything-but\": {\"prefix\": \"test-\"}}",
                    ));
                }
            }
        }
        plain => plain_list(std::slice::from_ref(plain), place)?,
    };
    Ok(Filter::AnythingBut(refused))
}

/// All texts or all numbers, as EventBridge asks.
fn plain_list(values: &[Value], place: &Place) -> Result<Vec<Filter>> {
    let alike = values.iter().all(Value::is_string) || values.iter().all(Value::is_number);
    if values.is_empty() || !alike {
        return Err(place.error("anything-but takes texts or numbers, not a mixture", "use one list of texts or one of numbers"));
    }
    Ok(values.iter().cloned().map(Filter::Exactly).collect())
}

/// One operand or a list of them.
fn each(operand: &Value, place: &Place, compile: impl Fn(&Value, &Place) -> Result<Filter>) -> Result<Vec<Filter>> {
    match operand {
        Value::Array(operands) if operands.is_empty() => Err(place.error("an empty list refuses nothing", "list at least one text")),
        Value::Array(operands) => {
            operands.iter().enumerate().map(|(index, operand)| compile(operand, &place.child(&index.to_string()))).collect()
        }
        operand => Ok(vec![compile(operand, place)?]),
    }
}

/// `["=", 5]`, `[">", 0]`, or a lower and an upper bound: `[">", 0, "<=", 5]`.
fn numeric(operand: &Value, place: &Place) -> Result<Filter> {
    let wrong = |message: &str| place.error(message, "write for example [\">\", 0, \"<=\", 5]");
    let Some(parts) = operand.as_array().filter(|parts| matches!(parts.len(), 2 | 4)) else {
        return Err(wrong("numeric takes one or two comparisons, each an operator and a number"));
    };
    let mut comparisons = Vec::new();
    for (index, pair) in parts.chunks(2).enumerate() {
        let operator = pair[0].as_str().and_then(Operator::parse).ok_or_else(|| {
            place.child(&(index * 2).to_string()).error(format!("{} is not an operator", pair[0]), "one of =, <, <=, > and >=")
        })?;
        let number = pair[1].as_f64().ok_or_else(|| {
            place.child(&(index * 2 + 1).to_string()).error(format!("{} is not a number", pair[1]), "write a number without quotes")
        })?;
        comparisons.push(Comparison { operator, number });
    }
    if let [a, b] = comparisons.as_slice() {
        let (low, high) = if a.operator.is_lower_bound() { (a, b) } else { (b, a) };
        let a_range = low.operator.is_lower_bound() && !high.operator.is_lower_bound() && high.operator != Operator::Equal;
        if !a_range {
            return Err(wrong("two comparisons are a lower and an upper bound"));
        }
        let closed = low.operator == Operator::GreaterOrEqual && high.operator == Operator::LessOrEqual;
        if low.number > high.number || (low.number == high.number && !closed) {
            return Err(wrong("no number lies between these bounds"));
        }
    }
    Ok(Filter::Numeric(comparisons))
}

fn wildcard(operand: &Value, place: &Place) -> Result<Filter> {
    Wildcard::parse(string(operand, place)?)
        .map(Filter::Wildcard)
        .map_err(|reason| place.error(reason, r"escape a literal star as \* and a backslash as \\"))
}

/// A text, or `{"equals-ignore-case": text}`.
fn text(operand: &Value, place: &Place) -> Result<Text> {
    match operand.as_object() {
        Some(fields) if fields.len() == 1 && fields.contains_key("equals-ignore-case") => {
            let text = string(&fields["equals-ignore-case"], &place.child("equals-ignore-case"))?.to_lowercase();
            Ok(Text { text, ignore_case: true })
        }
        _ => Ok(Text { text: string(operand, place)?.to_owned(), ignore_case: false }),
    }
}

fn string<'a>(operand: &'a Value, place: &Place) -> Result<&'a str> {
    operand.as_str().ok_or_else(|| place.error(format!("{operand} is not a text"), "write a text in quotes"))
}

/// Where in the pattern we are.
struct Place(Vec<String>);

impl Place {
    fn root() -> Self {
        Self(Vec::new())
    }

    fn child(&self, key: &str) -> Self {
        let mut path = self.0.clone();
        path.push(key.to_owned());
        Self(path)
    }

    fn error(&self, message: impl Into<String>, mend: impl Into<String>) -> PatternError {
        PatternError { path: self.0.clone(), message: message.into(), mend: Some(mend.into()) }
    }
}
