//! Values taken out of answers.
//!
//! As in Artillery, one of several results of a JSONPath is drawn at random, and an empty text is no result.

mod css;
mod json_path;
pub(super) mod regexp;
mod xpath;

use std::borrow::Cow;

use documents::diagnostic::Origin;
use documents::script::Selector as Written;
use serde_json::Value;

use super::CompileError;
use super::response::Response;
use super::scope::Scope;
use super::template::Text;

pub use json_path::JsonPath;

/// A selector found nothing, or the answer is not of its kind.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{what} {reason}; the body begins: {beginning}")]
pub struct CaptureError {
    /// The selector as written, e.g. `JSONPath $.id`.
    pub what: String,
    pub reason: String,
    pub beginning: String,
    pub origin: Origin,
}

#[derive(Debug, Clone)]
pub struct Capture {
    pub variable: String,
    /// The script's setting if none.
    pub strict: Option<bool>,
    selector: Selector,
    origin: Origin,
}

/// A way to one value of an answer.
#[derive(Debug, Clone)]
pub(super) struct Selector {
    kind: Kind,
    text: Text,
    /// Present if the text holds no template.
    compiled: Option<Compiled>,
}

/// What a selector is beside its text.
#[derive(Debug, Clone)]
enum Kind {
    Json,
    Header,
    Regexp { group: Option<String>, flags: Option<String> },
    XPath,
    Css { attribute: Option<String>, pick: documents::script::Pick },
}

#[derive(Debug, Clone)]
enum Compiled {
    Json(JsonPath),
    Header(http::HeaderName),
    Regexp(regexp::Regexp),
    XPath(xpath::XPath),
    Css(css::Css),
}

impl Capture {
    pub fn compile(capture: &documents::script::Capture) -> Result<Self, CompileError> {
        let origin = capture.origin.clone();
        let selector = Selector::compile(&capture.selector).map_err(|message| CompileError { message, origin })?;
        Ok(Self {
            variable: capture.variable.clone(),
            strict: capture.strict,
            selector,
            origin: capture.origin.clone(),
        })
    }

    /// The variable's value. Finding nothing is an error; whether it matters is `strict`'s to say.
    pub fn run(&self, response: &Response, scope: &Scope) -> Result<Vec<(&str, Value)>, CaptureError> {
        match self.selector.select(response, scope) {
            Ok(Value::String(text)) if text.is_empty() => Err(self.failed("found an empty text".to_owned(), response)),
            Ok(value) => Ok(vec![(&self.variable, value)]),
            Err(reason) => Err(self.failed(reason, response)),
        }
    }

    fn failed(&self, reason: String, response: &Response) -> CaptureError {
        let what = self.selector.to_string();
        CaptureError { what, reason, beginning: response.beginning(), origin: self.origin.clone() }
    }
}

impl Selector {
    pub(super) fn compile(written: &Written) -> Result<Self, String> {
        let (kind, text) = match written {
            Written::Json(path) => (Kind::Json, path),
            Written::Header(name) => (Kind::Header, name),
            Written::Regexp { pattern, group, flags } => {
                (Kind::Regexp { group: group.clone(), flags: flags.clone() }, pattern)
            }
            Written::XPath(path) => (Kind::XPath, path),
            Written::Css { selector, attribute, pick } => {
                (Kind::Css { attribute: attribute.clone(), pick: *pick }, selector)
            }
        };
        let parsed = Text::parse(text).map_err(|error| match error.mend {
            Some(mend) => format!("{} `{text}`: {}; {mend}", kind.name(), error.message),
            None => format!("{} `{text}`: {}", kind.name(), error.message),
        })?;
        let compiled = parsed.constant().map(|text| kind.compile(text)).transpose();
        let compiled = compiled.map_err(|reason| format!("{} `{text}` {reason}", kind.name()))?;
        Ok(Self { kind, text: parsed, compiled })
    }

    /// One value, or why there is none.
    pub(super) fn select(&self, response: &Response, scope: &Scope) -> Result<Value, String> {
        let compiled = match &self.compiled {
            Some(compiled) => Cow::Borrowed(compiled),
            None => {
                let text = self.text.render(scope).map_err(|error| error.to_string())?;
                Cow::Owned(self.kind.compile(&text).map_err(|reason| format!("(filled in as `{text}`) {reason}"))?)
            }
        };
        match &*compiled {
            Compiled::Json(path) => path.pick(response.json().map_err(|error| format!("needs JSON, but {}", error.reason))?),
            Compiled::Header(name) => header(response, name),
            Compiled::Regexp(regexp) => regexp.find(&response.text()),
            Compiled::XPath(path) => path.find(&response.body),
            Compiled::Css(css) => css.find(&response.text()),
        }
    }
}

/// As written, e.g. `JSONPath $.id`.
impl std::fmt::Display for Selector {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{} `{}`", self.kind.name(), self.text)
    }
}

impl Kind {
    fn name(&self) -> &'static str {
        match self {
            Self::Json => "JSONPath",
            Self::Header => "header",
            Self::Regexp { .. } => "regular expression",
            Self::XPath => "XPath",
            Self::Css { .. } => "CSS selector",
        }
    }

    fn compile(&self, text: &str) -> Result<Compiled, String> {
        Ok(match self {
            Self::Json => Compiled::Json(JsonPath::parse(text)?),
            Self::Header => Compiled::Header(text.trim().parse().map_err(|_| "is no name of a header".to_owned())?),
            Self::Regexp { group, flags } => {
                Compiled::Regexp(regexp::Regexp::parse(text, flags.as_deref().unwrap_or_default(), group.clone())?)
            }
            Self::XPath => Compiled::XPath(xpath::XPath::parse(text)?),
            Self::Css { attribute, pick } => Compiled::Css(css::Css::parse(text, attribute.clone(), *pick)?),
        })
    }
}

/// Several headers of one name are joined, except cookies, which become a list.
fn header(response: &Response, name: &http::HeaderName) -> Result<Value, String> {
    let values = response.headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let mut values: Vec<String> = values.collect();
    match values.len() {
        0 => Err("is not among the answer's headers".to_owned()),
        _ if *name == http::header::SET_COOKIE => Ok(values.into()),
        1 => Ok(values.swap_remove(0).into()),
        _ => Ok(values.join(", ").into()),
    }
}

#[cfg(test)]
mod tests;
