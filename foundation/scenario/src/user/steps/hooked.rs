//! What a `beforeRequest` function has made of a request.

use documents::script::Template;
use http::header::{self, HeaderName, HeaderValue};
use http::Method;
use serde_json::Value;

use super::super::ended::Ended;
use crate::client::Address;
use crate::program::{Body, Request};
use crate::value::{HookRequest, Json, TemplateError, Text};

/// The request with what functions have set; templates in it are filled in as in the script's own.
pub(super) fn apply(request: &Request, seen: &HookRequest, target: Option<&Address>) -> Result<Request, Ended> {
    let mut changed = request.clone();
    for key in seen.changed() {
        let value = seen.get(key);
        let faulty = |error: TemplateError| Ended::Value { what: key.to_owned(), reason: error.message };
        match (key, value) {
            ("url" | "uri", Some(value)) => {
                changed.url = Text::parse(&text(value)).map_err(faulty)?;
                let constant = changed.url.constant();
                changed.fixed = constant.and_then(|url| Address::of_step(url, target).ok());
            }
            ("method", Some(value)) => {
                let name = text(value).to_uppercase();
                changed.method = Method::from_bytes(name.as_bytes()).map_err(|_| Ended::Value {
                    what: key.to_owned(),
                    reason: format!("`{name}` is no HTTP method"),
                })?;
            }
            ("headers", Some(Value::Object(headers))) => set_headers(&mut changed, headers)?,
            ("json", Some(value)) => {
                changed.body = Body::Json(Json::parse(value).map_err(faulty)?);
                changed.headers.entry(header::CONTENT_TYPE).or_insert(HeaderValue::from_static("application/json"));
            }
            ("body", Some(value)) if seen.body_bytes().is_none() => {
                changed.body = Body::Text(Json::parse(value).map_err(faulty)?);
            }
            ("form", Some(Value::Object(fields))) => {
                let fields = fields.iter().map(|(name, value)| Ok((name.clone(), Json::parse(value)?)));
                changed.body = Body::Form(fields.collect::<Result<_, _>>().map_err(faulty)?);
                let kind = HeaderValue::from_static("application/x-www-form-urlencoded");
                changed.headers.entry(header::CONTENT_TYPE).or_insert(kind);
            }
            ("json" | "body" | "form", None) => changed.body = Body::None,
            ("qs" | "searchParams", value) => {
                changed.query = value.map(Json::parse).transpose().map_err(faulty)?;
            }
            ("cookie", Some(Value::Object(cookies))) => {
                let cookies = cookies.iter().map(|(name, value)| Ok((name.clone(), Text::parse(&text(value))?)));
                changed.cookies = cookies.collect::<Result<_, _>>().map_err(faulty)?;
            }
            ("auth", Some(auth)) => {
                let of = |name| Json::parse(auth.get(name).unwrap_or(&Value::Null));
                changed.auth = Some((of("user").map_err(faulty)?, of("pass").map_err(faulty)?));
            }
            ("followRedirect", Some(value)) => changed.follow_redirect = value.as_bool().unwrap_or(true),
            _ => {}
        }
    }
    Ok(changed)
}

fn set_headers(changed: &mut Request, headers: &serde_json::Map<String, Value>) -> Result<(), Ended> {
    let mut templated = changed.templated_headers.to_vec();
    for (name, value) in headers {
        let faulty = |reason: String| Ended::Value { what: format!("the header {name}"), reason };
        let key = HeaderName::try_from(name).map_err(|error| faulty(error.to_string()))?;
        let value = Text::parse(&text(value)).map_err(|error| faulty(error.message))?;
        templated.retain(|(other, _)| *other != key);
        match value.constant() {
            Some(constant) => {
                let constant = HeaderValue::try_from(constant).map_err(|error| faulty(error.to_string()))?;
                changed.headers.insert(key, constant);
            }
            None => {
                changed.headers.remove(&key);
                templated.push((key, value));
            }
        }
    }
    changed.templated_headers = templated.into();
    Ok(())
}

fn text(value: &Template) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
