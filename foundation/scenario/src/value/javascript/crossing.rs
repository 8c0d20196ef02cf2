//! Values on their way into the interpreter and back, as JSON texts.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Called, Emitted, Hook, HookError, HookRequest};
use crate::value::response::Response;
use crate::value::scope::{Base, Scope};

/// The arguments of `begin` in `calls.js`.
pub(super) struct Texts {
    pub(super) kind: u32,
    pub(super) own: String,
    pub(super) kept: String,
    pub(super) params: String,
    pub(super) response: String,
}

impl Texts {
    pub(super) fn of(hook: &Hook<'_>, scope: &Scope) -> Self {
        let (kind, params, response) = match hook {
            Hook::BeforeRequest(request) => (0, text(&request.params), String::new()),
            Hook::AfterResponse(request, response) => (1, text(&request.params), response_text(response)),
            Hook::Step => (2, String::new(), String::new()),
            Hook::WhileTrue => (3, String::new(), String::new()),
            Hook::IfTrue => (4, String::new(), String::new()),
            Hook::OnError(request, error) => (5, text(&request.params), (*error).to_owned()),
            Hook::Connect(request) => (6, text(&request.params), String::new()),
        };
        Self { kind, own: own_text(scope), kept: scope.kept().map_or(String::new(), text), params, response }
    }
}

fn text(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// What a virtual user has of its own, as `{"plain": {…}, "lists": {…}, "long": {…}, "scenario": "…"}`. Long lists
/// and objects are texts within the text: most calls never look at them. Of two with one name, the later counts.
fn own_text(scope: &Scope) -> String {
    let mut plain = Fields::named("{\"plain\":{");
    let mut lists = Fields::named("},\"lists\":{");
    let mut long = Fields::named("},\"long\":{");
    plain.add("$uuid", &scope.uuid());
    for (name, value) in scope.personal() {
        if value.is_array() || value.is_object() {
            let written = value.to_string();
            if written.len() > LIST_BYTES_MAX { long.add(name, &written) } else { lists.write(name, &written) }
        } else {
            plain.add(name, value);
        }
    }
    let mut own = plain.text + &lists.text + &long.text + "}";
    if let Some(scenario) = scope.journey() {
        own += ",\"scenario\":";
        own += &text(&scenario);
    }
    own + "}"
}

/// An object's fields as they are written.
struct Fields {
    text: String,
    first: bool,
}

impl Fields {
    fn named(opening: &str) -> Self {
        let mut text = String::with_capacity(512);
        text.push_str(opening);
        Self { text, first: true }
    }

    fn add(&mut self, name: &str, value: &(impl Serialize + ?Sized)) {
        let written = serde_json::to_string(value).unwrap_or_default();
        self.write(name, &written);
    }

    fn write(&mut self, name: &str, written: &str) {
        if !std::mem::take(&mut self.first) {
            self.text.push(',');
        }
        self.text += &text(&name);
        self.text.push(':');
        self.text += written;
    }
}

/// Longer ones are read by JavaScript only when they are asked for.
const LIST_BYTES_MAX: usize = 2_048;

/// What all users share: the plain values, and the names of lists and objects.
pub(super) fn base_texts(base: &Base) -> (String, String) {
    let mut plain = Map::new();
    let mut lists = Vec::new();
    for (name, value) in base.all() {
        if value.is_array() || value.is_object() {
            lists.push(name);
        } else {
            plain.insert(name.to_owned(), value.clone());
        }
    }
    (text(&plain), text(&lists))
}

fn response_text(response: &Response) -> String {
    let mut headers = Map::new();
    for name in response.headers.keys() {
        let mut values: Vec<_> =
            response.headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
        // As Node has it: cookies are a list, other headers of one name are joined.
        let value = match values.len() {
            _ if *name == http::header::SET_COOKIE => values.iter().map(|value| Value::from(&**value)).collect(),
            1 => Value::from(values.swap_remove(0)),
            _ => Value::from(values.join(", ")),
        };
        headers.insert(name.as_str().to_owned(), value);
    }
    text(&serde_json::json!({ "statusCode": response.status, "headers": headers, "url": response.url }))
}

/// What a call left behind, as `collect` in `calls.js` tells it.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Left {
    error: Option<String>,
    set: Map<String, Value>,
    removed: Vec<String>,
    params: Option<Map<String, Value>>,
    kept: Option<Map<String, Value>>,
    emitted: Vec<(String, String, f64)>,
    answer: bool,
}

pub(super) fn take_up(
    name: &str,
    told: &str,
    printed: Vec<String>,
    hook: &mut Hook<'_>,
    scope: &mut Scope,
) -> Result<Called, HookError> {
    if told.is_empty() {
        return Ok(Called { printed, ..Called::default() });
    }
    let threw = |message: String| HookError::Threw { name: name.to_owned(), message };
    let left: Left = serde_json::from_str(told).map_err(|error| threw(format!("left what is no JSON: {error}")))?;
    if let Some(message) = left.error {
        return Err(threw(message));
    }
    for (name, value) in left.set {
        scope.set_whole(&name, value);
    }
    for name in left.removed {
        scope.remove(&name);
    }
    if let Some(kept) = left.kept {
        scope.keep(kept);
    }
    if let (Some(params), Some(request)) = (left.params, hook.request()) {
        request.take_up(params);
    }
    let emitted = left.emitted.into_iter().map(|(kind, name, value)| match kind.as_str() {
        "counter" => Emitted::Counter { name, value },
        "rate" => Emitted::Rate { name },
        _ => Emitted::Histogram { name, value },
    });
    Ok(Called { answer: left.answer, emitted: emitted.collect(), printed })
}

impl Hook<'_> {
    fn request(&mut self) -> Option<&mut HookRequest> {
        match self {
            Self::BeforeRequest(request)
            | Self::AfterResponse(request, _)
            | Self::OnError(request, _)
            | Self::Connect(request) => Some(request),
            Self::Step | Self::WhileTrue | Self::IfTrue => None,
        }
    }
}

impl HookRequest {
    fn take_up(&mut self, params: Map<String, Value>) {
        let old = std::mem::replace(&mut self.params, params);
        let differs = |key: &&String| old.get(*key) != self.params.get(*key);
        let mut changed: Vec<String> = self.params.keys().chain(old.keys()).filter(differs).cloned().collect();
        if changed.iter().any(|key| key == "body") {
            self.bytes = self.params.get("body").and_then(buffer);
        }
        self.changed.append(&mut changed);
        self.changed.sort_unstable();
        self.changed.dedup();
    }
}

/// As a `Buffer` writes itself: `{"type": "Buffer", "data": [1, 2]}`.
fn buffer(value: &Value) -> Option<bytes::Bytes> {
    if value.get("type")? != "Buffer" {
        return None;
    }
    value.get("data")?.as_array()?.iter().map(|byte| byte.as_u64().and_then(|byte| u8::try_from(byte).ok())).collect()
}
