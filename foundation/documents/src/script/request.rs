//! One HTTP request.

use crate::codes;
use crate::schema;
use crate::source::node::Content;
use crate::source::{Node, Shape, Span};

use super::model::{BasicAuth, Body, Part, PartContent, Request};
use super::reader::{Reader, pairs};
use super::{capture, expect};

const BODIES: [&str; 4] = ["json", "body", "form", "formData"];

pub fn has_field(name: &str) -> bool {
    schema::SCRIPT.value()["$defs"]["request"]["properties"].get(name).is_some()
}

pub fn read(method: &str, span: Span, node: &Node, reader: &mut Reader<'_>) -> Option<Request> {
    if node.shape() != Shape::Object {
        // The schema has said so.
        return None;
    }
    let before_request = reader.functions(node, "beforeRequest");
    let after_response = reader.functions(node, "afterResponse");
    let extra = extra(method, node, reader);
    let Some(url) = node.get("url").or(node.get("uri")).and_then(Node::text) else {
        let mend = "add `url`: an address, or a path below the target".to_owned();
        reader.error(codes::MISSING_FIELD, span, format!("`{method}` lacks `url`"), mend);
        return None;
    };
    Some(Request {
        method: method.to_uppercase(),
        url: url.to_owned(),
        name: node.owned("name"),
        headers: pairs(node, "headers"),
        cookies: pairs(node, "cookie"),
        query: node.get("qs").map(Node::to_json),
        body: body(node, reader),
        auth: node.get("auth").map(auth),
        gzip: reader.flag(node, "gzip").unwrap_or(true),
        follow_redirect: reader.flag(node, "followRedirect"),
        probability: reader.number_from(node, "probability", 0.0, false),
        capture: capture::read(node, reader),
        matches: capture::matches(node, reader),
        expect: expect::read(node, reader),
        before_request,
        after_response,
        extra,
    })
}

/// Keys that are not Artillery's: a slip, or something for the script's functions, which see the whole request.
fn extra(method: &str, node: &Node, reader: &mut Reader<'_>) -> std::collections::BTreeMap<String, serde_json::Value> {
    let unknown = || node.entries().iter().filter(|(key, _)| key.text().is_some_and(|name| !has_field(name)));
    for (key, _) in unknown() {
        let for_functions = reader.has_functions;
        reader.unknown(&format!("`{method}`"), key, "request", for_functions);
    }
    unknown().filter_map(|(key, value)| Some((key.text()?.to_owned(), value.to_json()))).collect()
}

fn auth(node: &Node) -> BasicAuth {
    let field = |name: &str| node.get(name).map_or(serde_json::Value::from(""), Node::to_json);
    BasicAuth { user: field("user"), password: field("pass") }
}

fn body(node: &Node, reader: &mut Reader<'_>) -> Body {
    let given: Vec<&(Node, Node)> = BODIES.iter().filter_map(|name| node.entry(name)).filter(|(_, value)| value.shape() != Shape::Null).collect();
    if let [(first, _), (second, _), ..] = given[..] {
        let names = (first.text().unwrap_or_default(), second.text().unwrap_or_default());
        let message = format!("a request has one body, and this has `{}` and `{}`", names.0, names.1);
        reader.error(codes::WRONG_VALUE, second.span, message, "keep one of the two".to_owned());
    }
    let Some((key, value)) = given.first() else { return Body::None };
    let fields = || value.entries().iter().filter_map(|(name, value)| Some((name.text()?.to_owned(), value)));
    match key.text() {
        Some("json") => Body::Json(value.to_json()),
        Some("form") => Body::Form(fields().map(|(name, value)| (name, value.to_json())).collect()),
        Some("formData") => Body::Multipart(fields().map(|(name, value)| part(name, value, reader)).collect()),
        _ => Body::Text(value.to_json()),
    }
}

fn part(name: String, node: &Node, reader: &mut Reader<'_>) -> Part {
    let content = match (&node.content, node.get("fromFile")) {
        (Content::Mapping(_), Some(path)) => PartContent::File(reader.file(path, "the file to upload").unwrap_or_default()),
        (Content::Mapping(_), None) => PartContent::Text(node.get("value").map_or(serde_json::Value::from(""), Node::to_json)),
        _ => PartContent::Text(node.to_json()),
    };
    Part { name, content, content_type: node.owned("contentType"), file_name: node.owned("fileName") }
}
