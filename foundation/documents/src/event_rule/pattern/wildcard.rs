//! `*` in a filter: any run of characters, also none.

/// The literal pieces between the wildcards; one more piece than wildcards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wildcard(Vec<String>);

impl Wildcard {
    /// `\*` is a literal star, `\\` a literal backslash; no other escapes, no two wildcards in a row.
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        let mut pieces = vec![String::new()];
        let mut characters = text.chars().peekable();
        while let Some(character) = characters.next() {
            let piece = pieces.last_mut().expect("there is always a piece under construction");
            match character {
                '*' if characters.peek() == Some(&'*') => return Err("two wildcards in a row mean no more than one"),
                '*' => pieces.push(String::new()),
                '\\' => match characters.next() {
                    Some(escaped @ ('*' | '\\')) => piece.push(escaped),
                    _ => return Err(r"a backslash can only stand before * or another backslash"),
                },
                other => piece.push(other),
            }
        }
        Ok(Self(pieces))
    }

    pub(super) fn is_match(&self, text: &str) -> bool {
        let [first, rest @ ..] = self.0.as_slice() else { return text.is_empty() };
        let Some((last, middle)) = rest.split_last() else { return text == first };
        let Some(mut text) = text.strip_prefix(first.as_str()) else { return false };
        for piece in middle {
            match text.find(piece.as_str()) {
                Some(at) => text = &text[at + piece.len()..],
                None => return false,
            }
        }
        text.ends_with(last.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_match_in_order_and_do_not_overlap() {
        let matches = |pattern: &str, text: &str| Wildcard::parse(pattern).unwrap().is_match(text);
        assert!(matches("*", ""));
        assert!(matches("a*b*c", "abc"));
        assert!(matches("a*b*c", "a-b-b-c"));
        assert!(!matches("ab*ba", "aba"));
        assert!(!matches("a*", "ba"));
        assert!(matches(r"a\*\\*", r"a*\rest"));
        assert!(!matches("plain", "plainer"));
    }

    #[test]
    fn unclear_wildcards_are_refused() {
        for text in ["a**b", r"a\b", r"a\"] {
            assert!(Wildcard::parse(text).is_err(), "{text}");
        }
    }
}
