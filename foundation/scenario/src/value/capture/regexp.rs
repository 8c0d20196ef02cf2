//! Regular expressions as JavaScript writes them.

use serde_json::Value;

/// One expression, and which of its groups is meant.
#[derive(Debug, Clone)]
pub(in crate::value) struct Regexp {
    regex: fancy_regex::Regex,
    group: Option<String>,
}

impl Regexp {
    /// `flags` as in JavaScript. An error says what is wrong, after the text.
    pub(in crate::value) fn parse(pattern: &str, flags: &str, group: Option<String>) -> Result<Self, String> {
        let mut prefix = String::new();
        for flag in flags.chars() {
            match flag {
                'i' | 'm' | 's' => prefix.push(flag),
                // The first match is taken, and texts are Unicode, in any case.
                'g' | 'u' | 'd' => {}
                other => return Err(format!("has the flag `{other}`, which Mainstay does not support")),
            }
        }
        let said = translate(pattern);
        let said = if prefix.is_empty() { said } else { format!("(?{prefix}){said}") };
        let regex = fancy_regex::RegexBuilder::new(&said).backtrack_limit(STEPS_MAX).build();
        Ok(Self { regex: regex.map_err(|error| format!("is faulty: {error}"))?, group })
    }

    pub(in crate::value) fn is_match(&self, text: &str) -> Result<bool, String> {
        self.regex.is_match(text).map_err(|error| error.to_string())
    }

    /// The group's text, or that of the whole match.
    pub(super) fn find(&self, text: &str) -> Result<Value, String> {
        let captures = self.regex.captures(text).map_err(|error| format!("gave up: {error}"))?;
        let captures = captures.ok_or_else(|| "found nothing".to_owned())?;
        let Some(group) = self.group.as_deref() else {
            return Ok(captures.get(0).map_or("", |found| found.as_str()).into());
        };
        let found = match group.parse::<usize>() {
            Ok(index) => captures.get(index),
            Err(_) => captures.name(group),
        };
        found.map(|found| found.as_str().into()).ok_or_else(|| format!("matched, but not its group `{group}`"))
    }
}

/// Puts what JavaScript writes otherwise in Rust's words: brackets and signs within classes, empty classes, `\d`,
/// `\w` and `\uXXXX`.
fn translate(pattern: &str) -> String {
    let mut said = String::with_capacity(pattern.len() + 8);
    let mut letters = pattern.chars().peekable();
    let mut in_class = false;
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => escape(&mut letters, in_class, &mut said),
            '[' if in_class => said.push_str("\\["),
            '[' => {
                in_class = true;
                let negated = letters.next_if_eq(&'^').is_some();
                match (negated, letters.next_if_eq(&']').is_some()) {
                    (true, true) => said.push_str("[\\s\\S"),
                    (false, true) => said.push_str("[^\\s\\S"),
                    (true, false) => said.push_str("[^"),
                    (false, false) => said.push('['),
                }
                if said.ends_with("\\S") {
                    said.push(']');
                    in_class = false;
                }
            }
            ']' if in_class => {
                in_class = false;
                said.push(']');
            }
            '&' | '~' if in_class => said.extend(['\\', letter]),
            '-' if in_class && letters.peek() == Some(&'-') => said.push_str("\\-"),
            other => said.push(other),
        }
    }
    said
}

fn escape(letters: &mut std::iter::Peekable<std::str::Chars<'_>>, in_class: bool, said: &mut String) {
    match letters.next() {
        Some('d') => said.push_str(if in_class { "0-9" } else { "[0-9]" }),
        Some('w') => said.push_str(if in_class { "A-Za-z0-9_" } else { "[A-Za-z0-9_]" }),
        Some('u') if letters.peek() != Some(&'{') => {
            let digits: String = letters.by_ref().take(4).collect();
            said.push_str(&format!("\\u{{{digits}}}"));
        }
        // Letters that mean something in Rust and nothing in JavaScript stand for themselves.
        Some(letter) if LITERAL.contains(letter) => said.push(letter),
        Some(letter) => said.extend(['\\', letter]),
        None => said.push('\\'),
    }
}

/// Escaped, they mean something in Rust and nothing in JavaScript.
const LITERAL: &str = "/\"'<>`@%:;,!=_ eazAZhRKGX";
/// Steps back before an expression is given up; a hostile answer must not stop the run.
const STEPS_MAX: usize = 1_000_000;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn find(pattern: &str, flags: &str, group: Option<&str>, text: &str) -> Result<Value, String> {
        Regexp::parse(pattern, flags, group.map(str::to_owned))?.find(text)
    }

    #[test]
    fn finds_as_javascript_does() {
        for (pattern, flags, group, text, found) in [
            (r#""token":"([^"]+)""#, "", Some("1"), r#"{"token":"abc"}"#, "abc"),
            (r"(?<year>\d{4})-(?<month>\d\d)", "", Some("month"), "on 2026-11-21", "11"),
            (r"ID:\s*\w+", "i", None, "x id: a1;", "id: a1"),
            (r"href=\/(\w+)\/", "g", Some("1"), "href=/a/ href=/b/", "a"),
            (r"[^[]+", "", None, "ab[c", "ab"),
            (r"[\w.&&-]+@[\w.-]+", "", None, "to a&b.c@x-y.z", "a&b.c@x-y.z"),
            (r"a[^]b", "", None, "a\nb", "a\nb"),
            (r"(?<=price: )\d+", "", None, "price: 42", "42"),
            (r"\u0041\u{42}", "u", None, "AB", "AB"),
            (r"(a)(b)?", "", None, "ac", "a"),
        ] {
            assert_eq!(find(pattern, flags, group, text), Ok(found.into()), "{pattern}");
        }
    }

    #[test]
    fn failures_say_why() {
        assert_eq!(find("x", "", None, "y"), Err("found nothing".to_owned()));
        assert_eq!(find("(a)(b)?", "", Some("2"), "ac"), Err("matched, but not its group `2`".to_owned()));
        assert!(find("(", "", None, "").expect_err("faulty").starts_with("is faulty"));
        assert!(find("a", "y", None, "").expect_err("a flag").contains("`y`"));
        let patient = find(r"((a|aa)\2?)+c", "", None, &"a".repeat(60));
        assert!(patient.expect_err("it takes too long").starts_with("gave up"));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(pattern in r"[\\\[\]^a-c(){}?*+.|&~$<=!:uxdw0-9-]{0,20}") {
            let _ = find(&pattern, "i", Some("1"), "aabbcc");
        }
    }
}
