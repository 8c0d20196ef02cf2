//! Secrets never appear in a journal. Decides only: no clock, disk or socket.

use serde_json::Value;

const HIDDEN: &str = "***";
/// Shorter values would hide half of the words of any text.
const CHARACTERS_MIN: usize = 4;

/// The values of secrets, longest first, so that one that holds another is hidden whole.
#[derive(Debug, Clone, Default)]
pub struct Redaction {
    secrets: Vec<String>,
}

impl Redaction {
    /// Every text in the groups of secrets, however deep.
    pub fn of(secrets: &serde_json::Map<String, Value>) -> Self {
        let mut texts = Vec::new();
        secrets.values().for_each(|value| collect(value, &mut texts));
        texts.retain(|text| text.chars().count() >= CHARACTERS_MIN);
        texts.sort_by_key(|text| std::cmp::Reverse(text.len()));
        texts.dedup();
        Self { secrets: texts }
    }

    pub fn text(&self, text: &str) -> String {
        self.secrets.iter().fold(text.to_owned(), |text, secret| if text.contains(secret) { text.replace(secret, HIDDEN) } else { text })
    }

    pub fn value(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.text(text)),
            Value::Array(items) => Value::Array(items.iter().map(|item| self.value(item)).collect()),
            Value::Object(fields) => Value::Object(fields.iter().map(|(key, value)| (key.clone(), self.value(value))).collect()),
            other => other.clone(),
        }
    }
}

fn collect(value: &Value, texts: &mut Vec<String>) {
    match value {
        Value::String(text) => texts.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| collect(item, texts)),
        Value::Object(fields) => fields.values().for_each(|value| collect(value, texts)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn secrets_are_hidden_wherever_they_stand() {
        let secrets = json!({ "shop": { "token": "hunter2", "longer": "hunter22", "short": "ok", "deep": { "key": "abcd" } } });
        let redaction = Redaction::of(secrets.as_object().unwrap());
        assert_eq!(redaction.text("hunter22 hunter2 ok abcde"), "*** *** ok ***e");
        assert_eq!(redaction.value(&json!({ "a": ["hunter2", 7], "hunter2": true })), json!({ "a": ["***", 7], "hunter2": true }));
    }
}
