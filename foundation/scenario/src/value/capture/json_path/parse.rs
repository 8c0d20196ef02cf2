//! From the text of a path to its steps.

use super::{Step, filter};

pub(super) fn steps(text: &str) -> Result<Vec<Step>, String> {
    let text = text.trim();
    if text.is_empty() {
        return Err("is empty".to_owned());
    }
    let mut steps = Vec::new();
    let mut rest = match text.strip_prefix('$') {
        // A name may begin with the sign of the root.
        Some(after) if after.is_empty() || after.starts_with(['.', '[', '^', '~']) => after,
        _ if text.starts_with(['.', '[']) => text,
        _ => name(text, &mut steps)?,
    };
    while !rest.is_empty() {
        rest = step(rest, &mut steps)?;
        if steps.len() > STEPS_MAX {
            return Err(format!("has more than {STEPS_MAX} steps"));
        }
    }
    Ok(steps)
}

/// Takes one step off the text.
fn step<'a>(text: &'a str, steps: &mut Vec<Step>) -> Result<&'a str, String> {
    if let Some(rest) = text.strip_prefix("..") {
        steps.push(Step::Within);
        return if rest.starts_with('[') { Ok(rest) } else { name(rest, steps) };
    }
    if let Some(rest) = text.strip_prefix('.') {
        return if rest.starts_with('[') { Ok(rest) } else { name(rest, steps) };
    }
    if let Some(rest) = text.strip_prefix('[') {
        let end = closing(rest).ok_or_else(|| "has a `[` that is not closed".to_owned())?;
        steps.push(bracketed(rest[..end].trim())?);
        return Ok(&rest[end + 1..]);
    }
    Err(match text.chars().next() {
        Some('^') => "asks for a parent (`^`), which Mainstay does not support".to_owned(),
        Some('~') => "asks for the name of a property (`~`), which Mainstay does not support".to_owned(),
        _ => format!("cannot be read from `{text}` on"),
    })
}

fn name<'a>(text: &'a str, steps: &mut Vec<Step>) -> Result<&'a str, String> {
    let end = text.find(['.', '[', '^', '~']).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    match name {
        "" => return Err("has an empty step".to_owned()),
        "*" => steps.push(Step::All),
        _ if name.starts_with('@') && name.ends_with("()") => {
            return Err(format!("asks for a type (`{name}`), which Mainstay does not support"));
        }
        _ if name.contains(['(', ')', ']']) => return Err(format!("has a step `{name}` that is no name")),
        name => steps.push(Step::Name(name.into())),
    }
    Ok(rest)
}

/// Where the bracket that has just been opened ends.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut quote = None;
    let mut escaped = false;
    for (at, letter) in text.char_indices() {
        match (quote, letter) {
            (Some(_), _) if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (Some(open), letter) if open == letter => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(letter),
            (None, '[' | '(') => depth += 1,
            (None, ']') if depth == 0 => return Some(at),
            (None, ']' | ')') => depth = depth.checked_sub(1)?,
            (None, _) => {}
        }
    }
    None
}

fn bracketed(text: &str) -> Result<Step, String> {
    if let Some(condition) = text.strip_prefix('?') {
        return filter::compile(condition).map(|filter| Step::Filter(Box::new(filter)));
    }
    if let Some(script) = text.strip_prefix('(').and_then(|text| text.strip_suffix(')')) {
        return from_end(script);
    }
    let mut parts = Vec::new();
    for part in split(text) {
        parts.push(single(part.trim())?);
    }
    Ok(if parts.len() == 1 { parts.swap_remove(0) } else { Step::Several(parts) })
}

/// At the commas outside quotes.
fn split(text: &str) -> Vec<&str> {
    let mut quote = None;
    let outside = |letter: char| match (quote, letter) {
        (Some(open), letter) if open == letter => {
            quote = None;
            false
        }
        (None, '\'' | '"') => {
            quote = Some(letter);
            false
        }
        (None, ',') => true,
        _ => false,
    };
    text.split(outside).collect()
}

fn single(text: &str) -> Result<Step, String> {
    for quote in ['\'', '"'] {
        if let Some(name) = text.strip_prefix(quote).and_then(|text| text.strip_suffix(quote)) {
            return Ok(Step::Name(name.replace(&format!("\\{quote}"), &quote.to_string()).into()));
        }
    }
    match text {
        "" => Err("has empty brackets".to_owned()),
        "*" => Ok(Step::All),
        _ if text.starts_with(['\'', '"']) => Err(format!("has the brackets `[{text}]`, whose quote is not closed")),
        _ if text.contains(':') => slice(text),
        _ if text.contains(['@', '(', ')', '^', '~', '`', '\'', '"', '[']) => {
            Err(format!("has the brackets `[{text}]`, which Mainstay does not understand"))
        }
        name => Ok(Step::Name(name.into())),
    }
}

fn slice(text: &str) -> Result<Step, String> {
    let faulty = || format!("has the brackets `[{text}]`, which are no slice");
    let mut bounds = Vec::new();
    for bound in text.split(':') {
        let bound = bound.trim();
        bounds.push(if bound.is_empty() { None } else { Some(bound.parse::<i64>().map_err(|_| faulty())?) });
    }
    let step = bounds.get(2).copied().flatten().unwrap_or(1);
    match (bounds.len(), usize::try_from(step)) {
        (2 | 3, Ok(step)) => Ok(Step::Slice { start: bounds[0], end: bounds[1], step: step.max(1) }),
        _ => Err(faulty()),
    }
}

/// `@.length-1`: an item counted from the end.
fn from_end(script: &str) -> Result<Step, String> {
    let compact: String = script.chars().filter(|letter| !letter.is_whitespace()).collect();
    let back = compact.strip_prefix("@.length-").and_then(|back| back.parse::<u32>().ok());
    match back {
        Some(back) => Ok(Step::Name(format!("-{back}").into())),
        None => Err(format!("computes `({script})`; Mainstay computes only `(@.length-1)` and its like")),
    }
}

const STEPS_MAX: usize = 100;
