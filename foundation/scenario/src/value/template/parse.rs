//! Splitting a text at its braces.

use super::{Function, Part, Parts, TemplateError};
use crate::value::scope::Path;

pub(super) fn parts(text: &str) -> Result<Parts, TemplateError> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(open) = rest.find("{{") {
        let at = text.len() - rest.len() + open;
        let braces = braced(&text[at..]).ok_or_else(|| unclosed(text, at))?;
        constant(&mut parts, &rest[..open + braces.lead]);
        parts.push(part(braces.inner).map_err(|slip| slip.at(text, at))?);
        rest = &rest[open + braces.length..];
    }
    constant(&mut parts, rest);
    Ok(match <[Part; 1]>::try_from(parts) {
        Ok([Part::Variable(path)]) => Parts::Alone(path),
        Ok([Part::Constant(text)]) => Parts::Constant(text),
        Ok([call]) => Parts::Mixed([call].into()),
        Err(parts) if parts.is_empty() => Parts::Constant("".into()),
        Err(parts) => Parts::Mixed(parts.into()),
    })
}

/// One pair of braces: how many characters before it are a constant's, what is inside, where it ends.
struct Braced<'a> {
    lead: usize,
    inner: &'a str,
    length: usize,
}

fn braced(text: &str) -> Option<Braced<'_>> {
    let close = text.find("}}")?;
    if text.starts_with("{{{") {
        let inner = text[3..].split("}}").next().unwrap_or_default();
        return Some(if text[close..].starts_with("}}}") {
            Braced { lead: 0, inner, length: close + 3 }
        } else {
            Braced { lead: 1, inner, length: close + 2 }
        });
    }
    Some(Braced { lead: 0, inner: &text[2..close], length: close + 2 })
}

fn constant(parts: &mut Vec<Part>, text: &str) {
    if !text.is_empty() {
        parts.push(Part::Constant(text.into()));
    }
}

#[derive(Default)]
struct Slip {
    message: String,
    mend: Option<String>,
    unsupported: bool,
}

impl Slip {
    fn at(self, text: &str, at: usize) -> TemplateError {
        let Self { message, mend, unsupported } = self;
        TemplateError { message, column: column(text, at), mend, unsupported }
    }
}

fn unclosed(text: &str, at: usize) -> TemplateError {
    TemplateError {
        message: "`{{` is not closed".to_owned(),
        column: column(text, at),
        mend: Some("close it with `}}`".to_owned()),
        unsupported: false,
    }
}

fn column(text: &str, at: usize) -> usize {
    text[..at].chars().count() + 1
}

fn part(inner: &str) -> Result<Part, Slip> {
    let inner = inner.trim();
    if let Some((name, arguments)) = inner.strip_suffix(')').and_then(|call| call.split_once('(')) {
        return function(name.trim(), arguments).map(Part::Call);
    }
    let fits = |letter: char| letter.is_alphanumeric() || letter.is_whitespace() || "_$.[]'\"-".contains(letter);
    if inner.is_empty() || !inner.chars().all(fits) {
        return Err(Slip {
            message: format!("`{{{{ {inner} }}}}` is neither a variable nor a function"),
            mend: Some("between the braces stands a name such as `user.id`, or `$randomNumber(1, 10)`".to_owned()),
            ..Slip::default()
        });
    }
    if let Some((name, example)) = FUNCTIONS.iter().find(|(name, _)| *name == inner) {
        return Err(Slip { message: format!("`{name}` is a function"), mend: Some(format!("write `{example}`")), ..Slip::default() });
    }
    Ok(Part::Variable(Path::parse(inner)))
}

fn function(name: &str, arguments: &str) -> Result<Function, Slip> {
    let numbers = numbers(name, arguments)?;
    match (name, numbers.as_slice()) {
        // As lodash's `random`: one bound counts from 0, none is 0 or 1, and the bounds may be swapped.
        ("$randomNumber", []) => Ok(Function::RandomNumber { low: 0.0, high: 1.0 }),
        ("$randomNumber", [bound]) => Ok(Function::RandomNumber { low: bound.min(0.0), high: bound.max(0.0) }),
        ("$randomNumber", [a, b]) => Ok(Function::RandomNumber { low: a.min(*b), high: a.max(*b) }),
        ("$randomString", []) => Ok(Function::RandomString { length: 10 }),
        ("$randomString", [length]) if (0.0..=STRING_CHARACTERS_MAX).contains(length) => {
            Ok(Function::RandomString { length: length.ceil() as usize })
        }
        ("$randomNumber" | "$randomString", _) => {
            let example = FUNCTIONS.iter().find(|(known, _)| *known == name).map(|(_, example)| *example);
            let mend = example.map(|example| format!("write it as `{example}`"));
            Err(Slip { message: format!("`{name}({arguments})` has arguments that do not fit"), mend, ..Slip::default() })
        }
        _ => Err(unknown(name)),
    }
}

fn unknown(name: &str) -> Slip {
    if name.strip_prefix("$rand").is_some_and(|rest| rest.starts_with(char::is_uppercase)) {
        let message = format!("`{name}` is a function of the plugin `fake-data`, which Mainstay does not have");
        let mend = "write the values into a CSV file (`payload`), or make them in a function of the processor".to_owned();
        return Slip { message, mend: Some(mend), unsupported: true };
    }
    let known = FUNCTIONS.iter().map(|(name, _)| *name);
    let mend = match name {
        "$uuid" => Some("`$uuid` is a variable: leave out the parentheses".to_owned()),
        _ => documents::suggest::mend(name, known, "the functions are"),
    };
    Slip { message: format!("there is no function `{name}`"), mend, ..Slip::default() }
}

fn numbers(name: &str, arguments: &str) -> Result<Vec<f64>, Slip> {
    if arguments.trim().is_empty() {
        return Ok(Vec::new());
    }
    let number = |argument: &str| {
        let number = argument.trim().parse::<f64>().ok().filter(|number| number.abs() <= NUMBER_MAX);
        number.ok_or_else(|| match FUNCTIONS.iter().any(|(known, _)| *known == name) {
            true => Slip {
                message: format!("`{}` is no number that `{name}` can take", argument.trim()),
                mend: Some("its arguments are written out; they cannot be variables".to_owned()),
                ..Slip::default()
            },
            false => unknown(name),
        })
    };
    arguments.split(',').map(number).collect()
}

const FUNCTIONS: [(&str, &str); 2] = [("$randomNumber", "$randomNumber(1, 10)"), ("$randomString", "$randomString(10)")];
/// The largest whole number that JavaScript counts exactly.
const NUMBER_MAX: f64 = 9_007_199_254_740_991.0;
const STRING_CHARACTERS_MAX: f64 = 1_000_000.0;
