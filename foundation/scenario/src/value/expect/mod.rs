//! What an answer must be, as Artillery's expect plugin judges it.
//!
//! Values that a script writes as texts and an answer as numbers are alike. A body counts as JSON if its type says
//! so, or if it has none, as messages of a WebSocket do.

mod check;

use std::borrow::Cow;

use documents::diagnostic::Origin;
use serde_json::Value;

use super::CompileError;
use super::capture::{Selector, regexp::Regexp};
use super::response::Response;
use super::scope::Scope;
use super::template::{Json, RenderError, TemplateError};

/// An expectation that an answer does not meet.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}: expected {expected}, got {actual}")]
pub struct Mismatch {
    /// The expectation's name in a script, e.g. `statusCode`.
    pub what: String,
    pub expected: String,
    pub actual: String,
    pub origin: Origin,
}

#[derive(Debug, Clone)]
pub struct Expectation {
    check: Check,
    origin: Origin,
}

/// Artillery's deprecated `match`: a selected value that must equal another.
#[derive(Debug, Clone)]
pub struct Match {
    /// True if none is given.
    pub strict: bool,
    selector: Selector,
    value: Json,
    origin: Origin,
}

#[derive(Debug, Clone)]
enum Check {
    StatusCode { any: Vec<Json>, wanted: bool },
    ContentType(Json),
    HasProperty { path: Json, wanted: bool },
    Equals(Vec<Json>),
    HasHeader(Json),
    HeaderEquals(Json, Json),
    MatchesRegexp { pattern: Json, compiled: Option<Regexp> },
    CdnHit(Json),
    Jmespath { expression: Box<jmespath::Expression<'static>>, equals: Option<Json> },
}

/// What was expected, and what was got.
struct Difference {
    expected: String,
    actual: String,
}

impl Expectation {
    pub fn compile(expectation: &documents::script::Expectation) -> Result<Self, CompileError> {
        let origin = expectation.origin.clone();
        let check = Check::compile(&expectation.check)
            .map_err(|message| CompileError { message, origin: origin.clone() })?;
        Ok(Self { check, origin })
    }

    /// The expectation's name in a script, e.g. `statusCode`.
    pub fn name(&self) -> &'static str {
        self.check.name()
    }

    pub fn check(&self, response: &Response, scope: &Scope) -> Result<(), Mismatch> {
        self.check.holds(response, scope).map_err(|difference| Mismatch {
            what: self.name().to_owned(),
            expected: difference.expected,
            actual: difference.actual,
            origin: self.origin.clone(),
        })
    }
}

impl Match {
    pub fn compile(wanted: &documents::script::Match) -> Result<Self, CompileError> {
        let origin = wanted.origin.clone();
        let fault = |message| CompileError { message, origin: wanted.origin.clone() };
        Ok(Self {
            strict: wanted.strict.unwrap_or(true),
            selector: Selector::compile(&wanted.selector).map_err(fault)?,
            value: template("match", &wanted.value).map_err(fault)?,
            origin,
        })
    }

    pub fn check(&self, response: &Response, scope: &Scope) -> Result<(), Mismatch> {
        let mismatch = |expected: String, actual: String| Mismatch {
            what: format!("match {}", self.selector),
            expected,
            actual,
            origin: self.origin.clone(),
        };
        let wanted = self.value.render(scope).map_err(|error| mismatch("a value".to_owned(), error.to_string()))?;
        match self.selector.select(response, scope) {
            Ok(found) if check::alike(&found, &wanted) => Ok(()),
            Ok(found) => Err(mismatch(wanted.to_string(), found.to_string())),
            Err(reason) => Err(mismatch(wanted.to_string(), format!("an answer in which it {reason}"))),
        }
    }
}

impl Check {
    fn compile(written: &documents::script::Check) -> Result<Self, String> {
        use documents::script::Check as Written;
        let name = name(written);
        let one = |value: &Value| template(name, value);
        let all = |values: &[Value]| values.iter().map(one).collect::<Result<Vec<_>, _>>();
        Ok(match written {
            Written::StatusCode(any) => Self::StatusCode { any: statuses(name, all(any)?)?, wanted: true },
            Written::NotStatusCode(none) => Self::StatusCode { any: statuses(name, all(none)?)?, wanted: false },
            Written::ContentType(kind) => Self::ContentType(one(kind)?),
            Written::HasProperty(path) => Self::HasProperty { path: one(path)?, wanted: true },
            Written::NotHasProperty(path) => Self::HasProperty { path: one(path)?, wanted: false },
            Written::Equals(values) => Self::Equals(all(values)?),
            Written::HasHeader(header) => Self::HasHeader(one(header)?),
            Written::HeaderEquals(header, value) => Self::HeaderEquals(one(header)?, one(value)?),
            Written::MatchesRegexp(pattern) => {
                let pattern = one(pattern)?;
                let constant = pattern.constant().map(|value| regexp(&plain(value)));
                let compiled = constant.transpose().map_err(|error| format!("{name}: {error}"))?;
                Self::MatchesRegexp { pattern, compiled }
            }
            Written::CdnHit(wanted) => Self::CdnHit(one(wanted)?),
            Written::Jmespath { expression, equals } => Self::Jmespath {
                expression: Box::new(jmespath::compile(expression).map_err(|error| format!("{name}: {error}"))?),
                equals: equals.as_ref().map(one).transpose()?,
            },
        })
    }

    fn name(&self) -> &'static str {
        match self {
            Self::StatusCode { wanted: true, .. } => "statusCode",
            Self::StatusCode { wanted: false, .. } => "notStatusCode",
            Self::ContentType(_) => "contentType",
            Self::HasProperty { wanted: true, .. } => "hasProperty",
            Self::HasProperty { wanted: false, .. } => "notHasProperty",
            Self::Equals(_) => "equals",
            Self::HasHeader(_) => "hasHeader",
            Self::HeaderEquals(..) => "headerEquals",
            Self::MatchesRegexp { .. } => "matchesRegexp",
            Self::CdnHit(_) => "cdnHit",
            Self::Jmespath { .. } => "jmespath",
        }
    }
}

fn name(written: &documents::script::Check) -> &'static str {
    use documents::script::Check as Written;
    match written {
        Written::StatusCode(_) => "statusCode",
        Written::NotStatusCode(_) => "notStatusCode",
        Written::ContentType(_) => "contentType",
        Written::HasProperty(_) => "hasProperty",
        Written::NotHasProperty(_) => "notHasProperty",
        Written::Equals(_) => "equals",
        Written::HasHeader(_) => "hasHeader",
        Written::HeaderEquals(..) => "headerEquals",
        Written::MatchesRegexp(_) => "matchesRegexp",
        Written::CdnHit(_) => "cdnHit",
        Written::Jmespath { .. } => "jmespath",
    }
}

fn template(name: &str, value: &Value) -> Result<Json, String> {
    Json::parse(value).map_err(|TemplateError { message, mend, .. }| match mend {
        Some(mend) => format!("{name}: {message}; {mend}"),
        None => format!("{name}: {message}"),
    })
}

/// What is written out must be a number, or no answer could ever meet it.
fn statuses(name: &str, codes: Vec<Json>) -> Result<Vec<Json>, String> {
    for code in &codes {
        let values = code.constant().map(|value| value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice));
        if let Some(value) = values.and_then(|values| values.iter().find(|value| check::number(value).is_none())) {
            return Err(format!("{name}: {value} is no status code"));
        }
    }
    Ok(codes)
}

fn regexp(pattern: &str) -> Result<Regexp, String> {
    Regexp::parse(pattern, "", None).map_err(|reason| format!("the regular expression `{pattern}` {reason}"))
}

/// A text without quotes, anything else as JSON.
fn plain(value: &Value) -> Cow<'_, str> {
    super::template::into_text(Cow::Borrowed(value))
}

impl From<RenderError> for Difference {
    fn from(error: RenderError) -> Self {
        Self { expected: "a value".to_owned(), actual: error.to_string() }
    }
}

#[cfg(test)]
mod tests;
