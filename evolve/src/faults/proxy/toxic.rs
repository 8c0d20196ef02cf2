//! A toxic: what it does, in which direction, to how many of the connections.
//!
//! Fields, defaults and units are Toxiproxy's (Shopify/toxiproxy `README.md`, `toxics/`); `http_status` and
//! `http_delay` are our own.

use serde::{Deserialize, Serialize};

/// One toxic of a proxy: `{name, type, stream, toxicity, attributes}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Written")]
pub struct Toxic {
    pub name: String,
    pub stream: Direction,
    /// The probability that it acts on a connection, 0 to 1.
    pub toxicity: f32,
    #[serde(flatten)]
    pub effect: Effect,
}

/// `upstream` is from the client to the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    Upstream,
    #[default]
    Downstream,
}

/// Times in milliseconds where the name does not say otherwise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "attributes", rename_all = "snake_case")]
pub enum Effect {
    Latency(Latency),
    Bandwidth(Bandwidth),
    SlowClose(SlowClose),
    Timeout(Timeout),
    ResetPeer(ResetPeer),
    Slicer(Slicer),
    LimitData(LimitData),
    HttpStatus(HttpStatus),
    HttpDelay(HttpDelay),
}

/// Delays all data by `latency` ± `jitter`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Latency {
    pub latency: i64,
    pub jitter: i64,
}

/// Lets `rate` kilobytes through in a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Bandwidth {
    pub rate: i64,
}

/// Keeps the connection open for `delay` after its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SlowClose {
    pub delay: i64,
}

/// Drops all data, and closes the connection after `timeout`; 0 never closes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Timeout {
    pub timeout: i64,
}

/// Resets the connection `timeout` after the first data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ResetPeer {
    pub timeout: i64,
}

/// Cuts data into pieces of `average_size` ± `size_variation` bytes, each `delay` microseconds after the
/// one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Slicer {
    pub average_size: i64,
    pub size_variation: i64,
    pub delay: i64,
}

/// Closes the connection after `bytes`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct LimitData {
    pub bytes: i64,
}

/// Answers HTTP requests on a route with `status` instead of asking the server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HttpStatus {
    pub status: u16,
    #[serde(flatten)]
    pub route: Route,
}

/// Delays HTTP requests on a route by `delay` ± `jitter`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HttpDelay {
    pub delay: i64,
    #[serde(default)]
    pub jitter: i64,
    #[serde(flatten)]
    pub route: Route,
}

/// Which requests are meant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Route {
    /// As `GET`; empty is every method.
    #[serde(default)]
    pub method: String,
    /// As `/orders`; a `*` at the end stands for any rest. Empty is every path.
    #[serde(default)]
    pub path: String,
    /// Of each matching request, 0 to 1.
    #[serde(default = "always")]
    pub probability: f64,
}

/// As it comes in, with what may be left out.
#[derive(Debug, Deserialize)]
struct Written {
    #[serde(default)]
    name: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    stream: Direction,
    toxicity: Option<f32>,
    #[serde(default)]
    attributes: serde_json::Map<String, serde_json::Value>,
}

impl TryFrom<Written> for Toxic {
    type Error = serde_json::Error;

    fn try_from(written: Written) -> Result<Self, Self::Error> {
        let effect = serde_json::json!({"type": written.kind, "attributes": written.attributes});
        let effect: Effect = serde_json::from_value(effect)?;
        let stream = written.stream;
        let name = if written.name.is_empty() { format!("{}_{}", written.kind, stream.as_str()) } else { written.name };
        Ok(Self { name, stream, toxicity: written.toxicity.unwrap_or(1.0), effect })
    }
}

impl Direction {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Upstream => "upstream",
            Self::Downstream => "downstream",
        }
    }
}

fn always() -> f64 {
    1.0
}
