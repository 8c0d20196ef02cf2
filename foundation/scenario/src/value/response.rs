//! One answer, of whatever protocol.

use std::borrow::Cow;
use std::sync::OnceLock;

use bytes::Bytes;
use http::HeaderMap;
use serde_json::Value;

/// A WebSocket message or a gRPC answer has status 0 and no headers.
#[derive(Debug, Default)]
pub struct Response {
    pub status: u16,
    pub headers: HeaderMap,
    /// Decompressed.
    pub body: Bytes,
    /// Where it came from, after redirects.
    pub url: String,
    json: OnceLock<Result<Value, String>>,
}

/// The body is not what a selector needs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the body is no JSON ({reason}); it begins: {beginning}")]
pub struct ResponseError {
    pub reason: String,
    pub beginning: String,
}

impl Response {
    pub fn new(status: u16, headers: HeaderMap, body: Bytes, url: String) -> Self {
        Self { status, headers, body, url, json: OnceLock::new() }
    }

    /// The body as JSON, parsed when first asked for.
    pub fn json(&self) -> Result<&Value, ResponseError> {
        let parsed = self.json.get_or_init(|| serde_json::from_slice(&self.body).map_err(|error| error.to_string()));
        parsed.as_ref().map_err(|reason| ResponseError { reason: reason.clone(), beginning: self.beginning() })
    }

    /// The body as text; what is no UTF-8 becomes U+FFFD.
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
    }

    /// The first header of this name, if it is text. Names are alike in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// As much of the body as a message can hold.
    pub fn beginning(&self) -> String {
        let part = &self.body[..self.body.len().min(BEGINNING_BYTES_MAX)];
        let text = String::from_utf8_lossy(part).trim().to_owned();
        if text.is_empty() {
            "(empty)".to_owned()
        } else if part.len() < self.body.len() {
            format!("{text} …")
        } else {
            text
        }
    }
}

const BEGINNING_BYTES_MAX: usize = 200;
