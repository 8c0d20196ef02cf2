//! `${name}` in the texts of an experiment. Decides only: no clock, disk or socket.
//!
//! The toolkit fills in with Python's `string.Template`: `$name` works as `${name}` does, `$$` is a dollar
//! sign, and what has no value stays as it is. A text that is one placeholder becomes the value itself, with
//! its type; within more text the value is written out. Where there is nothing to fill in, every text stays as
//! it is.

use serde_json::{Map, Value};

/// What a name stands for: the configuration first, then the groups of secrets in their order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Names {
    pub configuration: Map<String, Value>,
    /// By group.
    pub secrets: Map<String, Value>,
}

impl Names {
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.configuration.get(name).or_else(|| self.secrets.values().find_map(|group| group.as_object()?.get(name)))
    }

    /// Fills in every text of a value, however deep it lies. Keys stay as they are.
    pub fn fill(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => self.fill_text(text),
            Value::Array(items) => Value::Array(items.iter().map(|item| self.fill(item)).collect()),
            Value::Object(fields) => Value::Object(fields.iter().map(|(key, value)| (key.clone(), self.fill(value))).collect()),
            other => other.clone(),
        }
    }

    /// A text stays one, whatever the value is.
    pub fn fill_to_text(&self, text: &str) -> String {
        written(&self.fill_text(text))
    }

    fn fill_text(&self, text: &str) -> Value {
        if self.configuration.is_empty() && self.secrets.is_empty() {
            return Value::String(text.to_owned());
        }
        let pieces = pieces(text);
        if let [Piece::Name { name, .. }] = pieces[..]
            && let Some(value) = self.get(name)
        {
            return value.clone();
        }
        let fill = |piece: &Piece<'_>| match piece {
            Piece::Text(text) => (*text).to_owned(),
            Piece::Dollar => "$".to_owned(),
            Piece::Name { name, whole } => self.get(name).map_or_else(|| (*whole).to_owned(), written),
        };
        Value::String(pieces.iter().map(fill).collect())
    }
}

/// As Python writes a value into a text.
pub fn written(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Null => "None".to_owned(),
        other => other.to_string(),
    }
}

#[derive(Debug, PartialEq)]
enum Piece<'a> {
    Text(&'a str),
    /// `$$`
    Dollar,
    Name { name: &'a str, whole: &'a str },
}

fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        let (before, placeholder) = rest.split_at(at);
        if !before.is_empty() {
            pieces.push(Piece::Text(before));
        }
        let (piece, length) = piece(placeholder);
        pieces.push(piece);
        rest = &placeholder[length..];
    }
    if !rest.is_empty() || pieces.is_empty() {
        pieces.push(Piece::Text(rest));
    }
    pieces
}

/// What a text that begins with `$` begins with, and its length in bytes.
fn piece(text: &str) -> (Piece<'_>, usize) {
    let after = &text[1..];
    if after.starts_with('$') {
        return (Piece::Dollar, 2);
    }
    let braced = after.strip_prefix('{');
    let inside = braced.unwrap_or(after);
    let name = &inside[..name_length(inside)];
    let closed = braced.is_none() || inside[name.len()..].starts_with('}');
    if name.is_empty() || !closed {
        return (Piece::Text(&text[..1]), 1);
    }
    let length = 1 + name.len() + if braced.is_some() { 2 } else { 0 };
    (Piece::Name { name, whole: &text[..length] }, length)
}

fn name_length(text: &str) -> usize {
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        return 0;
    }
    text.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn names() -> Names {
        let object = |value: Value| value.as_object().cloned().unwrap_or_default();
        Names {
            configuration: object(json!({ "port": 80, "host": "shop", "debug": true, "list": [1, 2], "both": "configuration" })),
            secrets: object(json!({ "a": { "token": "t", "both": "a" }, "b": { "token": "u", "other": "o" } })),
        }
    }

    #[test]
    fn a_placeholder_alone_keeps_its_type() {
        for (text, value) in [("${port}", json!(80)), ("$debug", json!(true)), ("${list}", json!([1, 2])), ("${token}", json!("t")), ("${other}", json!("o"))] {
            assert_eq!(names().fill(&json!(text)), value, "{text}");
        }
    }

    #[test]
    fn within_text_values_are_written_out_as_python_does() {
        for (text, value) in [
            ("http://${host}:${port}/", "http://shop:80/"),
            ("debug=$debug", "debug=True"),
            ("${both}", "configuration"),
            ("5$$", "5$"),
            ("$", "$"),
            ("${port", "${port"),
            ("${unknown} ${host}", "${unknown} shop"),
            ("^ok$", "^ok$"),
            ("$1 ${2}", "$1 ${2}"),
            ("", ""),
        ] {
            assert_eq!(names().fill(&json!(text)), json!(value), "{text}");
        }
    }

    #[test]
    fn every_text_is_filled_in_however_deep() {
        let value = json!({ "${host}": [{ "x": "${port}" }, "a${port}", 7, null] });
        assert_eq!(names().fill(&value), json!({ "${host}": [{ "x": 80 }, "a80", 7, null] }));
    }

    proptest! {
        #[test]
        fn text_without_a_dollar_stays(text in "[^$]*") {
            prop_assert_eq!(names().fill(&json!(text)), json!(text));
        }

        #[test]
        fn unknown_names_stay_and_nothing_panics(text in "[${}a-z_é0-9 ]{0,30}") {
            let filled = Names { configuration: [("ZZ".to_owned(), json!(1))].into_iter().collect(), ..Names::default() }.fill_to_text(&text);
            prop_assert_eq!(filled, text.replace("$$", "$"));
            prop_assert_eq!(Names::default().fill_to_text(&text), text);
        }
    }
}
