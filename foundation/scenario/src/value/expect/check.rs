//! One answer against one check.

use std::borrow::Cow;

use http::header::CONTENT_TYPE;
use serde_json::Value;

use super::{Check, Difference, plain, regexp};
use crate::value::capture::regexp::Regexp;
use crate::value::response::Response;
use crate::value::scope::{Path, Scope};
use crate::value::template::Json;

impl Check {
    pub(super) fn holds(&self, response: &Response, scope: &Scope) -> Result<(), Difference> {
        match self {
            Self::StatusCode { any, wanted } => status(any, *wanted, response, scope),
            Self::ContentType(kind) => content_type(&kind.to_text(scope)?, response),
            Self::HasProperty { path, wanted } => property(&path.to_text(scope)?, *wanted, response),
            Self::Equals(values) => equal(values, scope),
            Self::HasHeader(name) => {
                let name = name.to_text(scope)?;
                header(response, &name).map(drop).ok_or_else(|| Difference::new(format!("a header `{name}`"), "none"))
            }
            Self::HeaderEquals(name, value) => header_equals(&name.to_text(scope)?, &value.to_text(scope)?, response),
            Self::MatchesRegexp { compiled: Some(regexp), pattern } => matches(regexp, &pattern.to_text(scope)?, response),
            Self::MatchesRegexp { compiled: None, pattern } => {
                let pattern = pattern.to_text(scope)?;
                let regexp = regexp(&pattern).map_err(|error| Difference::new(format!("a match of `{pattern}`"), error))?;
                matches(&regexp, &pattern, response)
            }
            Self::CdnHit(wanted) => cdn_hit(is_true(&wanted.render(scope)?), response),
            Self::Jmespath { expression, equals } => jmespath(expression, equals.as_ref(), response, scope),
        }
    }
}

impl Difference {
    fn new(expected: impl Into<String>, actual: impl Into<String>) -> Self {
        Self { expected: expected.into(), actual: actual.into() }
    }
}

fn status(any: &[Json], wanted: bool, response: &Response, scope: &Scope) -> Result<(), Difference> {
    let mut codes = Vec::new();
    for code in any {
        match code.render(scope)? {
            Value::Array(several) => codes.extend(several),
            one => codes.push(one),
        }
    }
    let found = codes.iter().any(|code| number(code) == Some(f64::from(response.status)));
    if found == wanted {
        return Ok(());
    }
    let codes = codes.iter().map(|code| plain(code).into_owned()).collect::<Vec<_>>().join(" or ");
    Err(Difference::new(if wanted { codes } else { format!("anything but {codes}") }, response.status.to_string()))
}

fn content_type(wanted: &str, response: &Response) -> Result<(), Difference> {
    let got = response.header(CONTENT_TYPE.as_str());
    if wanted != "json" {
        return match got {
            Some(got) if got.eq_ignore_ascii_case(wanted) => Ok(()),
            got => Err(Difference::new(wanted, got.unwrap_or("no content-type header"))),
        };
    }
    match got {
        Some(got) if !says_json(got) => Err(Difference::new("json", format!("content-type {got}"))),
        None => Err(Difference::new("json", "no content-type header")),
        Some(_) => match response.json() {
            Ok(Value::Array(_) | Value::Object(_)) => Ok(()),
            Ok(other) => Err(Difference::new("json", format!("the body {other}"))),
            Err(error) => Err(Difference::new("json", error.to_string())),
        },
    }
}

fn says_json(content_type: &str) -> bool {
    ["application/json", "application/problem+json", "application/ld+json"].iter().any(|kind| content_type.contains(kind))
}

/// The body, if it is JSON in name and in fact.
fn document(response: &Response) -> Result<&Value, String> {
    match response.header(CONTENT_TYPE.as_str()) {
        Some(kind) if !says_json(kind) => Err(format!("a body that is no JSON but {kind}")),
        _ => response.json().map_err(|error| error.to_string()),
    }
}

fn property(path: &str, wanted: bool, response: &Response) -> Result<(), Difference> {
    let expected = || if wanted { format!("a property `{path}`") } else { format!("no property `{path}`") };
    let body = match document(response) {
        Ok(body @ (Value::Array(_) | Value::Object(_))) => body,
        Ok(other) => return Err(Difference::new(expected(), format!("the body {other}"))),
        Err(reason) => return Err(Difference::new(expected(), reason)),
    };
    if Path::parse(path).is_in(body) == wanted {
        return Ok(());
    }
    Err(Difference::new(expected(), format!("the body {}", response.beginning())))
}

/// All are compared as texts.
fn equal(values: &[Json], scope: &Scope) -> Result<(), Difference> {
    let texts = values.iter().map(|value| value.to_text(scope)).collect::<Result<Vec<_>, _>>()?;
    if texts.split_first().is_some_and(|(first, rest)| rest.iter().all(|text| text == first)) {
        return Ok(());
    }
    Err(Difference::new("all values to be equal", texts.join(", ")))
}

/// Several headers of one name are joined.
fn header<'a>(response: &'a Response, name: &str) -> Option<Cow<'a, str>> {
    let mut values = response.headers.get_all(name.trim()).iter().map(|value| String::from_utf8_lossy(value.as_bytes()));
    let first = values.next()?;
    Some(values.fold(first, |joined, value| Cow::Owned(format!("{joined}, {value}"))))
}

fn header_equals(name: &str, wanted: &str, response: &Response) -> Result<(), Difference> {
    match header(response, name) {
        Some(got) if got == wanted => Ok(()),
        Some(got) => Err(Difference::new(format!("{name}: {wanted}"), format!("{name}: {got}"))),
        None => Err(Difference::new(format!("{name}: {wanted}"), format!("no header `{name}`"))),
    }
}

fn matches(regexp: &Regexp, pattern: &str, response: &Response) -> Result<(), Difference> {
    let expected = || format!("a match of `{pattern}`");
    match regexp.is_match(&response.text()) {
        Ok(true) => Ok(()),
        Ok(false) => Err(Difference::new(expected(), format!("the body {}", response.beginning()))),
        Err(reason) => Err(Difference::new(expected(), reason)),
    }
}

fn cdn_hit(wanted: bool, response: &Response) -> Result<(), Difference> {
    let (expected, states): (_, &[&str]) = if wanted { ("a cache hit", &["hit", "stale"]) } else { ("a cache miss", &["miss"]) };
    let mut seen = Vec::new();
    for name in CACHE_HEADERS {
        if let Some(value) = header(response, name) {
            if states.iter().any(|state| value.to_ascii_lowercase().starts_with(state)) {
                return Ok(());
            }
            seen.push(format!("{name}: {value}"));
        }
    }
    let actual = if seen.is_empty() { "no header of a cache".to_owned() } else { seen.join(", ") };
    Err(Difference::new(expected, actual))
}

fn jmespath(
    expression: &jmespath::Expression<'_>,
    equals: Option<&Json>,
    response: &Response,
    scope: &Scope,
) -> Result<(), Difference> {
    let wanted = equals.map(|value| value.render(scope)).transpose()?;
    let expected = || match &wanted {
        Some(wanted) => format!("`{expression}` to be {wanted}"),
        None => format!("`{expression}` to be true"),
    };
    let body = document(response).map_err(|reason| Difference::new(expected(), reason))?;
    let found = expression.search(body).map_err(|error| Difference::new(expected(), error.to_string()))?;
    let found = serde_json::to_value(&*found).map_err(|error| Difference::new(expected(), error.to_string()))?;
    let holds = wanted.as_ref().map_or_else(|| is_true(&found), |wanted| alike(&found, wanted));
    if holds { Ok(()) } else { Err(Difference::new(expected(), found.to_string())) }
}

/// Equal, where 1 and 1.0 are the same.
pub(super) fn alike(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => one == other || one.as_f64() == other.as_f64(),
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| alike(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one.iter().all(|(key, value)| other.get(key).is_some_and(|other| alike(value, other)))
        }
        _ => one == other,
    }
}

/// A number, or a text of one.
pub(super) fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// As JavaScript judges it.
fn is_true(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(truth) => *truth,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(_) | Value::Object(_) => true,
    }
}

/// Of Cloudflare, CloudFront and Fastly, and Vercel.
const CACHE_HEADERS: [&str; 3] = ["cf-cache-status", "x-cache", "x-vercel-cache"];
