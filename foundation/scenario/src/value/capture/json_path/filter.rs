//! Filters: what scripts write in JavaScript, said as RFC 9535 says it.
//!
//! The condition is split into its tokens, those that differ are put in the standard's words, and the result is
//! compiled by a library for the standard.

/// `condition` follows the `?`.
pub(super) fn compile(condition: &str) -> Result<serde_json_path::JsonPath, String> {
    let said = translate(condition)?;
    serde_json_path::JsonPath::parse(&format!("$[?{said}]"))
        .map_err(|error| format!("has a filter `?{condition}` that is faulty: {}", error.message()))
}

fn translate(condition: &str) -> Result<String, String> {
    let mut said = String::new();
    let mut rest = condition;
    while let Some(first) = rest.chars().next() {
        let taken = match first {
            '\'' | '"' => quoted(rest, first, &mut said)?,
            '@' => path(rest, &mut said)?,
            '$' => return Err(format!("has a filter `?{condition}` that looks back at the root, which Mainstay does not support")),
            _ => sign(rest, first, condition, &mut said)?,
        };
        rest = &rest[taken..];
    }
    Ok(said)
}

/// Copies a text in quotes; returns how long it is, as all below.
fn quoted(text: &str, quote: char, said: &mut String) -> Result<usize, String> {
    let mut escaped = false;
    for (at, letter) in text.char_indices().skip(1) {
        match letter {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            letter if letter == quote => {
                said.push_str(&text[..=at]);
                return Ok(at + 1);
            }
            _ => {}
        }
    }
    Err("has a filter in which a quote is not closed".to_owned())
}

fn sign(text: &str, first: char, condition: &str, said: &mut String) -> Result<usize, String> {
    for (written, meant) in [("===", "=="), ("!==", "!="), ("=~", "")] {
        if text.starts_with(written) {
            if meant.is_empty() {
                return Err(format!("has a filter `?{condition}` with `=~`: write `@.name.match(/…/)`"));
            }
            said.push_str(meant);
            return Ok(written.len());
        }
    }
    if first.is_alphabetic() {
        let end = text.find(|letter: char| !(letter.is_alphanumeric() || letter == '_')).unwrap_or(text.len());
        let word = &text[..end];
        if !WORDS.contains(&word) {
            return Err(format!("has a filter `?{condition}` with `{word}`, which Mainstay does not understand"));
        }
        said.push_str(word);
        return Ok(end);
    }
    if !(first.is_whitespace() || first.is_ascii_digit() || "()<>=!&|.,-+".contains(first)) {
        return Err(format!("has a filter `?{condition}` with `{first}`, which Mainstay does not understand"));
    }
    said.push(first);
    Ok(first.len_utf8())
}

/// A path from the current item, and what is asked of it: its length, or whether it matches.
fn path(text: &str, said: &mut String) -> Result<usize, String> {
    let mut path = "@".to_owned();
    let mut at = 1;
    loop {
        let rest = &text[at..];
        if let Some(pattern) = ["match(/", "test(/"].iter().find_map(|call| rest.strip_prefix('.')?.strip_prefix(call)) {
            return matches(text, pattern, &path, said);
        }
        if let Some(name) = rest.strip_prefix('.') {
            let end = name.find(|letter: char| !(letter.is_alphanumeric() || "_$".contains(letter))).unwrap_or(name.len());
            let name = &name[..end];
            at += 1 + end;
            match name {
                "" | "*" => return Err("has a filter with an empty name".to_owned()),
                "length" => {
                    said.push_str(&format!("length({path})"));
                    return Ok(at);
                }
                _ if text[at..].starts_with('(') => return Err(format!("calls `{name}` in a filter, which Mainstay does not understand")),
                name => path.push_str(&format!("[{}]", serde_json::Value::from(name))),
            }
        } else if let Some(inner) = rest.strip_prefix('[') {
            let end = inner.find(']').ok_or_else(|| "has a filter in which a `[` is not closed".to_owned())?;
            path.push_str(&rest[..end + 2]);
            at += end + 2;
        } else if rest.starts_with(|letter: char| letter.is_alphabetic()) {
            let end = rest.find(|letter: char| !letter.is_alphanumeric()).unwrap_or(rest.len());
            return Err(format!("uses `@{}` in a filter, which Mainstay does not support", &rest[..end]));
        } else {
            said.push_str(&path);
            return Ok(at);
        }
    }
}

fn matches(text: &str, pattern: &str, path: &str, said: &mut String) -> Result<usize, String> {
    let end = pattern.find('/').ok_or_else(|| "has a filter with a regular expression that is not closed".to_owned())?;
    let Some(after) = pattern[end + 1..].find(')') else {
        return Err("has a filter in which `match(` is not closed".to_owned());
    };
    let flags = &pattern[end + 1..end + 1 + after];
    let pattern_text = match flags {
        "" => pattern[..end].to_owned(),
        "i" => format!("(?i){}", &pattern[..end]),
        _ => return Err(format!("has a filter with the flags `{flags}`, which Mainstay does not support")),
    };
    said.push_str(&format!("search({path}, {})", serde_json::Value::from(pattern_text)));
    let rest = &pattern[end + 1 + after + 1..];
    Ok(text.len() - rest.len())
}

/// Besides these, letters stand only in quotes and after a dot.
const WORDS: [&str; 9] = ["true", "false", "null", "length", "count", "match", "search", "value", "e"];
