//! `{{ path }}` in the texts of a target: a dotted path into the event's JSON.

use serde_json::Value;

/// The text with its paths filled in. A path that leads nowhere leaves nothing, and a note.
pub fn fill(text: &str, event: &Value, notes: &mut Vec<String>) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        out.push_str(before);
        let Some((path, after)) = after.split_once("}}") else {
            notes.push(format!("{text:?}: {{{{ is not closed by }}}}"));
            out.push_str("{{");
            rest = after;
            continue;
        };
        match find(event, path.trim()) {
            Some(value) => out.push_str(&shown(value)),
            None => notes.push(format!("the event has no {}", path.trim())),
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

/// A key with dots is found before its parts: `data.labels.service.name` reaches the label `service.name`.
fn find<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    if path.is_empty() {
        return Some(value);
    }
    if let Value::Array(elements) = value {
        let (index, rest) = path.split_once('.').unwrap_or((path, ""));
        return find(elements.get(index.parse::<usize>().ok()?)?, rest);
    }
    let fields = value.as_object()?;
    if let Some(found) = fields.get(path) {
        return Some(found);
    }
    let dots = path.match_indices('.').map(|(at, _)| at);
    dots.rev().find_map(|at| find(fields.get(&path[..at])?, &path[at + 1..]))
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn paths_are_filled_in_and_missing_ones_noted() {
        let event = json!({ "subject": "a/b", "data": { "value": 0.5, "labels": { "service.name": "orders" }, "list": [{ "x": 1 }], "none": null } });
        let mut notes = Vec::new();
        let text = "{{subject}}: {{ data.labels.service.name }} {{ data.value }} {{ data.list.0.x }}{{ data.none }} {{ data.gone }}. {{ open";
        assert_eq!(fill(text, &event, &mut notes), "a/b: orders 0.5 1 . {{ open");
        assert_eq!(notes.len(), 2, "{notes:?}");
        assert_eq!(notes[0], "the event has no data.gone");
    }
}
