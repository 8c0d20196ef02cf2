//! One request: filled in, sent, measured, and its answer looked at.

use std::borrow::Cow;
use std::time::Instant;

use bytes::Bytes;
use http::header::{self, HeaderMap};
use serde_json::Value;

use super::super::ended::Ended;
use super::super::walk::call;
use super::super::{Answered, Exchange, Ground, User};
use super::{headers, hooked, inspect, multipart};
use crate::client::{Address, Answer, Outgoing, RequestError, basic_auth};
use crate::program::{Body, Request};
use crate::trace::TraceContext;
use crate::value::{Hook, HookRequest, Json, Response, Scope, uuid_text};

pub(in crate::user) async fn request(ground: &Ground, user: &mut User, request: &Request) -> Result<(), Ended> {
    if request.probability.is_some_and(|percent| fastrand::f64() * 100.0 >= percent) {
        return Ok(());
    }
    if request.before.is_empty() {
        return exchange(ground, user, request, None).await;
    }
    let mut seen = seen_by_functions(request);
    for name in &request.before {
        call(ground, user, name, Hook::BeforeRequest(&mut seen)).await?;
    }
    let changed = Box::new(hooked::apply(request, &seen, ground.program.target.as_ref())?);
    Box::pin(exchange(ground, user, &changed, Some(seen))).await
}

/// With a `uuid`, by which a function knows the request again once it is answered.
fn seen_by_functions(request: &Request) -> HookRequest {
    let mut params = request.params.clone();
    params.insert("uuid".to_owned(), uuid_text(fastrand::u128(..)).into());
    HookRequest::new(params)
}

async fn exchange(
    ground: &Ground,
    user: &mut User,
    request: &Request,
    seen: Option<HookRequest>,
) -> Result<(), Ended> {
    let (mut outgoing, trace) = build(ground, user, request, seen.as_ref())?;
    outgoing.keep_body = request.reads_answer || ground.reads_all;
    let address = outgoing.address.clone();
    ground.witness.sent(request.number);
    let sent = Instant::now();
    let intended = user.timetable.request(sent);
    let result = ground.client.send(&user.session, outgoing).await.map_err(Ended::Request);
    let exchange = Exchange {
        number: request.number,
        method: request.method.as_str(),
        url: &address,
        intended,
        sent,
        trace,
        result: result.as_ref().map(Answered::from),
    };
    ground.witness.exchanged(&exchange);
    let answer = result?;
    if !request.reads_answer && request.inspection.expectations.is_empty() {
        return Ok(());
    }
    look_at(ground, user, request, seen, answer).await
}

/// Captures, functions, matches and expectations, in this order.
async fn look_at(
    ground: &Ground,
    user: &mut User,
    request: &Request,
    seen: Option<HookRequest>,
    answer: Answer,
) -> Result<(), Ended> {
    let url = answer.address.to_string();
    let response = Response::new(answer.status.as_u16(), answer.headers, answer.body, url);
    inspect::capture(ground, user, request.number, &request.inspection, &response)?;
    if !request.after.is_empty() {
        let mut seen = seen.unwrap_or_else(|| seen_by_functions(request));
        for name in &request.after {
            call(ground, user, name, Hook::AfterResponse(&mut seen, &response)).await?;
        }
    }
    inspect::expect(ground, user, request.number, &request.inspection, &response)
}

/// Fills in everything that depends on the user.
fn build<'a>(
    ground: &Ground,
    user: &User,
    request: &'a Request,
    seen: Option<&HookRequest>,
) -> Result<(Outgoing<'a>, Option<TraceContext>), Ended> {
    let scope = &user.scope;
    let address = address(ground, request, scope)?;
    let mut headers = Cow::Borrowed(&request.headers);
    if !request.templated_headers.is_empty() {
        headers::render(&request.templated_headers, scope, headers.to_mut())?;
    }
    for (name, text) in &request.cookies {
        user.session.set_cookie(&address, name, &text.render(scope).map_err(Ended::Template)?);
    }
    if let Some((name, password)) = &request.auth {
        let name = name.to_text(scope).map_err(Ended::Template)?;
        let password = password.to_text(scope).map_err(Ended::Template)?;
        headers.to_mut().extend(basic_auth(&name, &password).map(|value| (header::AUTHORIZATION, value)));
    }
    let body = match seen.and_then(HookRequest::body_bytes) {
        Some(bytes) => bytes.clone(),
        None => body(&request.body, scope, &mut headers)?,
    };
    let trace = (ground.program.settings.tracing || ground.traced > 0.0).then(|| TraceContext::new(ground.traced));
    if let Some(trace) = &trace {
        headers.to_mut().insert("traceparent", trace.header());
    }
    let settings = &ground.program.settings;
    let outgoing = Outgoing {
        method: request.method.clone(),
        address,
        headers,
        body,
        http2: settings.http2,
        timeout: settings.timeout,
        redirects_max: request.follow_redirect.then_some(settings.redirects_max),
        keep_body: true,
    };
    Ok((outgoing, trace))
}

fn address(ground: &Ground, request: &Request, scope: &Scope) -> Result<Address, Ended> {
    let address = match &request.fixed {
        Some(fixed) => fixed.clone(),
        None => {
            let text = request.url.render(scope).map_err(Ended::Template)?;
            Address::of_step(&text, ground.program.target.as_ref())
                .map_err(|error| Ended::Request(RequestError::Address(error)))?
        }
    };
    let Some(query) = &request.query else { return Ok(address) };
    let mut pairs = Vec::new();
    match query.render(scope).map_err(Ended::Template)? {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    Value::Array(values) => pairs.extend(values.iter().map(|value| (name.clone(), plain(value)))),
                    value => pairs.push((name, plain(&value))),
                }
            }
        }
        Value::String(text) => {
            pairs.extend(url::form_urlencoded::parse(text.trim_start_matches('?').as_bytes()).into_owned());
        }
        other => {
            let reason = format!("{other} is neither an object nor a text");
            return Err(Ended::Value { what: "qs".to_owned(), reason });
        }
    }
    address.with_query(&pairs).map_err(|error| Ended::Request(RequestError::Address(error)))
}

fn body(body: &Body, scope: &Scope, headers: &mut Cow<'_, HeaderMap>) -> Result<Bytes, Ended> {
    match body {
        Body::None => Ok(Bytes::new()),
        Body::Fixed(bytes) => Ok(bytes.clone()),
        Body::Json(json) => json.to_bytes(scope).map_err(Ended::Template),
        Body::Text(text) => {
            let text = text.to_text(scope).map_err(Ended::Template)?;
            Ok(Bytes::copy_from_slice(text.as_bytes()))
        }
        Body::Form(fields) => form(fields, scope),
        Body::Multipart(parts) => {
            let (bytes, kind) = multipart::encode(parts, scope)?;
            headers.to_mut().insert(header::CONTENT_TYPE, kind);
            Ok(bytes)
        }
    }
}

fn form(fields: &[(String, Json)], scope: &Scope) -> Result<Bytes, Ended> {
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in fields {
        form.append_pair(name, &value.to_text(scope).map_err(Ended::Template)?);
    }
    Ok(form.finish().into())
}

/// A value as it stands in a query.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}
