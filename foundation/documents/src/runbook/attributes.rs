//! The attributes of a fence: `bash {"name": "x"}` as JSON, or `bash { name=x timeout=30s }`.
//!
//! Source: Runme, "Cell configuration". Values are text either way.

use serde_json::Value;

/// A fence's info string, taken apart.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Info {
    pub language: String,
    /// In the order written.
    pub attributes: Vec<Attribute>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    pub name: String,
    pub value: String,
}

impl Info {
    pub fn get(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|attribute| attribute.name == name).map(|attribute| attribute.value.as_str())
    }
}

/// The language is known even if the attributes are malformed.
pub fn parse(info: &str) -> (Info, Option<String>) {
    let info = info.trim();
    let brace = info.find('{').unwrap_or(info.len());
    let language = info[..brace].split_whitespace().next().unwrap_or_default().to_lowercase();
    let rest = info[brace..].trim();
    let parsed = if rest.is_empty() { Ok(Vec::new()) } else { braces(rest) };
    match parsed {
        Ok(attributes) => (Info { language, attributes }, None),
        Err(fault) => (Info { language, attributes: Vec::new() }, Some(fault)),
    }
}

fn braces(text: &str) -> Result<Vec<Attribute>, String> {
    if let Ok(Value::Object(object)) = serde_json::from_str(text) {
        return Ok(object.into_iter().map(|(name, value)| Attribute { name, value: plain(value) }).collect());
    }
    let inside = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
    let inside = inside.ok_or("the attributes have no closing }")?;
    if inside.trim_start().starts_with('"') {
        return Err("the attributes are not well-formed JSON".to_owned());
    }
    pairs(inside)
}

fn plain(value: Value) -> String {
    match value {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

/// `name=x`, `name="two words"`, `flag` (which means true), separated by blanks or commas.
fn pairs(text: &str) -> Result<Vec<Attribute>, String> {
    let mut attributes = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let end = rest.find(|c: char| c == '=' || c == ',' || c.is_whitespace()).unwrap_or(rest.len());
        let name = rest[..end].to_owned();
        rest = &rest[end..];
        if name.is_empty() && !rest.starts_with(',') {
            return Err("an attribute has no name before `=`".to_owned());
        }
        let value = match rest.strip_prefix('=') {
            Some(after) => {
                let (value, left) = value(after)?;
                rest = left;
                value
            }
            None => "true".to_owned(),
        };
        if !name.is_empty() {
            attributes.push(Attribute { name, value });
        }
        rest = rest.trim_start_matches(|c: char| c == ',' || c.is_whitespace());
    }
    Ok(attributes)
}

fn value(text: &str) -> Result<(String, &str), String> {
    let Some(quote) = text.chars().next().filter(|c| matches!(c, '"' | '\'')) else {
        let end = text.find(char::is_whitespace).unwrap_or(text.len());
        return Ok((text[..end].trim_end_matches(',').to_owned(), &text[end..]));
    };
    let mut value = String::new();
    let mut escaped = false;
    for (index, character) in text.char_indices().skip(1) {
        if escaped {
            value.push(character);
            escaped = false;
        } else if character == '\\' && quote == '"' {
            escaped = true;
        } else if character == quote {
            return Ok((value, &text[index + 1..]));
        } else {
            value.push(character);
        }
    }
    Err("a quoted value has no end".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(info: &str) -> (String, Vec<(String, String)>) {
        let (info, fault) = parse(info);
        assert_eq!(fault, None);
        (info.language, info.attributes.into_iter().map(|a| (a.name, a.value)).collect())
    }

    #[test]
    fn both_notations_say_the_same() {
        let wanted = vec![("name".to_owned(), "restart it".to_owned()), ("background".to_owned(), "true".to_owned())];
        assert_eq!(read(r#"bash {"name": "restart it", "background": true}"#), ("bash".to_owned(), wanted.clone()));
        assert_eq!(read(r#"bash { name="restart it" background=true }"#), ("bash".to_owned(), wanted.clone()));
        assert_eq!(read(r#"BASH {name='restart it', background}"#), ("bash".to_owned(), wanted));
    }

    #[test]
    fn a_language_alone_and_nothing_at_all() {
        assert_eq!(read("sql"), ("sql".to_owned(), vec![]));
        assert_eq!(read(""), (String::new(), vec![]));
    }

    #[test]
    fn malformed_attributes_are_a_fault_and_the_language_stays() {
        for text in ["sh { name=x", "sh { =x }", "sh { name=\"x }", "sh {\"name\": }"] {
            let (info, fault) = parse(text);
            assert_eq!((info.language.as_str(), fault.is_some()), ("sh", true), "{text}");
        }
    }
}
