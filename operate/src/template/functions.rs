//! The functions that a template may call: Go's own and Prometheus's.

use std::cmp::Ordering;
use std::sync::Arc;

use regex::Regex;

use super::humanize::{humanize, humanize_1024, humanize_duration, humanize_percentage, humanize_timestamp, timestamp};
use super::{format, Scope, Stop, TemplateError, Value};

type Result<T> = std::result::Result<T, TemplateError>;

pub(super) fn call(name: &str, arguments: &[Value], scope: &Scope) -> std::result::Result<Value, Stop> {
    if name == "query" {
        return query(text_argument(name, arguments)?, scope);
    }
    Ok(pure(name, arguments, scope)?)
}

fn query(expression: &str, scope: &Scope) -> std::result::Result<Value, Stop> {
    match scope.answers.get(expression) {
        None => Err(Stop::Query(expression.to_owned())),
        Some(Err(reason)) => Err(TemplateError(format!("query {expression:?}: {reason}")).into()),
        Some(Ok(samples)) => Ok(Value::List(samples.iter().cloned().map(|sample| Value::Sample(Arc::new(sample))).collect())),
    }
}

fn pure(name: &str, arguments: &[Value], scope: &Scope) -> Result<Value> {
    let one = || argument(name, arguments, 0, 1);
    let number = || one()?.number();
    let text = || text_argument(name, arguments);
    Ok(match name {
        "first" => list(one()?)?.first().cloned().ok_or_else(|| error("first() called on vector with no elements"))?,
        "value" => one()?.field("Value")?,
        "label" => {
            let label = argument(name, arguments, 0, 2)?.text()?;
            argument(name, arguments, 1, 2)?.field("Labels")?.field(label)?
        }
        "strvalue" => one()?.field("Labels")?.field("__value__")?,
        "sortByLabel" => sort_by_label(argument(name, arguments, 0, 2)?.text()?, list(argument(name, arguments, 1, 2)?)?),
        "args" => Value::Map(Arc::new(arguments.iter().enumerate().map(|(at, value)| (format!("arg{at}"), value.clone())).collect())),

        "humanize" => Value::Text(humanize(number()?)),
        "humanize1024" => Value::Text(humanize_1024(number()?)),
        "humanizeDuration" => Value::Text(humanize_duration(number()?)),
        "humanizePercentage" => Value::Text(humanize_percentage(number()?)),
        "humanizeTimestamp" => Value::Text(humanize_timestamp(number()?)?),
        "toTime" => Value::Time(timestamp(number()?)?),
        "toDuration" => Value::Duration(number()?),
        "parseDuration" => {
            let text = text()?;
            let (sign, magnitude) = text.strip_prefix('-').map_or((1.0, text), |rest| (-1.0, rest));
            Value::Float(sign * kernel::parse_duration(magnitude).map_err(|e| error(e.to_string()))?.as_secs_f64())
        }
        "now" => Value::Float(scope.now.as_millisecond() as f64 / 1e3),

        "title" => Value::Text(title(text()?)),
        "toUpper" => Value::Text(text()?.to_uppercase()),
        "toLower" => Value::Text(text()?.to_lowercase()),
        "match" => Value::Bool(regex(argument(name, arguments, 0, 2)?)?.is_match(argument(name, arguments, 1, 2)?.text()?)),
        "reReplaceAll" => {
            let [pattern, replacement, text] = arguments else { return Err(count(name, 3, arguments.len())) };
            Value::Text(regex(pattern)?.replace_all(text.text()?, replacement.text()?).into_owned())
        }
        "join" => {
            let separator = argument(name, arguments, 0, 2)?.text()?;
            let parts: Vec<String> = list(argument(name, arguments, 1, 2)?)?.iter().map(Value::print).collect();
            Value::Text(parts.join(separator))
        }
        "stripPort" => Value::Text(split_port(text()?).0.to_owned()),
        "stripDomain" => Value::Text(strip_domain(text()?)),
        "urlQueryEscape" | "urlquery" => Value::Text(query_escape(&one()?.print())),
        "graphLink" => Value::Text(expression_link(text()?, 0)),
        "tableLink" => Value::Text(expression_link(text()?, 1)),
        "pathPrefix" => Value::Text(path(&scope.external_url).to_owned()),
        "externalURL" => Value::Text(scope.external_url.clone()),
        "safeHtml" => Value::Text(text()?.to_owned()),

        "print" => Value::Text(print(arguments)),
        "println" => Value::Text(arguments.iter().map(Value::print).collect::<Vec<_>>().join(" ") + "\n"),
        "printf" => {
            let (format, rest) = arguments.split_first().ok_or_else(|| count(name, 1, 0))?;
            Value::Text(format::printf(format.text()?, rest)?)
        }
        "len" => Value::Int(length(one()?)?),
        "index" => index(arguments)?,
        "slice" => slice(arguments)?,
        "not" => Value::Bool(!one()?.is_true()),
        // Arguments that decide earlier never come here.
        "and" | "or" => arguments.last().cloned().ok_or_else(|| count(name, 1, 0))?,
        "eq" => {
            let (first, rest) = arguments.split_first().filter(|(_, rest)| !rest.is_empty()).ok_or_else(|| count(name, 2, arguments.len()))?;
            let mut equal = false;
            for other in rest {
                equal |= compare(first, other)? == Some(Ordering::Equal);
            }
            Value::Bool(equal)
        }
        "ne" | "lt" | "le" | "gt" | "ge" => {
            let order = compare(argument(name, arguments, 0, 2)?, argument(name, arguments, 1, 2)?)?;
            Value::Bool(match name {
                "ne" => order != Some(Ordering::Equal),
                "lt" => order == Some(Ordering::Less),
                "le" => matches!(order, Some(Ordering::Less | Ordering::Equal)),
                "gt" => order == Some(Ordering::Greater),
                _ => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
            })
        }
        _ => return Err(error(format!("function {name:?} not defined"))),
    })
}

fn argument<'a>(name: &str, arguments: &'a [Value], at: usize, wanted: usize) -> Result<&'a Value> {
    if arguments.len() == wanted { Ok(&arguments[at]) } else { Err(count(name, wanted, arguments.len())) }
}

fn text_argument<'a>(name: &str, arguments: &'a [Value]) -> Result<&'a str> {
    argument(name, arguments, 0, 1)?.text()
}

fn count(name: &str, wanted: usize, got: usize) -> TemplateError {
    error(format!("wrong number of arguments for {name}: want {wanted} got {got}"))
}

fn error(message: impl Into<String>) -> TemplateError {
    TemplateError(message.into())
}

fn list(value: &Value) -> Result<&[Value]> {
    match value {
        Value::List(list) => Ok(list),
        other => Err(error(format!("a list is wanted here, not {}", other.kind()))),
    }
}

fn sort_by_label(label: &str, samples: &[Value]) -> Value {
    let mut samples = samples.to_vec();
    samples.sort_by_cached_key(|sample| match sample {
        Value::Sample(sample) => sample.labels.get(label).cloned().unwrap_or_default(),
        _ => String::new(),
    });
    Value::List(samples.into())
}

fn regex(pattern: &Value) -> Result<Regex> {
    let pattern = pattern.text()?;
    Regex::new(pattern).map_err(|_| error(format!("{pattern:?} is not a regular expression")))
}

/// The first letter of each word in upper case.
fn title(text: &str) -> String {
    let mut previous = ' ';
    text.chars()
        .flat_map(|c| {
            let starts = !(previous.is_alphanumeric() || previous == '_' || previous == '\'');
            previous = c;
            if starts { c.to_uppercase().collect::<Vec<_>>() } else { vec![c] }
        })
        .collect()
}

/// `host` and `:port`, if there is a port.
fn split_port(address: &str) -> (&str, &str) {
    let Some(colon) = address.rfind(':') else { return (address, "") };
    let (host, port) = address.split_at(colon);
    match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(inside) => (inside, port),
        // More colons without brackets: an IPv6 address without a port.
        None if host.contains(':') => (address, ""),
        None => (host, port),
    }
}

/// The first part of a host name; an address stays as it is.
fn strip_domain(address: &str) -> String {
    let (host, port) = split_port(address);
    if host.parse::<std::net::IpAddr>().is_ok() {
        return address.to_owned();
    }
    format!("{}{port}", host.split('.').next().unwrap_or(host))
}

fn query_escape(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
            b' ' => "+".to_owned(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

fn expression_link(expression: &str, tab: u8) -> String {
    format!("/graph?g0.expr={}&g0.tab={tab}", query_escape(expression))
}

fn path(url: &str) -> &str {
    let after_scheme = url.find("://").map_or(url, |at| &url[at + 3..]);
    after_scheme.find('/').map_or("", |at| &after_scheme[at..])
}

/// A space between two arguments if neither is a text, as Go's `fmt.Sprint` has it.
fn print(arguments: &[Value]) -> String {
    let mut out = String::new();
    for (at, value) in arguments.iter().enumerate() {
        let is_text = |value: &Value| matches!(value, Value::Text(_));
        if at > 0 && !is_text(value) && !is_text(&arguments[at - 1]) {
            out.push(' ');
        }
        out.push_str(&value.print());
    }
    out
}

fn length(value: &Value) -> Result<i64> {
    Ok(match value {
        Value::Text(text) => text.len(),
        Value::List(list) => list.len(),
        Value::Labels(labels) => labels.len(),
        Value::Map(map) => map.len(),
        other => return Err(error(format!("len of {}", other.kind()))),
    } as i64)
}

fn index(arguments: &[Value]) -> Result<Value> {
    let (value, keys) = arguments.split_first().ok_or_else(|| count("index", 1, 0))?;
    keys.iter().try_fold(value.clone(), |value, key| match (&value, key) {
        (Value::List(list), Value::Int(at)) => usize::try_from(*at)
            .ok()
            .and_then(|at| list.get(at).cloned())
            .ok_or_else(|| error(format!("index out of range: {at}"))),
        (Value::Text(text), Value::Int(at)) => usize::try_from(*at)
            .ok()
            .and_then(|at| text.as_bytes().get(at))
            .map(|byte| Value::Int(i64::from(*byte)))
            .ok_or_else(|| error(format!("index out of range: {at}"))),
        (Value::Labels(_) | Value::Map(_), Value::Text(key)) => value.field(key),
        _ => Err(error(format!("cannot index {} with {}", value.kind(), key.kind()))),
    })
}

fn slice(arguments: &[Value]) -> Result<Value> {
    let bound = |at: usize, otherwise: usize| match arguments.get(at) {
        None => Ok(otherwise),
        Some(Value::Int(bound)) => usize::try_from(*bound).map_err(|_| error(format!("index out of range: {bound}"))),
        Some(other) => Err(error(format!("cannot slice with {}", other.kind()))),
    };
    let outside = || error("slice: index out of range");
    match arguments.first() {
        Some(Value::Text(text)) => {
            let range = bound(1, 0)?..bound(2, text.len())?;
            text.get(range).map(|text| Value::Text(text.to_owned())).ok_or_else(outside)
        }
        Some(Value::List(list)) => {
            let range = bound(1, 0)?..bound(2, list.len())?;
            list.get(range).map(|list| Value::List(list.into())).ok_or_else(outside)
        }
        _ => Err(error("slice takes a text or a list")),
    }
}

/// None if the two are not ordered, as NaN is not.
fn compare(a: &Value, b: &Value) -> Result<Option<Ordering>> {
    match (a, b) {
        (Value::Text(a), Value::Text(b)) => Ok(Some(a.cmp(b))),
        (Value::Bool(a), Value::Bool(b)) => Ok(Some(a.cmp(b))),
        (Value::Int(a), Value::Int(b)) => Ok(Some(a.cmp(b))),
        (Value::Time(a), Value::Time(b)) => Ok(Some(a.cmp(b))),
        (Value::Nil, Value::Nil) => Ok(Some(Ordering::Equal)),
        (Value::Float(_) | Value::Int(_) | Value::Duration(_), Value::Float(_) | Value::Int(_) | Value::Duration(_)) => {
            Ok(a.number()?.partial_cmp(&b.number()?))
        }
        _ => Err(error(format!("incompatible types for comparison: {} and {}", a.kind(), b.kind()))),
    }
}
