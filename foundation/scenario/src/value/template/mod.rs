//! Texts with `{{ … }}`, split once.
//!
//! Between the braces stands a variable's path, or a call of `$randomNumber` or `$randomString` with numbers.
//! Anything else is an error, where Artillery would send the braces as they are. A third brace counts only if it
//! is closed by a third: `{"a": {{ x }}}` keeps its last one.

mod json;
mod parse;

use std::borrow::Cow;
use std::fmt::Write;

use serde_json::{Number, Value};

use super::scope::{Path, Scope};

pub use json::Json;

/// Why a text is no template. `column` counts characters from 1 within the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct TemplateError {
    pub message: String,
    pub column: usize,
    pub mend: Option<String>,
    /// Whether it asks for what Mainstay does not have, rather than being wrong.
    pub unsupported: bool,
}

/// Why a template could not be filled in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    #[error("the variable `{0}` refers to itself")]
    Endless(String),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Text {
    parts: Parts,
}

#[derive(Debug, Clone, PartialEq)]
enum Parts {
    Constant(Box<str>),
    /// One variable and nothing else: its type is kept.
    Alone(Path),
    Mixed(Box<[Part]>),
}

#[derive(Debug, Clone, PartialEq)]
enum Part {
    Constant(Box<str>),
    Variable(Path),
    Call(Function),
}

/// The functions of templates. Their results are texts.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Function {
    /// Whole numbers, both ends included; with a fraction, as far as it goes.
    RandomNumber {
        low: f64,
        high: f64,
    },
    RandomString {
        length: usize,
    },
}

impl Text {
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        Ok(Self { parts: parse::parts(text)? })
    }

    /// The text itself, if it holds no template.
    pub fn constant(&self) -> Option<&str> {
        match &self.parts {
            Parts::Constant(text) => Some(text),
            _ => None,
        }
    }

    /// As text. A variable that is not there is the text `undefined`, as in Artillery.
    pub fn render<'a>(&'a self, scope: &'a Scope) -> Result<Cow<'a, str>, RenderError> {
        match &self.parts {
            Parts::Constant(text) => Ok(Cow::Borrowed(text)),
            Parts::Alone(path) => Ok(match scope.resolve(path, 0)? {
                Some(value) => into_text(value),
                None => Cow::Borrowed(UNDEFINED),
            }),
            Parts::Mixed(parts) => join(parts, scope, 0).map(Cow::Owned),
        }
    }

    /// With its type, if the template stands alone; none if its variable is not there.
    pub fn value<'a>(&'a self, scope: &'a Scope) -> Result<Option<Cow<'a, Value>>, RenderError> {
        self.value_within(scope, 0)
    }

    fn value_within<'a>(&'a self, scope: &'a Scope, depth: usize) -> Result<Option<Cow<'a, Value>>, RenderError> {
        match &self.parts {
            Parts::Constant(text) => Ok(Some(Cow::Owned(Value::String(text.to_string())))),
            Parts::Alone(path) => scope.resolve(path, depth),
            Parts::Mixed(parts) => Ok(Some(Cow::Owned(Value::String(join(parts, scope, depth)?)))),
        }
    }
}

/// As it was written, but for spaces within braces.
impl std::fmt::Display for Text {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let parts = match &self.parts {
            Parts::Constant(text) => return out.write_str(text),
            Parts::Alone(path) => return write!(out, "{{{{ {} }}}}", path.text()),
            Parts::Mixed(parts) => parts,
        };
        parts.iter().try_for_each(|part| match part {
            Part::Constant(text) => out.write_str(text),
            Part::Variable(path) => write!(out, "{{{{ {} }}}}", path.text()),
            Part::Call(Function::RandomNumber { low, high }) => write!(out, "{{{{ $randomNumber({low}, {high}) }}}}"),
            Part::Call(Function::RandomString { length }) => write!(out, "{{{{ $randomString({length}) }}}}"),
        })
    }
}

/// As JavaScript writes a value into a text; lists and objects as JSON.
pub(super) fn into_text(value: Cow<'_, Value>) -> Cow<'_, str> {
    match value {
        Cow::Borrowed(Value::String(text)) => Cow::Borrowed(text),
        Cow::Owned(Value::String(text)) => Cow::Owned(text),
        value => {
            let mut text = String::new();
            push(&mut text, &value);
            Cow::Owned(text)
        }
    }
}

fn join(parts: &[Part], scope: &Scope, depth: usize) -> Result<String, RenderError> {
    let mut text = String::with_capacity(ROOM_BYTES);
    for part in parts {
        match part {
            Part::Constant(constant) => text.push_str(constant),
            Part::Variable(path) => match scope.resolve(path, depth)? {
                Some(value) => push(&mut text, &value),
                None => text.push_str(UNDEFINED),
            },
            Part::Call(function) => function.push(&mut text),
        }
    }
    Ok(text)
}

fn push(text: &mut String, value: &Value) {
    let written = match value {
        Value::String(part) => text.write_str(part),
        Value::Number(number) => push_number(text, number),
        other => write!(text, "{other}"),
    };
    debug_assert!(written.is_ok(), "writing to a text cannot fail");
}

/// JavaScript has no whole numbers: what is written `1.0` is shown `1`.
fn push_number(text: &mut String, number: &Number) -> std::fmt::Result {
    match number.as_f64() {
        Some(float) if number.is_f64() && float.fract() == 0.0 && float.abs() < 1e21 => write!(text, "{float:.0}"),
        _ => write!(text, "{number}"),
    }
}

impl Function {
    fn push(self, text: &mut String) {
        match self {
            Self::RandomNumber { low, high } if low.fract() == 0.0 && high.fract() == 0.0 => {
                let number = fastrand::i64(low as i64..=high as i64);
                text.push_str(&number.to_string());
            }
            Self::RandomNumber { low, high } => {
                text.push_str(&(low + fastrand::f64() * (high - low)).to_string());
            }
            Self::RandomString { length } => text.extend((0..length).map(|_| fastrand::alphanumeric())),
        }
    }
}

const UNDEFINED: &str = "undefined";
/// Most URLs and messages need no second allocation.
const ROOM_BYTES: usize = 96;

#[cfg(test)]
mod tests;
