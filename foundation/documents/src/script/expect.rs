//! What must be true of an answer. In a list item that holds several expectations, Artillery looks at the
//! first only; here each counts.

use serde_json::Value;

use crate::codes;
use crate::diagnostic::Level;
use crate::source::Node;
use crate::source::node::Content;

use super::capture::check_regexp;
use super::model::{Check, Expectation};
use super::reader::{Reader, one_or_list};

pub fn read(node: &Node, reader: &mut Reader<'_>) -> Vec<Expectation> {
    let Some(written) = node.get("expect") else { return Vec::new() };
    one_or_list(written).iter().flat_map(|node| of_mapping(node, reader)).collect()
}

fn of_mapping(node: &Node, reader: &mut Reader<'_>) -> Vec<Expectation> {
    let description = node.owned("description");
    let mut expectations = Vec::new();
    for (key, value) in node.entries() {
        let name = key.text().unwrap_or_default();
        if let Some(check) = check(name, value, node, reader) {
            expectations.push(Expectation { check, description: description.clone(), origin: reader.origin(key.span) });
        }
    }
    expectations
}

/// What the schema has refused comes to nothing.
fn check(name: &str, value: &Node, beside: &Node, reader: &mut Reader<'_>) -> Option<Check> {
    let jmespath = ["jmespath", "jpath"].iter().any(|name| beside.get(name).is_some());
    Some(match name {
        "statusCode" => Check::StatusCode(list(value)),
        "notStatusCode" => Check::NotStatusCode(list(value)),
        "contentType" => Check::ContentType(value.to_json()),
        "hasProperty" => Check::HasProperty(value.to_json()),
        "notHasProperty" => Check::NotHasProperty(value.to_json()),
        "equals" if jmespath => return None,
        "equals" => Check::Equals(several(value, reader)?),
        "hasHeader" => Check::HasHeader(value.to_json()),
        "headerEquals" => {
            let [header, wanted] = <[Value; 2]>::try_from(exactly_two(value, reader)?).ok()?;
            Check::HeaderEquals(header, wanted)
        }
        "matchesRegexp" => {
            check_regexp(value, reader);
            Check::MatchesRegexp(value.to_json())
        }
        "cdnHit" => Check::CdnHit(value.to_json()),
        "jmespath" | "jpath" => Check::Jmespath { expression: value.text()?.to_owned(), equals: beside.get("equals").map(Node::to_json) },
        _ => return None,
    })
}

fn list(value: &Node) -> Vec<Value> {
    one_or_list(value).iter().map(Node::to_json).collect()
}

/// One value alone equals itself: nobody means that, but published scripts say it.
fn several(value: &Node, reader: &mut Reader<'_>) -> Option<Vec<Value>> {
    let is_list = matches!(value.content, Content::Sequence(_));
    let values = list(value);
    if !is_list || values.len() < 2 {
        let level = if is_list { Level::Warning } else { Level::Error };
        let message = "`equals` compares the values of a list, and there is nothing to compare";
        let mend = "write at least two, for example [\"{{ name }}\", \"Luna\"]".to_owned();
        reader.findings.report(level, codes::WRONG_VALUE, value.span, message, mend);
    }
    is_list.then_some(values)
}

fn exactly_two(value: &Node, reader: &mut Reader<'_>) -> Option<Vec<Value>> {
    let values = list(value);
    if values.len() == 2 {
        return Some(values);
    }
    let mend = "write for example [cache-control, no-store]".to_owned();
    reader.error(codes::WRONG_VALUE, value.span, "`headerEquals` is a list of a header's name and its value", mend);
    None
}
