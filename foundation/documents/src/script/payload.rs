//! `payload`: CSV files whose rows become variables.

use crate::codes;
use crate::source::Node;

use super::model::{Payload, PayloadOrder};
use super::reader::{Reader, one_or_list};

pub fn read(config: &Node, reader: &mut Reader<'_>) -> Vec<Payload> {
    let Some(payload) = config.get("payload") else { return Vec::new() };
    one_or_list(payload).iter().filter_map(|node| one(node, reader)).collect()
}

fn one(node: &Node, reader: &mut Reader<'_>) -> Option<Payload> {
    let path = match node.get("path") {
        Some(path) => reader.file(path, "the CSV file"),
        None => reader.given_payload(first_key(node)),
    };
    let options = node.get("options").unwrap_or(node);
    let skips = reader.flag(node, "skipHeader").unwrap_or(options.get("from_line").and_then(Node::integer) == Some(2));
    let cast = reader.flag(node, "cast").or(reader.flag(options, "cast")).unwrap_or(true);
    let skip_empty_lines = reader.flag(node, "skipEmptyLines").or(reader.flag(options, "skip_empty_lines")).unwrap_or(true);
    Some(Payload {
        path: path?,
        fields: node.texts("fields"),
        order: match node.get("order").and_then(Node::text) {
            Some("sequence") => PayloadOrder::Sequence,
            _ => PayloadOrder::Random,
        },
        skip_header: skips,
        delimiter: delimiter(node.get("delimiter").or(options.get("delimiter")), reader),
        cast,
        skip_empty_lines,
        load_all: load_all(node, reader),
        origin: reader.origin(node.span),
    })
}

fn delimiter(written: Option<&Node>, reader: &mut Reader<'_>) -> char {
    let Some((node, text)) = written.and_then(|node| Some((node, node.text()?))) else { return ',' };
    let mut characters = text.chars();
    match (characters.next(), characters.next()) {
        (Some(only), None) => only,
        (Some('\\'), Some('t')) => '\t',
        _ => {
            reader.error(codes::WRONG_VALUE, node.span, "`delimiter` must be one character", "write for example \";\" or \"\\t\"".to_owned());
            ','
        }
    }
}

fn load_all(node: &Node, reader: &mut Reader<'_>) -> Option<String> {
    if !reader.flag(node, "loadAll")? {
        return None;
    }
    let name = node.owned("name");
    if name.is_none() {
        let span = node.entry("loadAll").map_or(node.span, |(key, _)| key.span);
        reader.error(codes::MISSING_FIELD, span, "`loadAll` lacks `name`", "add `name`: the variable that holds all rows".to_owned());
    }
    name
}

fn first_key(node: &Node) -> crate::source::Span {
    node.entries().first().map_or(node.span, |(key, _)| key.span)
}
