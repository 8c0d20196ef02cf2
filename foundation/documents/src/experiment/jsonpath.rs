//! JSONPath as experiments write it.
//!
//! RFC 9535, with what the toolkit's own package (`jsonpath2`) and the specification's examples have besides:
//! the root may be left out (`items[*].name`), `=` compares as `==` does, and a filter tests a mapping itself
//! where it stands behind one (`$.items[*][?(@.n = 1)]`). Behind a list it selects among the items.

use serde_json::Value;
use serde_json_path::JsonPath as Standard;

#[derive(Debug, Clone)]
pub struct JsonPath {
    parts: Vec<Part>,
}

#[derive(Debug, Clone)]
enum Part {
    /// From each value found so far.
    Path(Standard),
    /// On each value found so far; `$[?…]`.
    Filter(Standard),
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{path}` is not a JSONPath: {reason}")]
pub struct JsonPathError {
    path: String,
    reason: String,
}

impl JsonPath {
    pub fn parse(text: &str) -> Result<Self, JsonPathError> {
        let wrong = |reason: String| JsonPathError { path: text.to_owned(), reason };
        let rooted = rooted(text);
        let mut parts = Vec::new();
        for piece in pieces(&rooted) {
            let path = Standard::parse(&piece.standard()).map_err(|error| wrong(error.to_string()))?;
            parts.push(if matches!(piece, Piece::Filter(_)) { Part::Filter(path) } else { Part::Path(path) });
        }
        Ok(Self { parts })
    }

    /// Everything at the path, in order.
    pub fn find(&self, value: &Value) -> Vec<Value> {
        self.parts.iter().fold(vec![value.clone()], |found, part| found.iter().flat_map(|value| part.of(value)).collect())
    }
}

impl Part {
    fn of(&self, value: &Value) -> Vec<Value> {
        let all = |path: &Standard, value: &Value| -> Vec<Value> { path.query(value).all().into_iter().cloned().collect() };
        match (self, value) {
            (Self::Filter(path), Value::Object(_)) => all(path, &Value::Array(vec![value.clone()])),
            (Self::Path(path) | Self::Filter(path), _) => all(path, value),
        }
    }
}

fn rooted(text: &str) -> String {
    let text = text.trim();
    match text.chars().next() {
        Some('$') => text.to_owned(),
        Some('[') => format!("${text}"),
        _ => format!("$.{text}"),
    }
}

/// Stretches of a path between its filters, and the filters.
#[derive(Debug, PartialEq, Eq)]
enum Piece<'a> {
    Path(&'a str),
    /// `[?…]`
    Filter(&'a str),
}

impl Piece<'_> {
    fn standard(&self) -> String {
        match self {
            Self::Path(path) if path.starts_with('$') => (*path).to_owned(),
            Self::Path(path) => format!("${path}"),
            Self::Filter(filter) => format!("${}", with_double_equals(filter)),
        }
    }
}

fn pieces(path: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut begin = 0;
    let mut open: Option<(usize, usize)> = None;
    let mut depth = 0_usize;
    for (at, character, quoted) in unquoted(path) {
        match character {
            _ if quoted => {}
            '[' => {
                let filters = depth == 0 && path[at + 1..].trim_start().starts_with('?') && !path[..at].ends_with("..");
                if filters {
                    open = Some((at, depth));
                }
                depth += 1;
            }
            ']' => {
                depth = depth.saturating_sub(1);
                if let Some((from, _)) = open.take_if(|(_, outer)| *outer == depth) {
                    if from > begin {
                        pieces.push(Piece::Path(&path[begin..from]));
                    }
                    pieces.push(Piece::Filter(&path[from..=at]));
                    begin = at + 1;
                }
            }
            _ => {}
        }
    }
    if begin < path.len() {
        pieces.push(Piece::Path(&path[begin..]));
    }
    pieces
}

/// `=` alone becomes `==`.
fn with_double_equals(filter: &str) -> String {
    let mut written = String::with_capacity(filter.len() + 2);
    for (at, character, quoted) in unquoted(filter) {
        written.push(character);
        let beside = |other: Option<char>, among: &str| other.is_some_and(|other| among.contains(other));
        let alone = !beside(filter[..at].chars().next_back(), "=!<>") && !beside(filter[at + 1..].chars().next(), "=~");
        if character == '=' && !quoted && alone {
            written.push('=');
        }
    }
    written
}

/// Each character with its place, and whether it stands within quotes.
fn unquoted(text: &str) -> impl Iterator<Item = (usize, char, bool)> {
    let mut quote: Option<char> = None;
    let mut escaped = false;
    text.char_indices().map(move |(at, character)| {
        let within = quote.is_some();
        match quote {
            Some(_) if escaped => escaped = false,
            Some(_) if character == '\\' => escaped = true,
            Some(open) if character == open => quote = None,
            None if matches!(character, '"' | '\'') => quote = Some(character),
            _ => {}
        }
        (at, character, within || quote.is_some())
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn found(path: &str) -> Value {
        let value = json!({ "items": [{ "n": 1, "k": "a=b" }, { "n": 2, "k": "c]" }, { "n": 3, "deep": [{ "n": 9 }] }], "one": { "n": 1 } });
        Value::Array(JsonPath::parse(path).unwrap().find(&value))
    }

    #[test]
    fn the_standard_and_the_toolkits_package_are_both_understood() {
        for (path, expected) in [
            ("$.items[*].n", json!([1, 2, 3])),
            ("items[*].n", json!([1, 2, 3])),
            ("$.items[?@.n > 1].n", json!([2, 3])),
            ("$.items[*][?(@.n > 1)].n", json!([2, 3])),
            ("$.items.*[?(@.n!=1)].n", json!([2, 3])),
            ("$.items[?(@.n = 2)].k", json!(["c]"])),
            ("$.items[?(@.k = \"a=b\")].n", json!([1])),
            ("$.items[?(@.k == 'c]')].n", json!([2])),
            ("$.items[?(@.n >= 2)][?(@.deep)].deep[*].n", json!([9])),
            ("$.one[?(@.n = 1)].n", json!([1])),
            ("$..n", json!([1, 1, 2, 3, 9])),
            ("$['one']['n']", json!([1])),
            ("$", json!([{ "items": [{ "n": 1, "k": "a=b" }, { "n": 2, "k": "c]" }, { "n": 3, "deep": [{ "n": 9 }] }], "one": { "n": 1 } }])),
            ("$.nothing", json!([])),
        ] {
            let (mut found, mut expected) = (found(path), expected);
            // The order of a descent is not part of the standard.
            if path == "$..n" {
                for list in [&mut found, &mut expected] {
                    list.as_array_mut().unwrap().sort_by_key(Value::to_string);
                }
            }
            assert_eq!(found, expected, "{path}");
        }
    }

    #[test]
    fn what_is_no_path_says_so() {
        for path in ["$.items[?(", "$.a.length()", "", "$[", "$.a b"] {
            assert!(JsonPath::parse(path).is_err(), "{path}");
        }
    }

    proptest! {
        #[test]
        fn paths_of_strangers_do_not_panic(path in r#"[$@.\[\]?()=!<>'"\\*a-c0-9 é]{0,30}"#) {
            if let Ok(path) = JsonPath::parse(&path) {
                path.find(&json!({ "a": [{ "b": 1 }], "c": "é" }));
            }
        }
    }
}
