//! Ways into a value, as scripts write them: `a.b[0]['c']`.

use std::borrow::Cow;

use serde_json::{Map, Value};

/// Split once. Any text is a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    text: Box<str>,
    /// Empty if the text is one plain name.
    steps: Box<[Box<str>]>,
}

impl Path {
    pub fn parse(text: &str) -> Self {
        let steps = if Self::is_plain(text) { Box::default() } else { steps(text).into() };
        Self { text: text.into(), steps }
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it leads anywhere in a value; the whole text as one name comes first.
    pub(super) fn is_in(&self, whole: &Value) -> bool {
        let all = std::slice::from_ref(&self.text);
        part(whole, all).is_some() || (!self.steps.is_empty() && part(whole, &self.steps).is_some())
    }

    pub(super) fn is_plain(text: &str) -> bool {
        !text.bytes().any(|byte| matches!(byte, b'.' | b'[' | b']'))
    }

    /// The first step and the others, if there are several.
    pub(super) fn root_and_rest(&self) -> Option<(&str, &[Box<str>])> {
        let (root, rest) = self.steps.split_first()?;
        Some((root, rest))
    }

    pub(super) fn split(&self) -> (Path, &[Box<str>]) {
        let (root, rest) = self.root_and_rest().unwrap_or((&self.text, &[]));
        (Path { text: root.into(), steps: Box::default() }, rest)
    }
}

/// The part of a value that is reached by steps. The length of a list or a text is a part of it.
pub(super) fn part<'a>(whole: &'a Value, steps: &[Box<str>]) -> Option<Cow<'a, Value>> {
    let mut value = whole;
    for (index, step) in steps.iter().enumerate() {
        let next = match value {
            Value::Object(fields) => fields.get(&**step),
            Value::Array(items) => step.parse::<usize>().ok().and_then(|index| items.get(index)),
            _ => None,
        };
        match next {
            Some(next) => value = next,
            None if &**step == "length" && index + 1 == steps.len() => return length(value).map(Cow::Owned),
            None => return None,
        }
    }
    Some(Cow::Borrowed(value))
}

/// As JavaScript counts it.
pub(super) fn length(value: &Value) -> Option<Value> {
    match value {
        Value::Array(items) => Some(items.len().into()),
        Value::String(text) => Some(text.encode_utf16().count().into()),
        _ => None,
    }
}

/// Sets a part, making what is missing on the way: a list where the step is a small number, else an object.
pub(super) fn place(whole: &mut Value, steps: &[Box<str>], value: Value) {
    let mut place = whole;
    for step in steps {
        let index = step.parse::<usize>().ok().filter(|index| *index < INDEX_MAX);
        if !place.is_object() && !(place.is_array() && index.is_some()) {
            *place = if index.is_some() { Value::Array(Vec::new()) } else { Value::Object(Map::new()) };
        }
        place = match (place, index) {
            (Value::Array(items), Some(index)) => {
                if items.len() <= index {
                    items.resize(index + 1, Value::Null);
                }
                &mut items[index]
            }
            (place, _) => &mut place[&**step],
        };
    }
    *place = value;
}

/// A script's slip must not fill the memory with nulls.
const INDEX_MAX: usize = 10_000;

fn steps(text: &str) -> Vec<Box<str>> {
    let mut steps: Vec<Box<str>> = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        if let Some((step, after)) = rest.strip_prefix('[').and_then(bracketed) {
            steps.push(step.into());
            rest = after.strip_prefix('.').unwrap_or(after);
            continue;
        }
        let rest_of_step = rest.strip_prefix('[').unwrap_or(rest);
        let end = rest_of_step.find(['.', '[']).unwrap_or(rest_of_step.len());
        steps.push(rest_of_step[..end].trim_end_matches(']').into());
        rest = &rest_of_step[end..];
        rest = rest.strip_prefix('.').unwrap_or(rest);
    }
    steps
}

/// What stands in brackets, with or without quotes, and what follows them.
fn bracketed(text: &str) -> Option<(&str, &str)> {
    for quote in ['"', '\''] {
        if let Some(quoted) = text.strip_prefix(quote) {
            let end = quoted.find(quote)?;
            return Some((&quoted[..end], quoted[end + 1..].strip_prefix(']')?));
        }
    }
    let end = text.find(']')?;
    Some((text[..end].trim(), &text[end + 1..]))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn splits_as_scripts_write_them() {
        let split = |text| Path::parse(text).steps.iter().map(|step| step.to_string()).collect::<Vec<_>>();
        assert_eq!(split("a.b[0]['c.d'].e"), ["a", "b", "0", "c.d", "e"]);
        assert_eq!(split("a[\"x\"][1]"), ["a", "x", "1"]);
        assert_eq!(split("plain"), [""; 0]);
    }

    proptest! {
        #[test]
        fn any_text_is_a_path(text in ".{0,40}") {
            let path = Path::parse(&text);
            let (root, rest) = path.split();
            part(&json!({"a": [1]}), rest);
            let mut value = Value::Null;
            place(&mut value, rest, json!(1));
            prop_assert!(root.text().len() <= text.len());
        }

        #[test]
        fn what_is_placed_is_found(steps in prop::collection::vec("[a-z]{1,3}|[0-9]{1,2}", 1..5)) {
            let steps: Vec<Box<str>> = steps.into_iter().map(Into::into).collect();
            let mut value = Value::Null;
            place(&mut value, &steps, json!(7));
            prop_assert_eq!(part(&value, &steps).map(Cow::into_owned), Some(json!(7)));
        }
    }
}
