//! What a probe's value must be: five forms, told apart by shape and `type`.

use super::activity;
use super::check::{self, Names};
use super::jsonpath::JsonPath;
use super::model::Tolerance;
use crate::codes;
use crate::findings::Findings;
use crate::kinds::Reading;
use crate::source::{Node, Shape, Span};
use crate::suggest;

const TYPES: [&str; 4] = ["probe", "regex", "jsonpath", "range"];

pub fn decode(node: &Node, findings: &Findings) -> Option<Tolerance> {
    let target = || node.owned("target");
    Some(match node.shape() {
        Shape::Object => match node.get("type")?.text()? {
            "probe" => Tolerance::Probe(Box::new(activity::activity(node, findings)?)),
            "regex" => Tolerance::Regex { pattern: node.owned("pattern")?, target: target() },
            "jsonpath" => Tolerance::JsonPath {
                path: node.owned("path")?,
                expect: node.entry("expect").map(|(_, expect)| expect.to_json()),
                count: node.get("count").and_then(Node::integer).and_then(|count| count.try_into().ok()),
                target: target(),
            },
            "range" => {
                let bounds: Vec<f64> = node.get("range")?.items().iter().filter_map(Node::number).collect();
                let [low, high] = bounds[..] else { return None };
                Tolerance::Range { low, high, target: target() }
            }
            _ => return None,
        },
        Shape::Array => Tolerance::List(node.items().iter().map(Node::to_json).collect()),
        Shape::Null => return None,
        _ => Tolerance::Scalar(node.to_json()),
    })
}

/// Reports a tolerance that can never be met, or that cannot be read.
pub fn check(key: Span, node: &Node, names: &Names<'_>, reading: &mut Reading<'_>) {
    match node.shape() {
        Shape::Null => wrong(reading, key, "the tolerance is empty", "write a value, a list, or an object with a `type`"),
        Shape::Array => check_list(key, node, reading),
        Shape::Object => check_typed(key, node, names, reading),
        _ => {}
    }
}

fn check_list(key: Span, node: &Node, reading: &mut Reading<'_>) {
    if node.items().is_empty() {
        wrong(reading, key, "a list of no values can never be met", "write the values, or two bounds");
    }
    for item in node.items().iter().filter(|item| matches!(item.shape(), Shape::Array | Shape::Object | Shape::Null)) {
        wrong(reading, item.span, "a tolerance's list holds texts, numbers and booleans only", "take it out");
    }
    let numbers: Vec<f64> = node.items().iter().filter_map(Node::number).collect();
    if let ([low, high], 2) = (&numbers[..], node.items().len())
        && low > high
    {
        wrong(reading, key, "two values are bounds, and the lower one comes first", format!("write [{high}, {low}]"));
    }
}

fn check_typed(key: Span, node: &Node, names: &Names<'_>, reading: &mut Reading<'_>) {
    let Some(kind) = node.get("type") else {
        let mend = format!("add `type`: one of {}", TYPES.join(", "));
        return reading.findings.error(codes::MISSING_FIELD, key, "the tolerance lacks `type`", mend);
    };
    let fields: &[&str] = match kind.text().unwrap_or_default() {
        "probe" => return check::activity(node, names, reading),
        "regex" => {
            check_regex(key, node, reading);
            &["type", "pattern", "target"]
        }
        "jsonpath" => {
            check_jsonpath(key, node, reading);
            &["type", "path", "expect", "count", "target"]
        }
        "range" => {
            check_range(key, node, reading);
            &["type", "range", "target"]
        }
        other => {
            let mend = suggest::mend(other, TYPES, "one of");
            let message = format!("there is no tolerance of type `{other}`");
            return reading.findings.error(codes::WRONG_VALUE, kind.span, message, mend);
        }
    };
    check::known_fields("a tolerance", node, fields, reading);
}

fn check_regex(key: Span, node: &Node, reading: &mut Reading<'_>) {
    let Some(pattern) = required(key, node, "pattern", "a regular expression", reading) else { return };
    let text = pattern.text().unwrap_or_default();
    if let Err(error) = fancy_regex::Regex::new(text)
        && !text.contains("${")
    {
        let mend = "see https://docs.rs/regex/latest/regex/#syntax; look-around and back references work too".to_owned();
        reading.findings.error(codes::REGEX, pattern.span, one_line(&error.to_string()), mend);
    }
}

fn check_jsonpath(key: Span, node: &Node, reading: &mut Reading<'_>) {
    if let Some(path) = required(key, node, "path", "a JSONPath such as $.items[*].name", reading) {
        let text = path.text().unwrap_or_default();
        if let Err(error) = JsonPath::parse(text)
            && !text.contains("${")
        {
            let mend = "write it as RFC 9535 has it: $.items[?@.state == 'up'].name".to_owned();
            reading.findings.error(codes::JSONPATH, path.span, error.to_string(), mend);
        }
    }
    if let Some(count) = node.get("count").filter(|count| count.integer().is_none_or(|count| count < 0)) {
        wrong(reading, count.span, "`count` must be a whole number, 0 or more", "say how many values the path must find");
    }
}

fn check_range(key: Span, node: &Node, reading: &mut Reading<'_>) {
    if node.get("range").is_none() {
        return reading.findings.error(codes::MISSING_FIELD, key, "the tolerance lacks `range`", "add `range`: [lower, upper]".to_owned());
    }
    let bounds: Vec<Option<f64>> = node.get("range").map(Node::items).unwrap_or_default().iter().map(Node::number).collect();
    match bounds[..] {
        [Some(low), Some(high)] if low <= high => {}
        [Some(low), Some(high)] => wrong(reading, key, "the lower bound comes first", format!("write [{high}, {low}]")),
        _ => wrong(reading, key, "`range` must be two numbers", "write `range`: [lower, upper]"),
    }
}

fn required<'a>(key: Span, node: &'a Node, field: &str, what: &str, reading: &mut Reading<'_>) -> Option<&'a Node> {
    let found = node.get(field).filter(|value| value.shape() == Shape::String && value.text().is_some_and(|text| !text.trim().is_empty()));
    if found.is_none() {
        let message = format!("the tolerance lacks `{field}`");
        reading.findings.error(codes::MISSING_FIELD, key, message, format!("add `{field}`: {what}, as text"));
    }
    found
}

fn wrong(reading: &mut Reading<'_>, span: Span, message: &str, mend: impl Into<String>) {
    reading.findings.error(codes::WRONG_VALUE, span, message, mend.into());
}

/// Parsers draw a picture below their first line; ours points at the place already.
fn one_line(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    match lines[..] {
        [only] => only.to_owned(),
        [first, .., last] => format!("{first} {last}"),
        [] => String::new(),
    }
}
