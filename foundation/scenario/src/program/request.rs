//! One request of a journey, with everything done that does not depend on who sends it.

use std::path::PathBuf;

use bytes::Bytes;
use documents::diagnostic::Origin;
use documents::script::{self, Check, Engine};
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::Method;
use serde_json::{Map, Value, json};

use super::compile::Compiler;
use super::inspection::Inspection;
use super::journey::Hooks;
use super::EndpointName;
use crate::client::Address;
use crate::value::{Json, Text};

#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// Its number among all requests of the script.
    pub number: usize,
    pub method: Method,
    pub url: Text,
    /// Unless the URL holds a template.
    pub fixed: Option<Address>,
    /// Those that are always the same.
    pub headers: HeaderMap,
    pub templated_headers: Box<[(HeaderName, Text)]>,
    pub cookies: Box<[(String, Text)]>,
    pub query: Option<Json>,
    pub body: Body,
    pub auth: Option<(Json, Json)>,
    pub follow_redirect: bool,
    /// In percent.
    pub probability: Option<f64>,
    pub inspection: Inspection,
    pub before: Box<[String]>,
    pub after: Box<[String]>,
    /// Whether anything looks at the answer.
    pub reads_answer: bool,
    /// As functions see it; empty if there are none.
    pub params: Map<String, Value>,
}

#[derive(Debug, Clone)]
pub(crate) enum Body {
    None,
    Fixed(Bytes),
    Json(Json),
    Text(Json),
    Form(Box<[(String, Json)]>),
    Multipart(Box<[Part]>),
}

#[derive(Debug, Clone)]
pub(crate) struct Part {
    pub name: String,
    pub content: PartContent,
    pub content_type: Option<String>,
    pub file_name: Option<String>,
}

#[derive(Debug, Clone)]
pub(crate) enum PartContent {
    Text(Json),
    /// Seen from the folder.
    File { folder: PathBuf, path: Text },
}

pub(crate) const USER_AGENT: &str = concat!("mainstay/", env!("CARGO_PKG_VERSION"));

/// None if it has faults, which are told.
pub(super) fn compile(
    compiler: &mut Compiler<'_>,
    written: &script::Request,
    hooks: &Hooks,
    origin: &Origin,
) -> Option<Request> {
    let url = compiler.take(origin, Text::parse(&written.url));
    let fixed = url.as_ref().and_then(|url| compiler.address(url.constant()?, origin));
    let method = Method::from_bytes(written.method.as_bytes()).ok();
    if method.is_none() {
        compiler.error(origin, format!("`{}` is no HTTP method", written.method), None);
    }
    let body = body(compiler, &written.body, origin);
    let (headers, templated_headers) = headers(compiler, written, origin);
    let usual = usual_expectation(compiler, written, origin);
    let expectations = written.expect.iter().chain(&usual);
    let inspection = Inspection::compile(compiler, &written.capture, &written.matches, expectations);
    let before = join(&hooks.before, compiler.functions(&written.before_request, origin));
    let after = join(&hooks.after, compiler.functions(&written.after_response, origin));
    let number = compiler.endpoint(name(compiler, written));
    Some(Request {
        number,
        method: method?,
        url: url?,
        fixed,
        headers,
        templated_headers,
        cookies: cookies(compiler, written, origin),
        query: written.query.as_ref().and_then(|query| compiler.take(origin, Json::parse(query))),
        body: body?,
        auth: written.auth.as_ref().and_then(|auth| {
            let user = compiler.take(origin, Json::parse(&auth.user))?;
            Some((user, compiler.take(origin, Json::parse(&auth.password))?))
        }),
        follow_redirect: written.follow_redirect.unwrap_or(compiler.config.http.follow_redirect),
        probability: written.probability,
        reads_answer: !(inspection.captures.is_empty() && inspection.matches.is_empty() && after.is_empty())
            || expectations_read(written),
        inspection,
        params: if before.is_empty() && after.is_empty() && !hooks.on_error { Map::new() } else { params(written) },
        before,
        after,
    })
}

type Headers = (HeaderMap, Box<[(HeaderName, Text)]>);

/// The script's headers and the request's own over them, as constants and templates.
fn headers(compiler: &mut Compiler<'_>, written: &script::Request, origin: &Origin) -> Headers {
    let mut constant = HeaderMap::new();
    let mut templated: Vec<(HeaderName, Text)> = Vec::new();
    constant.insert(header::USER_AGENT, HeaderValue::from_static(USER_AGENT));
    constant.insert(header::ACCEPT, HeaderValue::from_static("*/*"));
    if written.gzip {
        constant.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip, deflate"));
    }
    if let Some(kind) = content_type(&written.body) {
        constant.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    }
    let defaults = compiler.config.http.headers.iter();
    for (name, value) in defaults.chain(written.headers.iter().map(|(name, value)| (name, value))) {
        let Ok(key) = HeaderName::try_from(name) else {
            compiler.error(origin, format!("`{name}` is no name of a header"), None);
            continue;
        };
        let Some(text) = compiler.take(origin, Text::parse(value)) else { continue };
        templated.retain(|(other, _)| *other != key);
        match text.constant().map(HeaderValue::try_from) {
            None => {
                constant.remove(&key);
                templated.push((key, text));
            }
            Some(Ok(value)) => drop(constant.insert(key, value)),
            Some(Err(_)) => compiler.error(origin, format!("the header {name} holds what no header can"), None),
        }
    }
    (constant, templated.into())
}

fn content_type(body: &script::Body) -> Option<&'static str> {
    match body {
        script::Body::Json(_) => Some("application/json"),
        script::Body::Form(_) => Some("application/x-www-form-urlencoded"),
        script::Body::None | script::Body::Text(_) | script::Body::Multipart(_) => None,
    }
}

fn cookies(compiler: &mut Compiler<'_>, written: &script::Request, origin: &Origin) -> Box<[(String, Text)]> {
    let defaults = compiler.config.http.cookies.iter().filter(|(name, _)| !written.cookies.iter().any(|own| own.0 == **name));
    let own = written.cookies.iter().map(|(name, value)| (name, value));
    let all: Vec<_> = defaults.chain(own).collect();
    all.into_iter()
        .filter_map(|(name, value)| Some((name.clone(), compiler.take(origin, Text::parse(value))?)))
        .collect()
}

fn body(compiler: &mut Compiler<'_>, written: &script::Body, origin: &Origin) -> Option<Body> {
    Some(match written {
        script::Body::None => Body::None,
        script::Body::Json(value) => {
            let json = compiler.take(origin, Json::parse(value))?;
            json.constant().map(|value| Body::Fixed(value.to_string().into())).unwrap_or(Body::Json(json))
        }
        script::Body::Text(value) => Body::Text(compiler.take(origin, Json::parse(value))?),
        script::Body::Form(fields) => {
            let fields = fields.iter();
            let compiled: Option<_> =
                fields.map(|(name, value)| Some((name.clone(), compiler.take(origin, Json::parse(value))?))).collect();
            Body::Form(compiled?)
        }
        script::Body::Multipart(parts) => {
            let compiled: Option<_> = parts.iter().map(|written| part(compiler, written, origin)).collect();
            Body::Multipart(compiled?)
        }
    })
}

fn part(compiler: &mut Compiler<'_>, written: &script::Part, origin: &Origin) -> Option<Part> {
    let content = match &written.content {
        script::PartContent::Text(text) => PartContent::Text(compiler.take(origin, Json::parse(text))?),
        script::PartContent::File(path) => {
            let text = compiler.take(origin, Text::parse(path))?;
            if let Some(path) = text.constant()
                && !compiler.folder.join(path).is_file()
            {
                let mend = format!("files are seen from the script's folder, {}", compiler.folder.display());
                compiler.error(origin, format!("there is no file {path} to send"), Some(mend));
            }
            PartContent::File { folder: compiler.folder.to_owned(), path: text }
        }
    };
    let (content_type, file_name) = (written.content_type.clone(), written.file_name.clone());
    Some(Part { name: written.name.clone(), content, content_type, file_name })
}

/// What the expect plugin's `expectDefault200` adds.
fn usual_expectation(
    compiler: &Compiler<'_>,
    written: &script::Request,
    origin: &Origin,
) -> Option<script::Expectation> {
    let default_200 = compiler.config.plugins.expect.as_ref().is_some_and(|plugin| plugin.expect_default_200);
    (default_200 && written.expect.is_empty()).then(|| script::Expectation {
        check: Check::StatusCode(vec![json!(200)]),
        description: None,
        origin: origin.clone(),
    })
}

/// Whether an expectation needs more than a status.
fn expectations_read(written: &script::Request) -> bool {
    let of_status = |check: &Check| matches!(check, Check::StatusCode(_) | Check::NotStatusCode(_));
    !written.expect.iter().all(|expectation| of_status(&expectation.check))
}

/// What metrics call it.
fn name(compiler: &Compiler<'_>, written: &script::Request) -> EndpointName {
    if let Some(name) = &written.name {
        return EndpointName { engine: Engine::Http, shown: name.clone(), named: true };
    }
    let plugin = compiler.config.plugins.metrics_by_endpoint.as_ref();
    let without_query = plugin.is_some_and(|plugin| plugin.strip_query_string);
    let url = match written.url.split_once('?') {
        Some((path, _)) if without_query => path,
        _ => &written.url,
    };
    EndpointName { engine: Engine::Http, shown: format!("{} {url}", written.method), named: false }
}

/// As functions of a processor see it: the keys of the script, templates unfilled.
fn params(written: &script::Request) -> Map<String, Value> {
    let pairs = |pairs: &[(String, String)]| -> Value {
        Value::Object(pairs.iter().map(|(name, value)| (name.clone(), value.clone().into())).collect())
    };
    let mut params: Map<String, Value> = written.extra.clone().into_iter().collect();
    params.insert("url".to_owned(), written.url.clone().into());
    params.insert("method".to_owned(), written.method.clone().into());
    params.insert("headers".to_owned(), pairs(&written.headers));
    if let Some(name) = &written.name {
        params.insert("name".to_owned(), name.clone().into());
    }
    if !written.cookies.is_empty() {
        params.insert("cookie".to_owned(), pairs(&written.cookies));
    }
    if let Some(query) = &written.query {
        params.insert("qs".to_owned(), query.clone());
    }
    if let Some(auth) = &written.auth {
        params.insert("auth".to_owned(), json!({ "user": auth.user, "pass": auth.password }));
    }
    if let Some(follow) = written.follow_redirect {
        params.insert("followRedirect".to_owned(), follow.into());
    }
    let body = match &written.body {
        script::Body::None | script::Body::Multipart(_) => None,
        script::Body::Json(value) => Some(("json", value.clone())),
        script::Body::Text(value) => Some(("body", value.clone())),
        script::Body::Form(fields) => Some(("form", Value::Object(fields.iter().cloned().collect()))),
    };
    params.extend(body.map(|(key, value)| (key.to_owned(), value)));
    params
}

fn join(first: &[String], then: Box<[String]>) -> Box<[String]> {
    first.iter().cloned().chain(then).collect()
}
