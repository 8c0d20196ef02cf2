//! Compares the fields of a compiled pattern with an event.

use serde_json::Value;

use super::filter::Filter;
use super::{Fields, Node};

/// Do all fields hold within this value? An array stands for each of its elements; absence must hold
/// in all of them, anything else in one.
pub(super) fn object(fields: &Fields, value: Option<&Value>) -> bool {
    match value {
        Some(Value::Object(map)) => fields.iter().all(|(key, node)| node_matches(node, map.get(key))),
        Some(Value::Array(elements)) if fields.iter().all(|(_, node)| asks_only_absence(node)) => {
            elements.iter().all(|element| object(fields, Some(element)))
        }
        Some(Value::Array(elements)) => elements.iter().any(|element| object(fields, Some(element))),
        // Below a plain value, or below nothing, no field is present.
        _ => fields.iter().all(|(_, node)| node_matches(node, None)),
    }
}

fn node_matches(node: &Node, value: Option<&Value>) -> bool {
    match node {
        Node::Object(fields) => object(fields, value),
        Node::Leaf(filters) => leaf(filters, value),
    }
}

/// Does any filter accept any plain value here, or, where there is none, accept that?
fn leaf(filters: &[Filter], value: Option<&Value>) -> bool {
    let mut present = false;
    let accepted = value.is_some_and(|value| any_plain(value, &mut |plain| {
        present = true;
        filters.iter().any(|filter| filter.accepts(plain))
    }));
    accepted || (!present && filters.contains(&Filter::Absent))
}

/// Visits the plain values of nested arrays until one is accepted. Objects are not plain values.
fn any_plain(value: &Value, accept: &mut impl FnMut(&Value) -> bool) -> bool {
    match value {
        Value::Array(elements) => elements.iter().any(|element| any_plain(element, accept)),
        Value::Object(_) => false,
        plain => accept(plain),
    }
}

fn asks_only_absence(node: &Node) -> bool {
    match node {
        Node::Object(fields) => fields.iter().all(|(_, node)| asks_only_absence(node)),
        Node::Leaf(filters) => filters.iter().all(|filter| *filter == Filter::Absent),
    }
}
