//! Finds a place in JSON text without reading the rest into memory. Trusts nothing: broken text ends
//! the search.

use std::borrow::Cow;

/// The text of the value that the keys lead to.
pub fn find<'j>(json: &'j str, path: &[&str]) -> Option<&'j str> {
    let mut cursor = Cursor { json, at: 0 };
    for key in path {
        cursor.skip_space();
        match cursor.peek()? {
            b'{' => cursor.enter_member(key)?,
            b'[' => cursor.enter_item(key.parse().ok()?)?,
            _ => return None,
        }
    }
    cursor.skip_space();
    let from = cursor.at;
    cursor.skip_value()?;
    json.get(from..cursor.at)
}

/// Strings without quotes and escapes, everything else as it is; none for `null`.
pub fn text(value: &str) -> Option<Cow<'_, str>> {
    match value.strip_prefix('"') {
        None => (value != "null").then_some(Cow::Borrowed(value)),
        Some(_) => unquote(value),
    }
}

fn unquote(string: &str) -> Option<Cow<'_, str>> {
    let inner = string.strip_prefix('"')?.strip_suffix('"')?;
    if inner.contains('\\') { serde_json::from_str(string).ok().map(Cow::Owned) } else { Some(Cow::Borrowed(inner)) }
}

struct Cursor<'j> {
    json: &'j str,
    at: usize,
}

impl Cursor<'_> {
    fn peek(&self) -> Option<u8> {
        self.json.as_bytes().get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> Option<()> {
        self.skip_space();
        (self.peek()? == byte).then(|| self.at += 1)
    }

    fn skip_space(&mut self) {
        while self.peek().is_some_and(|byte| byte.is_ascii_whitespace()) {
            self.at += 1;
        }
    }

    /// From an object to the value of a member.
    fn enter_member(&mut self, key: &str) -> Option<()> {
        self.take(b'{')?;
        loop {
            self.skip_space();
            let from = self.at;
            self.skip_string()?;
            let name = unquote(self.json.get(from..self.at)?)?;
            self.take(b':')?;
            if name == key {
                return Some(());
            }
            self.skip_value()?;
            self.take(b',')?;
        }
    }

    /// From an array to an item.
    fn enter_item(&mut self, index: usize) -> Option<()> {
        self.take(b'[')?;
        for _ in 0..index {
            self.skip_value()?;
            self.take(b',')?;
        }
        self.skip_space();
        (self.peek()? != b']').then_some(())
    }

    fn skip_value(&mut self) -> Option<()> {
        self.skip_space();
        match self.peek()? {
            b'"' => self.skip_string(),
            b'{' | b'[' => self.skip_nested(),
            _ => {
                let from = self.at;
                while self.peek().is_some_and(|byte| !matches!(byte, b',' | b']' | b'}') && !byte.is_ascii_whitespace()) {
                    self.at += 1;
                }
                (self.at > from).then_some(())
            }
        }
    }

    fn skip_nested(&mut self) -> Option<()> {
        let mut depth = 0usize;
        loop {
            match self.peek()? {
                b'"' => {
                    self.skip_string()?;
                    continue;
                }
                b'{' | b'[' => depth += 1,
                b'}' | b']' => depth -= 1,
                _ => {}
            }
            self.at += 1;
            if depth == 0 {
                return Some(());
            }
        }
    }

    fn skip_string(&mut self) -> Option<()> {
        self.take(b'"')?;
        loop {
            match self.peek()? {
                b'\\' => self.at += 2,
                b'"' => {
                    self.at += 1;
                    return Some(());
                }
                _ => self.at += 1,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const JSON: &str = r#" {"a.b": "x\"y", "n": 12.5, "no": null, "list": [1, {"k": "v"}, "]"], "o": {"p": true}} "#;

    fn found(path: &[&str]) -> Option<String> {
        find(JSON, path).and_then(text).map(Cow::into_owned)
    }

    #[test]
    fn keys_lead_to_values() {
        assert_eq!(found(&["a.b"]).as_deref(), Some("x\"y"));
        assert_eq!(found(&["n"]).as_deref(), Some("12.5"));
        assert_eq!(found(&["list", "1", "k"]).as_deref(), Some("v"));
        assert_eq!(found(&["list", "2"]).as_deref(), Some("]"));
        assert_eq!(found(&["o"]).as_deref(), Some(r#"{"p": true}"#));
        assert_eq!(found(&["o", "p"]).as_deref(), Some("true"));
    }

    #[test]
    fn what_is_not_there_is_null() {
        for path in [&["a"][..], &["no"], &["list", "3"], &["list", "x"], &["n", "k"], &["o", "q"]] {
            assert_eq!(found(path), None, "{path:?}");
        }
        assert_eq!(find("", &["a"]), None);
        assert_eq!(find("plain text", &["a"]), None);
        assert_eq!(find(r#"{"a": "#, &["a"]), None);
    }

    proptest! {
        #[test]
        fn broken_text_never_panics(json in "[\\[\\]{}\",:\\\\ a1é]{0,40}", key in "[a1]") {
            let _ = find(&json, &[&key, "0"]).and_then(text);
        }
    }
}
