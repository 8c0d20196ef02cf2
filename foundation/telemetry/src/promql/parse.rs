//! From text to a syntax tree, with errors that say where they are.

use std::panic::{AssertUnwindSafe, catch_unwind};

use promql_parser::parser::{self, Expr};

use super::QueryError;
use super::number::parse_float;
use super::plan::compile_matchers;
use crate::ports::Matcher;

/// An expression nested deeper, or with longer chains of operators, would need too much stack.
const MAX_DEPTH: usize = 400;
const MAX_LENGTH: usize = 1 << 18;

/// Parses and checks types.
pub(crate) fn parse(text: &str) -> Result<Expr, QueryError> {
    if text.len() > MAX_LENGTH {
        return Err(QueryError::Parse(format!("parse error: the expression is longer than {MAX_LENGTH} bytes")));
    }
    if let Some(at) = too_deep(text) {
        return Err(error_at(text, at, &format!("the expression has more than {MAX_DEPTH} nested or chained parts; split it by recording rules")));
    }
    parse_quietly(text).map_err(|message| error_at(text, place_of(text, &message), &message))
}

/// The expression laid out over lines, as `promtool` would.
pub fn format(text: &str) -> Result<String, QueryError> {
    parse(text).map(|expression| expression.prettify())
}

/// The matchers of a bare selector, such as `up{job="api"}`: what the API's `match[]` parameters hold.
pub fn selectors(text: &str) -> Result<Vec<Matcher>, QueryError> {
    match parse(text)? {
        Expr::VectorSelector(selector) if selector.offset.is_none() && selector.at.is_none() => compile_matchers(&selector),
        _ => Err(QueryError::Parse(format!("1:1: parse error: {text:?} is not a series selector; write for example up{{job=\"api\"}}"))),
    }
}

/// The parser panics on durations that no clock can hold (`x[NaN]`, `x[1e99]`). The usual ones are
/// caught beforehand, so that nothing is written to the error stream; its state is its own and is
/// dropped, so going on after a panic is safe.
fn parse_quietly(text: &str) -> Result<Expr, String> {
    const IMPOSSIBLE: &str = "not a valid duration";
    if has_impossible_duration(text) {
        return Err(IMPOSSIBLE.to_owned());
    }
    catch_unwind(AssertUnwindSafe(|| parser::parse(text))).unwrap_or_else(|_| Err(IMPOSSIBLE.to_owned()))
}

fn has_impossible_duration(text: &str) -> bool {
    const MAX_S: f64 = 1e12;
    let mut in_brackets = false;
    let mut after_offset = false;
    for (_, token) in tokens(text) {
        match token {
            "[" => in_brackets = true,
            "]" => in_brackets = false,
            "+" | "-" => continue,
            _ => {}
        }
        let number = if in_brackets || after_offset { parse_float(token) } else { None };
        if number.is_some_and(|seconds| !(0.0..MAX_S).contains(&seconds)) {
            return true;
        }
        after_offset = token.eq_ignore_ascii_case("offset");
    }
    false
}

/// Where the tree would get too deep, if it would.
fn too_deep(text: &str) -> Option<usize> {
    let mut nested: usize = 0;
    let mut chained: usize = 0;
    for (at, token) in tokens(text) {
        match token {
            "(" | "[" | "{" => nested += 1,
            ")" | "]" | "}" => nested = nested.saturating_sub(1),
            "+" | "-" | "*" | "/" | "%" | "^" | "==" | "!=" | "<" | ">" | "<=" | ">=" => chained += 1,
            word if ["and", "or", "unless", "atan2"].iter().any(|op| word.eq_ignore_ascii_case(op)) => chained += 1,
            _ => {}
        }
        if nested > MAX_DEPTH || chained > MAX_DEPTH {
            return Some(at);
        }
    }
    None
}

/// The byte where the error most likely is: the start of the smallest part of the text that, on its
/// own, has the same error; else the first token that leaves no valid beginning.
fn place_of(text: &str, message: &str) -> usize {
    const MAX_PARTS: usize = 200;
    let parts = calls(text);
    let smallest = parts
        .iter()
        .take(MAX_PARTS)
        .filter(|(start, end)| parse_quietly(&text[*start..*end]).is_err_and(|error| error == message))
        .min_by_key(|(start, end)| end - start);
    if let Some((start, _)) = smallest {
        return *start;
    }
    if let Some(name) = message.split('\'').nth(1)
        && let Some((at, _)) = tokens(text).find(|(_, token)| *token == name)
    {
        return at;
    }
    unbalanced(text).unwrap_or(0)
}

/// Every `name(…)` with its brackets balanced, and every `(…)`.
fn calls(text: &str) -> Vec<(usize, usize)> {
    let tokens: Vec<_> = tokens(text).collect();
    let mut open = Vec::new();
    let mut found = Vec::new();
    for (i, (at, token)) in tokens.iter().enumerate() {
        match *token {
            "(" => {
                let start = match i.checked_sub(1).map(|i| tokens[i]) {
                    Some((name_at, name)) if name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') => name_at,
                    _ => *at,
                };
                open.push(start);
            }
            ")" => {
                if let Some(start) = open.pop() {
                    found.push((start, at + 1));
                }
            }
            _ => {}
        }
    }
    found
}

/// The first bracket without its partner, or the end of a text that ends too early.
fn unbalanced(text: &str) -> Option<usize> {
    let mut open = Vec::new();
    for (at, token) in tokens(text) {
        let partner = match token {
            ")" => "(",
            "]" => "[",
            "}" => "{",
            "(" | "[" | "{" => {
                open.push((at, token));
                continue;
            }
            _ => continue,
        };
        if open.pop().is_none_or(|(_, opened)| opened != partner) {
            return Some(at);
        }
    }
    open.pop().map(|(at, _)| at)
}

/// `line:column: parse error: message`.
fn error_at(text: &str, at: usize, message: &str) -> QueryError {
    let before = text.get(..at).unwrap_or("");
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
    QueryError::Parse(format!("{line}:{column}: parse error: {message}"))
}

/// A coarse split into words, numbers, operators and brackets; strings and comments are left out.
fn tokens(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let bytes = text.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            let start = at;
            let first = *bytes.get(at)?;
            at = match first {
                b'"' | b'\'' | b'`' => skip_string(bytes, at),
                b'#' => bytes[at..].iter().position(|b| *b == b'\n').map_or(bytes.len(), |n| at + n),
                b if b.is_ascii_whitespace() => at + 1,
                b if is_word(b) => bytes[at..].iter().position(|b| !is_word(*b)).map_or(bytes.len(), |n| at + n),
                b'=' | b'!' | b'<' | b'>' if matches!(bytes.get(at + 1), Some(b'=' | b'~')) => at + 2,
                b if b >= 0x80 => bytes[at..].iter().position(|b| *b < 0x80).map_or(bytes.len(), |n| at + n),
                _ => at + 1,
            };
            let left_out = matches!(first, b'"' | b'\'' | b'`' | b'#') || first.is_ascii_whitespace();
            if !left_out {
                return Some((start, &text[start..at]));
            }
        }
    })
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.')
}

fn skip_string(bytes: &[u8], start: usize) -> usize {
    let quote = bytes[start];
    let mut at = start + 1;
    while at < bytes.len() && bytes[at] != quote {
        at += if bytes[at] == b'\\' && quote != b'`' { 2 } else { 1 };
    }
    (at + 1).min(bytes.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(text: &str) -> String {
        parse(text).unwrap_err().to_string()
    }

    #[test]
    fn a_type_error_names_its_place() {
        assert_eq!(message("sum(up) / rate(up)"), "1:11: parse error: expected type matrix in call to function 'rate', got vector");
        assert_eq!(message("up\n  + nope(up)"), "2:5: parse error: unknown function with name 'nope'");
    }

    #[test]
    fn an_open_bracket_names_its_place() {
        assert!(message("sum(rate(up[5m])").starts_with("1:4: parse error: "));
    }

    #[test]
    fn impossible_durations_and_endless_nesting_are_errors() {
        for text in ["x[NaN]", "x[1e99]", "x offset Inf", "x[5m:1e300]", "x offset -1e30"] {
            assert!(parse(text).is_err(), "{text}");
        }
        assert!(parse("x[5m] offset 1m").is_ok());
        assert!(parse("rate(x[5m]) + 1e300").is_ok());
        assert!(message(&"(".repeat(100_000)).contains("nested"));
        assert!(message(&format!("{}1", "-".repeat(10_000))).contains("nested"));
    }

    #[test]
    fn only_bare_selectors_are_matchers() {
        assert_eq!(selectors(r#"up{job=~"a|b"}"#).unwrap().len(), 2);
        assert!(selectors("rate(up[5m])").is_err());
        assert!(selectors("{}").is_err());
    }
}
