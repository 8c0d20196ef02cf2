//! Steps of engine ws: a WebSocket for each virtual user, opened before the first message and closed at the end
//! of the journey.

use std::time::Duration;

use documents::diagnostic::Origin;
use documents::script::{self, Answer, Engine, Template};
use http::header::{self, HeaderName};
use serde_json::{Map, Value, json};

use super::EndpointName;
use super::compile::Compiler;
use super::inspection::Inspection;
use crate::client::Address;
use crate::value::{HookRequest, Json, Text};

#[derive(Debug)]
pub(crate) enum Ws {
    Connect(Connect),
    Exchange(Exchange),
}

#[derive(Debug, Clone)]
pub(crate) struct Connect {
    pub number: usize,
    /// The target if none.
    pub url: Option<Text>,
    /// Unless the address holds a template.
    pub fixed: Option<Address>,
    /// With the subprotocols.
    pub headers: Box<[(HeaderName, Text)]>,
    /// The name of a function that changes `params`.
    pub function: Option<String>,
    /// As the function sees it; empty if there is none.
    pub params: Map<String, Value>,
}

/// A message, its answer, or both.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub number: usize,
    pub payload: Option<Payload>,
    /// None if nobody waits for a message.
    pub answer: Option<Awaited>,
}

#[derive(Debug)]
pub(crate) struct Payload {
    pub message: Json,
    pub binary: bool,
}

#[derive(Debug)]
pub(crate) struct Awaited {
    pub timeout: Duration,
    pub inspection: Inspection,
}

const SUBPROTOCOLS: &str = "sec-websocket-protocol";

/// None if it has faults, which are told.
pub(super) fn compile(compiler: &mut Compiler<'_>, written: &script::WsAction, origin: &Origin) -> Option<Ws> {
    Some(match written {
        script::WsAction::Connect(settings) => Ws::Connect(connect(compiler, settings, origin)?),
        script::WsAction::Send { payload, binary, answer } => {
            let message = compiler.take(origin, Json::parse(payload));
            let shown = answer.name.clone().unwrap_or_else(|| format!("send {}", shortened(payload)));
            let number = compiler.endpoint(name(shown, answer.name.is_some()));
            let awaited = awaited(compiler, answer);
            let answer = (!awaited.inspection.is_empty()).then_some(awaited);
            Ws::Exchange(Exchange { number, payload: Some(Payload { message: message?, binary: *binary }), answer })
        }
        script::WsAction::Wait { answer } => {
            let shown = answer.name.clone().unwrap_or_else(|| "wait".to_owned());
            let number = compiler.endpoint(name(shown, answer.name.is_some()));
            Ws::Exchange(Exchange { number, payload: None, answer: Some(awaited(compiler, answer)) })
        }
    })
}

/// The connection of a journey that does not say how it connects.
pub(super) fn usual_connect(compiler: &mut Compiler<'_>, origin: &Origin) -> Option<Ws> {
    connect(compiler, &Value::Null, origin).map(Ws::Connect)
}

/// An address, a mapping of settings that stand instead of the script's own, or `{function: NAME}`.
fn connect(compiler: &mut Compiler<'_>, settings: &Template, origin: &Origin) -> Option<Connect> {
    let address = settings.get("target").unwrap_or(settings).as_str();
    let (url, fixed) = match address {
        None => (None, Some(target(compiler, origin)?)),
        Some(text) => {
            let url = compiler.take(origin, Text::parse(text))?;
            let fixed = match url.constant() {
                Some(text) => Some(compiler.address(text, origin)?),
                None => None,
            };
            (Some(url), fixed)
        }
    };
    let subprotocols = match settings.get("subprotocols").and_then(Value::as_array) {
        Some(own) => own.iter().filter_map(|name| name.as_str().map(str::to_owned)).collect(),
        None => compiler.config.ws.subprotocols.clone(),
    };
    let own = settings.get("headers").and_then(Value::as_object);
    let written: Vec<(String, String)> = match own {
        Some(own) => own.iter().map(|(name, value)| (name.clone(), plain(value))).collect(),
        None => compiler.config.ws.headers.clone().into_iter().collect(),
    };
    let function = settings.get("function").and_then(Value::as_str).map(str::to_owned);
    compiler.functions(function.as_slice(), origin);
    let params = match &function {
        Some(_) => params(compiler, &written, &subprotocols),
        None => Map::new(),
    };
    let shown = format!("connect {}", address.or(compiler.config.target.as_deref()).unwrap_or_default());
    let number = compiler.endpoint(name(shown.trim().to_owned(), false));
    let offered = (!subprotocols.is_empty()).then(|| (SUBPROTOCOLS.to_owned(), subprotocols.join(", ")));
    let headers = compiler.headers(written.iter().chain(&offered), origin);
    Some(Connect { number, url, fixed, headers, function, params })
}

/// Nothing if it is wrong, which has been told.
fn target(compiler: &mut Compiler<'_>, origin: &Origin) -> Option<Address> {
    if compiler.target.is_none() && compiler.config.target.is_none() {
        let mend = "write `config.target`, or `connect: ws://…` as the first step".to_owned();
        compiler.error(origin, "there is nothing to connect to", Some(mend));
    }
    compiler.target.cloned()
}

/// As Artillery shows it to the function.
fn params(compiler: &Compiler<'_>, headers: &[(String, String)], subprotocols: &[String]) -> Map<String, Value> {
    let headers: Map<String, Value> = headers.iter().map(|(name, value)| (name.clone(), value.clone().into())).collect();
    let params = json!({
        "target": compiler.config.target,
        "subprotocols": subprotocols,
        "options": { "headers": headers },
    });
    match params {
        Value::Object(params) => params,
        _ => Map::new(),
    }
}

impl Connect {
    /// With what the function has made of it.
    pub fn changed(&self, seen: &HookRequest) -> Result<Self, String> {
        let mut changed = self.clone();
        if let Some(target) = seen.get("target").and_then(Value::as_str) {
            changed.url = Some(Text::parse(target).map_err(|error| error.message)?);
            changed.fixed = None;
        }
        let mut headers = Vec::new();
        let written = seen.get("options").and_then(|options| options.get("headers")).and_then(Value::as_object);
        for (name, value) in written.into_iter().flatten() {
            let key = HeaderName::try_from(name).map_err(|_| format!("`{name}` is no name of a header"))?;
            headers.push((key, Text::parse(&plain(value)).map_err(|error| error.message)?));
        }
        let offered = seen.get("subprotocols").and_then(Value::as_array).map(|names| {
            names.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ")
        });
        if let Some(offered) = offered.filter(|offered| !offered.is_empty()) {
            headers.push((header::SEC_WEBSOCKET_PROTOCOL, Text::parse(&offered).map_err(|error| error.message)?));
        }
        changed.headers = headers.into();
        Ok(changed)
    }
}

fn awaited(compiler: &mut Compiler<'_>, answer: &Answer) -> Awaited {
    let inspection = Inspection::compile(compiler, &answer.capture, &answer.matches, &answer.expect);
    Awaited { timeout: answer.timeout.unwrap_or(compiler.config.ws.timeout), inspection }
}

fn name(shown: String, named: bool) -> EndpointName {
    EndpointName { engine: Engine::Ws, shown, named }
}

/// A message's beginning, as it is written.
fn shortened(payload: &Template) -> String {
    const CHARS_MAX: usize = 60;
    let text = plain(payload);
    match text.char_indices().nth(CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
