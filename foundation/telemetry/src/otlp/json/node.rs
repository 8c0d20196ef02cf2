//! A place in a JSON document, which reads typed fields and names itself in errors.

use std::fmt;

use base64::Engine;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::{Map, Value};

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {message}")]
pub struct JsonError {
    /// `resourceSpans[0].scopeSpans[2].spans[0].traceId`, or `the body`.
    pub place: String,
    pub message: String,
}

impl JsonError {
    pub(super) fn syntax(error: serde_json::Error) -> Self {
        Self { place: "the body".to_owned(), message: format!("not valid JSON: {error}") }
    }
}

pub(super) struct Node<'a> {
    value: &'a Value,
    step: Step<'a>,
    parent: Option<&'a Node<'a>>,
}

#[derive(Clone, Copy)]
enum Step<'a> {
    Root,
    Key(&'a str),
    Index(usize),
}

impl<'a> Node<'a> {
    pub fn root(value: &'a Value) -> Self {
        Self { value, step: Step::Root, parent: None }
    }

    /// The field, unless it is absent or null.
    pub fn get<'b>(&'b self, key: &'b str) -> Result<Option<Node<'b>>, JsonError> {
        let value = self.object()?.get(key).filter(|value| !value.is_null());
        Ok(value.map(|value| Node { value, step: Step::Key(key), parent: Some(self) }))
    }

    pub fn message<T>(&self, key: &str, read: impl FnOnce(&Node) -> Result<T, JsonError>) -> Result<Option<T>, JsonError> {
        self.get(key)?.map(|node| node.object().and_then(|_| read(&node))).transpose()
    }

    pub fn list<T>(&self, key: &str, read: impl Fn(&Node) -> Result<T, JsonError>) -> Result<Vec<T>, JsonError> {
        let Some(node) = self.get(key)? else { return Ok(Vec::new()) };
        let Value::Array(values) = node.value else { return Err(node.wants("a list")) };
        let item = |(i, value)| read(&Node { value, step: Step::Index(i), parent: Some(&node) });
        values.iter().enumerate().map(item).collect()
    }

    pub fn string(&self, key: &str) -> Result<String, JsonError> {
        Ok(self.get(key)?.map(|node| node.as_string()).transpose()?.unwrap_or_default())
    }

    pub fn bool(&self, key: &str) -> Result<bool, JsonError> {
        Ok(self.get(key)?.map(|node| node.as_bool()).transpose()?.unwrap_or_default())
    }

    pub fn u64(&self, key: &str) -> Result<u64, JsonError> {
        Ok(self.get(key)?.map(|node| node.as_u64()).transpose()?.unwrap_or_default())
    }

    pub fn u32(&self, key: &str) -> Result<u32, JsonError> {
        let Some(node) = self.get(key)? else { return Ok(0) };
        u32::try_from(node.as_u64()?).map_err(|_| node.wants("an integer from 0 to 4294967295"))
    }

    /// Also an enum, whose values are integers in OTLP/JSON.
    pub fn i32(&self, key: &str) -> Result<i32, JsonError> {
        let Some(node) = self.get(key)? else { return Ok(0) };
        i32::try_from(node.as_i64()?).map_err(|_| node.wants("a 32-bit integer"))
    }

    pub fn f64(&self, key: &str) -> Result<f64, JsonError> {
        Ok(self.optional_f64(key)?.unwrap_or_default())
    }

    pub fn optional_f64(&self, key: &str) -> Result<Option<f64>, JsonError> {
        self.get(key)?.map(|node| node.as_f64()).transpose()
    }

    /// The bytes of an id, in hex as OTLP/JSON has it.
    pub fn hex(&self, key: &str) -> Result<Vec<u8>, JsonError> {
        let Some(node) = self.get(key)? else { return Ok(Vec::new()) };
        let wanted = "hex digits, as OTLP/JSON writes trace and span ids (not Base64)";
        let digits = node.text().ok_or_else(|| node.wants(wanted))?.as_bytes();
        let (pairs, rest) = digits.as_chunks::<2>();
        let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
        let bytes = pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect::<Option<Vec<u8>>>();
        bytes.filter(|_| rest.is_empty()).ok_or_else(|| node.wants(wanted))
    }

    pub fn as_string(&self) -> Result<String, JsonError> {
        self.text().map(str::to_owned).ok_or_else(|| self.wants("a string"))
    }

    pub fn as_bool(&self) -> Result<bool, JsonError> {
        self.value.as_bool().ok_or_else(|| self.wants("true or false"))
    }

    pub fn as_u64(&self) -> Result<u64, JsonError> {
        let whole = |double: f64| (double.fract() == 0.0 && (0.0..=MAX_EXACT).contains(&double)).then_some(double as u64);
        let number = match self.value {
            Value::String(text) => text.parse().ok().or_else(|| whole(text.parse().ok()?)),
            value => value.as_u64().or_else(|| whole(value.as_f64()?)),
        };
        number.ok_or_else(|| self.wants("an integer of at most 64 bits that is not negative, as a number or a string"))
    }

    pub fn as_i64(&self) -> Result<i64, JsonError> {
        let whole = |double: f64| (double.fract() == 0.0 && double.abs() <= MAX_EXACT).then_some(double as i64);
        let number = match self.value {
            Value::String(text) => text.parse().ok().or_else(|| whole(text.parse().ok()?)),
            value => value.as_i64().or_else(|| whole(value.as_f64()?)),
        };
        number.ok_or_else(|| self.wants("an integer of at most 64 bits, as a number or a string"))
    }

    pub fn as_f64(&self) -> Result<f64, JsonError> {
        let number = match self.value {
            Value::String(text) => match text.as_str() {
                "NaN" => Some(f64::NAN),
                "Infinity" => Some(f64::INFINITY),
                "-Infinity" => Some(f64::NEG_INFINITY),
                digits => digits.parse().ok().filter(|double: &f64| double.is_finite()),
            },
            value => value.as_f64(),
        };
        number.ok_or_else(|| self.wants("a number, \"NaN\", \"Infinity\" or \"-Infinity\""))
    }

    /// Standard or URL-safe alphabet, padded or not, as ProtoJSON accepts.
    pub fn as_base64(&self) -> Result<Vec<u8>, JsonError> {
        let lenient = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
        let decode = |text: &str| {
            let url_safe = text.contains(['-', '_']);
            GeneralPurpose::new(if url_safe { &URL_SAFE } else { &STANDARD }, lenient).decode(text).ok()
        };
        self.text().and_then(decode).ok_or_else(|| self.wants("bytes in Base64"))
    }

    fn text(&self) -> Option<&'a str> {
        self.value.as_str()
    }

    fn object(&self) -> Result<&'a Map<String, Value>, JsonError> {
        self.value.as_object().ok_or_else(|| self.wants("an object"))
    }

    fn wants(&self, what: &str) -> JsonError {
        JsonError { place: self.to_string(), message: format!("must be {what}") }
    }
}

/// Up to here each whole number has its own double.
const MAX_EXACT: f64 = (1_u64 << 53) as f64;

impl fmt::Display for Node<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let below_root = self.parent.is_some_and(|parent| parent.parent.is_some());
        if let Some(parent) = self.parent.filter(|_| below_root) {
            write!(f, "{parent}")?;
        }
        match self.step {
            Step::Root => f.write_str("the body"),
            Step::Key(key) if below_root => write!(f, ".{key}"),
            Step::Key(key) => f.write_str(key),
            Step::Index(i) => write!(f, "[{i}]"),
        }
    }
}
