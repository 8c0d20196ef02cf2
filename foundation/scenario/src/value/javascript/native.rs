//! What JavaScript can ask of its host.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use base64::Engine;
use bytes::Bytes;
use parking_lot::Mutex;
use md5::Digest;
use rquickjs::{CatchResultExt, CaughtError, Ctx, Exception, Function, Object, TypedArray, Value};
use serde_json::json;
use url::quirks;

use super::crossing;
use super::interpreter::Fault;
use super::modules::Folders;
use crate::value::scope::{Base, uuid_text};

/// The name of our own functions among JavaScript's globals.
pub(super) const OWN: &str = "__mainstay";

pub(super) struct Host {
    pub(super) folders: Folders,
    began: Instant,
    printed: Mutex<Vec<String>>,
    /// Of the answers that calls under way look at.
    bodies: Mutex<HashMap<u64, Bytes>>,
    /// A base's place in this list is its key.
    bases: Mutex<Vec<Arc<Base>>>,
}

/// What all virtual users share, as the interpreter knows it.
pub(super) struct Met {
    pub(super) key: u32,
    /// Present if the interpreter does not know it yet.
    pub(super) new: Option<Unmet>,
}

pub(super) struct Unmet {
    pub(super) key: u32,
    /// Whether what the interpreter knew before is void.
    pub(super) first: bool,
    base: Arc<Base>,
}

impl Unmet {
    pub(super) fn texts(&self) -> (String, String) {
        crossing::base_texts(&self.base)
    }
}

impl Host {
    pub(super) fn new(folders: Folders) -> Self {
        Self {
            folders,
            began: Instant::now(),
            printed: Mutex::default(),
            bodies: Mutex::default(),
            bases: Mutex::default(),
        }
    }

    pub(super) fn take_printed(&self) -> Vec<String> {
        std::mem::take(&mut *self.printed.lock())
    }

    pub(super) fn keep_body(&self, call: u64, body: Bytes) {
        self.bodies.lock().insert(call, body);
    }

    pub(super) fn forget_body(&self, call: u64) {
        self.bodies.lock().remove(&call);
    }

    pub(super) fn meet(&self, base: &Arc<Base>) -> Met {
        let mut bases = self.bases.lock();
        if let Some(key) = bases.iter().position(|known| Arc::ptr_eq(known, base)) {
            return Met { key: key as u32, new: None };
        }
        if bases.len() >= BASES_MAX {
            bases.clear();
        }
        bases.push(base.clone());
        let key = (bases.len() - 1) as u32;
        Met { key, new: Some(Unmet { key, first: key == 0, base: base.clone() }) }
    }

    fn shared(&self, key: u32, name: &str) -> String {
        let base = self.bases.lock().get(key as usize).cloned();
        base.and_then(|base| base.raw(name).map(ToString::to_string)).unwrap_or_else(|| "null".to_owned())
    }

    fn print(&self, line: String) {
        let mut printed = self.printed.lock();
        if printed.len() < LINES_MAX {
            printed.push(line.chars().take(LINE_CHARACTERS_MAX).collect());
        }
    }
}

/// Makes the functions for JavaScript, and runs our own scripts, which make Node's shapes of them.
pub(super) fn install(ctx: &Ctx<'_>, host: &Arc<Host>) -> Result<(), Fault> {
    let build = || {
        let offered = offer(ctx, host)?;
        let calls: Object<'_> = script(ctx, "calls", include_str!("runtime/calls.js"))?.call((offered.clone(),))?;
        let bytes: Object<'_> = script(ctx, "bytes", include_str!("runtime/bytes.js"))?.call((offered.clone(),))?;
        let modules = script(ctx, "modules", include_str!("runtime/modules.js"))?;
        let modules: Object<'_> = modules.call((offered, calls.clone(), bytes))?;
        for name in ["load", "guard", "known", "bridge"] {
            calls.set(name, modules.get::<_, Value<'_>>(name)?)?;
        }
        let globals = ctx.globals();
        let constructor: Object<'_> = globals.get("Object")?;
        constructor.get::<_, Function<'_>>("freeze")?.call::<_, ()>((calls.clone(),))?;
        let fixed = Object::new(ctx.clone())?;
        fixed.set("value", calls)?;
        constructor.get::<_, Function<'_>>("defineProperty")?.call::<_, ()>((globals, OWN, fixed))
    };
    build().catch(ctx).map_err(Fault::from)
}

fn script<'js>(ctx: &Ctx<'js>, name: &str, source: &str) -> rquickjs::Result<Function<'js>> {
    let mut options = rquickjs::context::EvalOptions::default();
    options.filename = Some(format!("mainstay:{name}"));
    ctx.eval_with_options(source, options)
}

fn offer<'js>(ctx: &Ctx<'js>, host: &Arc<Host>) -> rquickjs::Result<Object<'js>> {
    let offered = Object::new(ctx.clone())?;
    let environment: serde_json::Map<_, _> = std::env::vars_os()
        .map(|(name, value)| (name.to_string_lossy().into_owned(), json!(value.to_string_lossy())))
        .collect();
    offered.set("environment", serde_json::Value::Object(environment).to_string())?;
    offered.set("folder", host.folders.start())?;
    let function = |name: &str, function: Function<'js>| offered.set(name, function);
    let seen = host.clone();
    function("now", Function::new(ctx.clone(), move || seen.began.elapsed().as_secs_f64() * 1_000.0)?)?;
    let seen = host.clone();
    function("print", Function::new(ctx.clone(), move |line: String| seen.print(line))?)?;
    let seen = host.clone();
    function("shared", Function::new(ctx.clone(), move |key: u32, name: String| seen.shared(key, &name))?)?;
    let seen = host.clone();
    let body = move |call: u64| {
        let body = seen.bodies.lock().get(&call).cloned().unwrap_or_default();
        String::from_utf8_lossy(&body).into_owned()
    };
    function("body", Function::new(ctx.clone(), body)?)?;
    function("uuid", Function::new(ctx.clone(), || uuid_text(fastrand::u128(..)))?)?;
    function("random", Function::new(ctx.clone(), random)?)?;
    function("digest", Function::new(ctx.clone(), digest)?)?;
    function("hmac", Function::new(ctx.clone(), hmac)?)?;
    function("bytes", Function::new(ctx.clone(), to_bytes)?)?;
    function("text", Function::new(ctx.clone(), to_text)?)?;
    function("url", Function::new(ctx.clone(), url_text)?)?;
    function("urlWith", Function::new(ctx.clone(), url_with)?)?;
    host.folders.offer(ctx, &offered)?;
    Ok(offered)
}

type Array<'js> = TypedArray<'js, u8>;

/// Bytes come as texts of as many characters, each below 256: JavaScript's memory cannot be looked at safely.
fn unpacked(text: &str) -> Vec<u8> {
    text.chars().map(|letter| letter as u32 as u8).collect()
}

fn random<'js>(ctx: Ctx<'js>, count: u32) -> rquickjs::Result<Array<'js>> {
    if count > RANDOM_BYTES_MAX {
        return Err(Exception::throw_range(&ctx, &format!("at most {RANDOM_BYTES_MAX} random bytes at once")));
    }
    let mut bytes = vec![0; count as usize];
    let filled = ring::rand::SecureRandom::fill(&ring::rand::SystemRandom::new(), &mut bytes);
    filled.map_err(|_| Exception::throw_message(&ctx, "the system gives no random bytes"))?;
    Array::new(ctx, bytes)
}

fn digest<'js>(ctx: Ctx<'js>, name: String, packed: String) -> rquickjs::Result<Array<'js>> {
    let data = unpacked(&packed);
    let with = |algorithm| ring::digest::digest(algorithm, &data).as_ref().to_vec();
    let digest = match name.to_lowercase().replace('-', "").as_str() {
        "md5" => md5::Md5::digest(&data).to_vec(),
        "sha1" => with(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY),
        "sha256" => with(&ring::digest::SHA256),
        "sha384" => with(&ring::digest::SHA384),
        "sha512" => with(&ring::digest::SHA512),
        _ => return Err(Exception::throw_message(&ctx, &format!("the hash `{name}` is not available: {HASHES}, md5"))),
    };
    Array::new(ctx, digest)
}

fn hmac<'js>(ctx: Ctx<'js>, name: String, key: String, packed: String) -> rquickjs::Result<Array<'js>> {
    let algorithm = match name.to_lowercase().replace('-', "").as_str() {
        "sha1" => ring::hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
        "sha256" => ring::hmac::HMAC_SHA256,
        "sha384" => ring::hmac::HMAC_SHA384,
        "sha512" => ring::hmac::HMAC_SHA512,
        _ => return Err(Exception::throw_message(&ctx, &format!("HMAC with `{name}` is not available: {HASHES}"))),
    };
    let key = ring::hmac::Key::new(algorithm, &unpacked(&key));
    Array::new(ctx, ring::hmac::sign(&key, &unpacked(&packed)).as_ref().to_vec())
}

fn to_bytes<'js>(ctx: Ctx<'js>, text: String, encoding: String) -> rquickjs::Result<Array<'js>> {
    let bytes = match encoding.to_lowercase().as_str() {
        "utf8" | "utf-8" => text.into_bytes(),
        "hex" => text.as_bytes().chunks_exact(2).map_while(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect(),
        "base64" | "base64url" => {
            let plain: String = text.chars().filter(|letter| !letter.is_whitespace() && *letter != '=').collect();
            let plain = plain.replace('-', "+").replace('_', "/");
            base64::engine::general_purpose::STANDARD_NO_PAD.decode(plain).unwrap_or_default()
        }
        "latin1" | "binary" | "ascii" => text.chars().map(|letter| letter as u32 as u8).collect(),
        "utf16le" | "ucs2" => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        _ => return Err(Exception::throw_message(&ctx, &format!("there is no encoding `{encoding}`"))),
    };
    Array::new(ctx, bytes)
}

fn to_text(ctx: Ctx<'_>, packed: String, encoding: String) -> rquickjs::Result<String> {
    let bytes = unpacked(&packed);
    let bytes = bytes.as_slice();
    Ok(match encoding.to_lowercase().as_str() {
        "utf8" | "utf-8" => String::from_utf8_lossy(bytes).into_owned(),
        "hex" => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
        "base64" => base64::engine::general_purpose::STANDARD.encode(bytes),
        "base64url" => base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes),
        "latin1" | "binary" => bytes.iter().map(|byte| char::from(*byte)).collect(),
        "ascii" => bytes.iter().map(|byte| char::from(byte & 0x7f)).collect(),
        "utf16le" | "ucs2" => {
            let units: Vec<u16> = bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
            String::from_utf16_lossy(&units)
        }
        _ => return Err(Exception::throw_message(&ctx, &format!("there is no encoding `{encoding}`"))),
    })
}

fn url_text(ctx: Ctx<'_>, address: String, base: String) -> rquickjs::Result<String> {
    let base = (!base.is_empty()).then(|| url::Url::parse(&base)).transpose();
    let parsed = base.and_then(|base| url::Url::options().base_url(base.as_ref()).parse(&address));
    parsed.map(|url| url_parts(&url)).map_err(|_| Exception::throw_type(&ctx, &format!("Invalid URL: {address}")))
}

fn url_with(ctx: Ctx<'_>, address: String, part: String, value: String) -> rquickjs::Result<String> {
    let mut url = url::Url::parse(&address).map_err(|error| Exception::throw_type(&ctx, &error.to_string()))?;
    // What a part cannot be, it does not become, as in a browser.
    match part.as_str() {
        "href" => url = url::Url::parse(&value).map_err(|error| Exception::throw_type(&ctx, &error.to_string()))?,
        "protocol" => drop(quirks::set_protocol(&mut url, &value)),
        "username" => drop(quirks::set_username(&mut url, &value)),
        "password" => drop(quirks::set_password(&mut url, &value)),
        "host" => drop(quirks::set_host(&mut url, &value)),
        "hostname" => drop(quirks::set_hostname(&mut url, &value)),
        "port" => drop(quirks::set_port(&mut url, &value)),
        "pathname" => quirks::set_pathname(&mut url, &value),
        "search" => quirks::set_search(&mut url, &value),
        _ => quirks::set_hash(&mut url, &value),
    }
    Ok(url_parts(&url))
}

fn url_parts(url: &url::Url) -> String {
    json!({
        "href": quirks::href(url), "origin": quirks::origin(url), "protocol": quirks::protocol(url),
        "username": quirks::username(url), "password": quirks::password(url), "host": quirks::host(url),
        "hostname": quirks::hostname(url), "port": quirks::port(url), "pathname": quirks::pathname(url),
        "search": quirks::search(url), "hash": quirks::hash(url),
    })
    .to_string()
}

/// What was thrown, with the place in the script.
pub(super) fn describe(error: &CaughtError<'_>) -> String {
    match error {
        CaughtError::Exception(exception) => {
            let message = exception.message().unwrap_or_default();
            let name: String = exception.as_object().get("name").unwrap_or_default();
            let stack = exception.stack().unwrap_or_default();
            let named = if name.is_empty() || name == "Error" { message } else { format!("{name}: {message}") };
            match stack.lines().filter_map(place).find(|place| !place.starts_with("mainstay:")) {
                Some(place) => format!("{named} ({place})"),
                None => named,
            }
        }
        CaughtError::Value(value) => match value.as_string().and_then(|text| text.to_string().ok()) {
            Some(text) => text,
            None => format!("threw a {}", value.type_name()),
        },
        CaughtError::Error(error) => error.to_string(),
    }
}

/// `at name (file:line:column)`
fn place(line: &str) -> Option<&str> {
    let line = line.trim().strip_prefix("at ")?;
    let place = line.rsplit_once('(').map_or(line, |(_, place)| place).trim_end_matches(')');
    place.contains(':').then_some(place)
}

const BASES_MAX: usize = 32;
const LINES_MAX: usize = 1_000;
const LINE_CHARACTERS_MAX: usize = 10_000;
const RANDOM_BYTES_MAX: u32 = 1 << 20;
const HASHES: &str = "sha1, sha256, sha384, sha512";
