//! What is kept of an answer, or compared with a value.

use crate::codes;
use crate::source::Node;

use super::model::{Capture, Match, Pick, Selector};
use super::reader::{Reader, one_or_list};

/// How a value is found: exactly one of these.
const KINDS: [&str; 5] = ["json", "xpath", "regexp", "header", "selector"];
/// Fields that belong to one of them only.
const BESIDE: [(&str, &str); 4] = [("group", "regexp"), ("flags", "regexp"), ("attr", "selector"), ("index", "selector")];
/// The flags of regular expressions in JavaScript.
const FLAGS: &str = "dgimsuvy";

pub fn read(node: &Node, reader: &mut Reader<'_>) -> Vec<Capture> {
    let Some(written) = node.get("capture") else { return Vec::new() };
    one_or_list(written).iter().filter_map(|node| one(node, reader)).collect()
}

pub fn matches(node: &Node, reader: &mut Reader<'_>) -> Vec<Match> {
    let Some(written) = node.get("match") else { return Vec::new() };
    one_or_list(written).iter().filter_map(|node| one_match(node, reader)).collect()
}

fn one(node: &Node, reader: &mut Reader<'_>) -> Option<Capture> {
    let selector = selector(node, "a capture", reader)?;
    Some(Capture { selector, variable: node.owned("as")?, strict: reader.flag(node, "strict"), origin: reader.origin(node.span) })
}

fn one_match(node: &Node, reader: &mut Reader<'_>) -> Option<Match> {
    let selector = selector(node, "a match", reader)?;
    let value = node.get("value")?.to_json();
    Some(Match { selector, value, strict: reader.flag(node, "strict"), origin: reader.origin(node.span) })
}

fn selector(node: &Node, subject: &str, reader: &mut Reader<'_>) -> Option<Selector> {
    let given: Vec<&str> = KINDS.into_iter().filter(|kind| node.get(kind).is_some()).collect();
    let span = node.entries().first().map_or(node.span, |(key, _)| key.span);
    let [kind] = given[..] else {
        let names = KINDS.join(", ");
        let (code, message) = match given.first() {
            None => (codes::MISSING_FIELD, format!("{subject} does not say what is looked for")),
            Some(first) => (codes::WRONG_VALUE, format!("{subject} looks for one thing, and this for `{first}` and `{}`", given[1])),
        };
        if reader.knows_all(subject.trim_start_matches("a "), node) {
            reader.error(code, span, message, format!("write exactly one of {names}"));
        }
        return None;
    };
    for (field, of) in BESIDE.iter().filter(|(_, of)| *of != kind) {
        if let Some((key, _)) = node.entry(field) {
            let message = format!("`{field}` belongs to `{of}`, and this is `{kind}`");
            reader.error(codes::UNKNOWN_FIELD, key.span, message, "take it away".to_owned());
        }
    }
    let text = node.owned(kind)?;
    Some(match kind {
        "json" => Selector::Json(text),
        "xpath" => Selector::XPath(text),
        "header" => Selector::Header(text),
        "regexp" => regexp(node, text, reader),
        _ => Selector::Css { selector: text, attribute: node.owned("attr"), pick: pick(node, reader) },
    })
}

fn regexp(node: &Node, pattern: String, reader: &mut Reader<'_>) -> Selector {
    if let Some(written) = node.get("regexp") {
        check_regexp(written, reader);
    }
    let flags = node.get("flags");
    if let Some((flags, text)) = flags.and_then(|flags| Some((flags, flags.text()?)))
        && let Some(unknown) = text.chars().find(|flag| !FLAGS.contains(*flag))
    {
        let message = format!("regular expressions have no flag `{unknown}`");
        reader.error(codes::WRONG_VALUE, flags.span, message, "write for example i, m or s".to_owned());
    }
    Selector::Regexp { pattern, group: node.owned("group"), flags: node.owned("flags") }
}

/// A template is known only when it is filled in.
pub fn check_regexp(written: &Node, reader: &mut Reader<'_>) {
    let text = written.text().unwrap_or_default();
    if text.contains("{{") {
        return;
    }
    if let Err(error) = fancy_regex::Regex::new(text) {
        let message = format!("`{text}` is not a regular expression: {}", last_line(&error.to_string()));
        reader.error(codes::REGEX, written.span, message, "close every bracket, and write \\ before a character that is meant as it is".to_owned());
    }
}

/// The parser draws a picture of the place above what is wrong.
fn last_line(message: &str) -> &str {
    message.lines().last().unwrap_or_default().trim().trim_start_matches("error: ")
}

fn pick(node: &Node, reader: &mut Reader<'_>) -> Pick {
    let Some((written, text)) = node.get("index").and_then(|index| Some((index, index.text()?))) else { return Pick::First };
    match (text, text.trim().parse()) {
        ("last", _) => Pick::Last,
        ("random", _) => Pick::Random,
        (_, Ok(index)) => Pick::Index(index),
        _ => {
            reader.error(codes::WRONG_VALUE, written.span, format!("`index` cannot be `{text}`"), "write a number, last or random".to_owned());
            Pick::First
        }
    }
}
