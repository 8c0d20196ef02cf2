//! `type: http`: a call, and its status, headers and body.

use std::collections::HashMap;
use std::time::Duration;

use documents::experiment::HttpCall;
use parking_lot::Mutex;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Method, Request, Response, redirect};
use serde_json::{Map, Value, json};

use super::{OUTPUT_BYTES_MAX, Outcome, TOO_LONG, chain, seconds};
use crate::experiments::substitute::{Names, written};

/// Where an experiment gives no timeout. The toolkit waits for ever.
const TIMEOUT: Duration = Duration::from_secs(300);
const REDIRECTS_MAX: usize = 30;

/// Clients by what they were made for: reading the machine's certificates takes longer than most calls.
#[derive(Debug, Default)]
pub struct Http {
    clients: Mutex<HashMap<Limits, Client>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Limits {
    connect: Duration,
    read: Duration,
    verify_tls: bool,
}

impl Http {
    pub async fn carry_out(&self, call: &HttpCall, names: &Names) -> Outcome {
        let client = self.client(limits(call, names)?)?;
        let mut left = call.max_retries;
        loop {
            let request = request(&client, call, names)?;
            let url = request.url().to_string();
            match client.execute(request).await {
                Ok(response) => return answer(response).await,
                Err(error) if error.is_connect() && left > 0 => left -= 1,
                Err(error) if error.is_timeout() => return Err(TOO_LONG.to_owned()),
                Err(error) => return Err(format!("failed to connect to {url}: {}", chain(&error.without_url()))),
            }
        }
    }

    fn client(&self, limits: Limits) -> Result<Client, String> {
        let mut clients = self.clients.lock();
        if let Some(client) = clients.get(&limits) {
            return Ok(client.clone());
        }
        let client = Client::builder()
            .user_agent(concat!("mainstay/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(limits.connect)
            .read_timeout(limits.read)
            // Each call finds out anew whether it can connect.
            .pool_max_idle_per_host(0)
            .redirect(redirect::Policy::limited(REDIRECTS_MAX))
            .danger_accept_invalid_certs(!limits.verify_tls)
            .build()
            .map_err(|error| chain(&error))?;
        clients.insert(limits, client.clone());
        Ok(client)
    }
}

fn limits(call: &HttpCall, names: &Names) -> Result<Limits, String> {
    let timeout = call.timeout.as_ref().map(|timeout| names.fill(timeout));
    let (connect, read) = match &timeout {
        Some(Value::Array(two)) => (seconds(two.first())?, seconds(two.get(1))?),
        one => (seconds(one.as_ref())?, seconds(one.as_ref())?),
    };
    Ok(Limits { connect: connect.unwrap_or(TIMEOUT), read: read.unwrap_or(TIMEOUT), verify_tls: call.verify_tls })
}

fn request(client: &Client, call: &HttpCall, names: &Names) -> Result<Request, String> {
    let method = Method::from_bytes(call.method.as_bytes()).map_err(|_| format!("`{}` is not a method of HTTP", call.method))?;
    let headers = headers(&call.headers, names)?;
    let is_json = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).is_some_and(is_json);
    let arguments = call.arguments.as_ref().map(|arguments| names.fill(arguments));
    let by_query = method == Method::GET;
    let mut request = client.request(method, names.fill_to_text(&call.url));
    request = match arguments {
        None | Some(Value::Null) => request,
        Some(arguments) if by_query => request.query(&pairs(&arguments)),
        Some(arguments) if is_json => request.json(&arguments),
        Some(Value::String(text)) => request.body(text),
        Some(arguments) => request.form(&pairs(&arguments)),
    };
    // Last, so that the document's own content type counts.
    request.headers(headers).build().map_err(|error| chain(&error))
}

fn headers(written_headers: &Map<String, Value>, names: &Names) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    for (name, value) in written_headers {
        let wrong = || format!("`{name}` cannot be a header, or its value has characters that a header cannot have");
        let value = written(&names.fill(value));
        headers.insert(HeaderName::try_from(name).map_err(|_| wrong())?, HeaderValue::try_from(value).map_err(|_| wrong())?);
    }
    Ok(headers)
}

/// A list of values becomes several pairs; what is nothing is left out.
fn pairs(arguments: &Value) -> Vec<(String, String)> {
    let several = |(name, value): (&String, &Value)| -> Vec<(String, String)> {
        let values = match value {
            Value::Array(items) => items.as_slice(),
            one => std::slice::from_ref(one),
        };
        values.iter().filter(|value| !value.is_null()).map(|value| (name.clone(), written(value))).collect()
    };
    let listed = |item: &Value| Some((written(item.get(0)?), written(item.get(1)?)));
    match arguments {
        Value::Object(fields) => fields.iter().flat_map(several).collect(),
        Value::Array(items) => items.iter().filter_map(listed).collect(),
        _ => Vec::new(),
    }
}

async fn answer(mut response: Response) -> Outcome {
    let status = response.status().as_u16();
    let is_json = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).is_some_and(is_json);
    let headers = shown_headers(response.headers());
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(broken_off)? {
        body.extend_from_slice(&chunk);
        if body.len() > OUTPUT_BYTES_MAX {
            return Err(format!("the answer is larger than {OUTPUT_BYTES_MAX} bytes"));
        }
    }
    let text = String::from_utf8_lossy(&body);
    let body = match is_json {
        true => serde_json::from_str(&text).map_err(|error| format!("the answer says that it is JSON and is not: {error}"))?,
        false => Value::String(text.into_owned()),
    };
    Ok(json!({ "status": status, "headers": headers, "body": body }))
}

fn broken_off(error: reqwest::Error) -> String {
    if error.is_timeout() { TOO_LONG.to_owned() } else { format!("the answer broke off: {}", chain(&error.without_url())) }
}

fn is_json(content_type: &str) -> bool {
    let media = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    media == "application/json" || media.ends_with("+json")
}

/// Names as servers write them (`Content-Type`), as an experiment's JSONPath may ask for them.
fn shown_headers(headers: &HeaderMap) -> Map<String, Value> {
    let mut shown = Map::new();
    for name in headers.keys() {
        let values: Vec<_> = headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
        shown.insert(in_title_case(name.as_str()), Value::String(values.join(", ")));
    }
    shown
}

fn in_title_case(name: &str) -> String {
    let capital = |part: &str| part.get(..1).map(|first| first.to_uppercase() + &part[1..]).unwrap_or_default();
    name.split('-').map(capital).collect::<Vec<_>>().join("-")
}
