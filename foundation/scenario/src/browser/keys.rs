//! Keys by their names, as the page hears of them.

use serde_json::{Value, json};

use super::error::BrowserError;

struct Key {
    name: &'static str,
    code: &'static str,
    /// Of Windows, which pages still ask for.
    number: u32,
    text: &'static str,
}

const fn key(name: &'static str, code: &'static str, number: u32, text: &'static str) -> Key {
    Key { name, code, number, text }
}

const KEYS: [Key; 18] = [
    key("Enter", "Enter", 13, "\r"),
    key("Tab", "Tab", 9, ""),
    key("Escape", "Escape", 27, ""),
    key("Backspace", "Backspace", 8, ""),
    key("Delete", "Delete", 46, ""),
    key("Insert", "Insert", 45, ""),
    key("Space", "Space", 32, " "),
    key("ArrowLeft", "ArrowLeft", 37, ""),
    key("ArrowUp", "ArrowUp", 38, ""),
    key("ArrowRight", "ArrowRight", 39, ""),
    key("ArrowDown", "ArrowDown", 40, ""),
    key("Home", "Home", 36, ""),
    key("End", "End", 35, ""),
    key("PageUp", "PageUp", 33, ""),
    key("PageDown", "PageDown", 34, ""),
    key("F1", "F1", 112, ""),
    key("F2", "F2", 113, ""),
    key("F5", "F5", 116, ""),
];

const MODIFIERS: [(&str, u32); 4] = [("Alt", 1), ("Control", 2), ("Meta", 4), ("Shift", 8)];

/// What is dispatched for `Enter`, `a` or `Control+A`: the key going down, and up.
pub(super) fn strokes(written: &str) -> Result<[Value; 2], BrowserError> {
    let mut parts: Vec<&str> = written.split('+').collect();
    // `+` itself, alone or behind modifiers.
    if written.ends_with('+') {
        parts.truncate(parts.len().saturating_sub(2));
        parts.push("+");
    }
    let last = parts.pop().unwrap_or_default();
    let mut modifiers = 0;
    for part in parts {
        modifiers |= MODIFIERS.iter().find(|(name, _)| *name == part).ok_or_else(|| unknown(written, part))?.1;
    }
    let mut letters = last.chars();
    let stroke = match (letters.next(), letters.next()) {
        (Some(letter), None) => of_letter(letter),
        _ => of_name(last).ok_or_else(|| unknown(written, last))?,
    };
    // With Control, Alt or Meta it is a command and no text.
    let types = modifiers & 7 == 0;
    let event = |kind: &str, text: Option<&str>| {
        let mut event = json!({
            "type": kind, "modifiers": modifiers, "key": stroke.0, "code": stroke.1, "windowsVirtualKeyCode": stroke.2,
        });
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            event["text"] = text.into();
        }
        event
    };
    let down = if types && !stroke.3.is_empty() { "keyDown" } else { "rawKeyDown" };
    Ok([event(down, types.then_some(&stroke.3)), event("keyUp", None)])
}

/// Name, code, number and text.
type Stroke = (String, String, u32, String);

fn of_letter(letter: char) -> Stroke {
    let upper = letter.to_ascii_uppercase();
    let code = match upper {
        'A'..='Z' => format!("Key{upper}"),
        '0'..='9' => format!("Digit{upper}"),
        _ => String::new(),
    };
    let number = if upper.is_ascii_alphanumeric() { u32::from(upper) } else { 0 };
    (letter.to_string(), code, number, letter.to_string())
}

fn of_name(name: &str) -> Option<Stroke> {
    let key = KEYS.iter().find(|key| key.name == name)?;
    let shown = if key.name == "Space" { " " } else { key.name };
    Some((shown.to_owned(), key.code.to_owned(), key.number, key.text.to_owned()))
}

fn unknown(written: &str, part: &str) -> BrowserError {
    let names = KEYS.iter().map(|key| key.name).chain(MODIFIERS.iter().map(|(name, _)| *name));
    let near = names
        .map(|name| (strsim::damerau_levenshtein(&name.to_lowercase(), &part.to_lowercase()), name))
        .filter(|(distance, name)| *distance <= name.len() / 3)
        .min();
    BrowserError::Key { key: written.to_owned(), near: near.map(|(_, name)| written.replace(part, name)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_go_down_and_up_with_their_text() {
        let [down, up] = strokes("Enter").unwrap();
        assert_eq!((&down["type"], &down["text"], &up["type"]), (&json!("keyDown"), &json!("\r"), &json!("keyUp")));
        let [down, _] = strokes("Control+A").unwrap();
        assert_eq!((&down["modifiers"], &down["text"], &down["code"]), (&json!(2), &Value::Null, &json!("KeyA")));
        assert_eq!(strokes("Shift++").unwrap()[0]["key"], "+");
        assert_eq!(strokes("+").unwrap()[0]["text"], "+");
    }

    #[test]
    fn a_misspelt_key_is_told_with_its_neighbour() {
        let error = strokes("Control+Entr").unwrap_err().to_string();
        assert!(error.contains("did you mean `Control+Enter`?"), "{error}");
    }
}
