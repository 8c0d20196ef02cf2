//! A toxic as it is written: `{name, type, stream, toxicity, attributes}`.
//!
//! Fields, defaults and units are Toxiproxy's (Shopify/toxiproxy `README.md`, `toxic_collection.go`);
//! `http_status` and `http_delay` are our own.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::http::{HttpDelay, HttpStatus};
use super::toxics::{Bandwidth, Latency, LimitData, ResetPeer, Slicer, SlowClose, Timeout};

/// One toxic of a proxy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Written")]
pub struct Toxic {
    /// Unique within its proxy; `TYPE_STREAM` if none is written.
    pub name: String,
    pub stream: Direction,
    /// The probability that it acts on a connection, 0 to 1.
    pub toxicity: f64,
    #[serde(flatten)]
    pub effect: Effect,
}

/// `upstream` is from the client to the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    Upstream,
    #[default]
    Downstream,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
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

/// What is wrong with a toxic.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ToxicError {
    #[error("invalid toxic type")]
    Type { written: String },
    #[error("stream was invalid, can be either upstream or downstream")]
    Stream { written: String },
    /// The text follows Toxiproxy's prefix.
    #[error("bad request body: {message}")]
    Attributes { message: String },
}

/// A toxic as a client sends it, with what may be left out.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Written {
    name: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    stream: Option<String>,
    toxicity: Option<f64>,
    attributes: Option<Map<String, Value>>,
}

/// What may be changed of a toxic.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Change {
    toxicity: Option<f64>,
    attributes: Option<Map<String, Value>>,
}

impl Toxic {
    /// As Toxiproxy reads it: unknown attributes are passed over.
    pub(super) fn lenient(written: Written) -> Result<Self, ToxicError> {
        let stream = match written.stream.as_deref() {
            None | Some("downstream") => Direction::Downstream,
            Some("upstream") => Direction::Upstream,
            Some(other) => return Err(ToxicError::Stream { written: other.to_owned() }),
        };
        let kind = written.kind.unwrap_or_default();
        let effect = Effect::read(&kind, written.attributes.unwrap_or_default())?;
        let name = written.name.filter(|name| !name.is_empty()).unwrap_or_else(|| format!("{kind}_{}", stream.as_str()));
        Ok(Self { name, stream, toxicity: written.toxicity.unwrap_or(1.0), effect })
    }

    /// The same toxic with some of its attributes changed.
    pub(super) fn changed(&self, change: Change) -> Result<Self, ToxicError> {
        let mut attributes = self.effect.attributes();
        attributes.extend(change.attributes.unwrap_or_default());
        let effect = Effect::read(self.effect.kind(), attributes)?;
        Ok(Self { effect, toxicity: change.toxicity.unwrap_or(self.toxicity), ..self.clone() })
    }
}

/// As a document writes it: what is not known is an error.
impl TryFrom<Written> for Toxic {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let names: Vec<String> = written.attributes.iter().flatten().map(|(name, _)| name.clone()).collect();
        let toxic = Self::lenient(written).map_err(|error| match &error {
            ToxicError::Type { written } => {
                format!("{written:?} is not a type of toxic; there are {}{}", KINDS.join(", "), did_you_mean(written, KINDS))
            }
            ToxicError::Stream { written } => format!("{error}, not {written:?}"),
            ToxicError::Attributes { message } => message.clone(),
        })?;
        let known = toxic.effect.attributes();
        let known: Vec<&str> = known.keys().map(String::as_str).collect();
        match names.iter().find(|name| !known.contains(&name.as_str())) {
            None => Ok(toxic),
            Some(name) => Err(format!("{name:?} is not an attribute of {}{}", toxic.effect.kind(), did_you_mean(name, &known))),
        }
    }
}

const KINDS: &[&str] =
    &["latency", "bandwidth", "slow_close", "timeout", "reset_peer", "slicer", "limit_data", "http_status", "http_delay"];

impl Effect {
    /// As it is written in `type`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Latency(_) => "latency",
            Self::Bandwidth(_) => "bandwidth",
            Self::SlowClose(_) => "slow_close",
            Self::Timeout(_) => "timeout",
            Self::ResetPeer(_) => "reset_peer",
            Self::Slicer(_) => "slicer",
            Self::LimitData(_) => "limit_data",
            Self::HttpStatus(_) => "http_status",
            Self::HttpDelay(_) => "http_delay",
        }
    }

    fn read(kind: &str, attributes: Map<String, Value>) -> Result<Self, ToxicError> {
        if let Some((name, value)) = attributes.iter().find(|(_, value)| value.as_f64().is_some_and(|number| number < 0.0)) {
            return Err(ToxicError::Attributes { message: format!("{name} is {value}, and cannot be negative") });
        }
        Ok(match kind {
            "latency" => Self::Latency(attributes_of(attributes)?),
            "bandwidth" => Self::Bandwidth(attributes_of(attributes)?),
            "slow_close" => Self::SlowClose(attributes_of(attributes)?),
            "timeout" => Self::Timeout(attributes_of(attributes)?),
            "reset_peer" => Self::ResetPeer(attributes_of(attributes)?),
            "slicer" => Self::Slicer(attributes_of(attributes)?),
            "limit_data" => Self::LimitData(attributes_of(attributes)?),
            "http_status" => Self::HttpStatus(attributes_of(attributes)?),
            "http_delay" => Self::HttpDelay(attributes_of(attributes)?),
            other => return Err(ToxicError::Type { written: other.to_owned() }),
        })
    }

    fn attributes(&self) -> Map<String, Value> {
        match serde_json::to_value(self) {
            Ok(Value::Object(mut fields)) => match fields.remove("attributes") {
                Some(Value::Object(attributes)) => attributes,
                _ => Map::new(),
            },
            _ => Map::new(),
        }
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

fn attributes_of<T: DeserializeOwned>(attributes: Map<String, Value>) -> Result<T, ToxicError> {
    serde_json::from_value(Value::Object(attributes)).map_err(|error| ToxicError::Attributes { message: error.to_string() })
}

fn did_you_mean(written: &str, known: &[&str]) -> String {
    let closest = known.iter().max_by(|a, b| strsim::jaro_winkler(a, written).total_cmp(&strsim::jaro_winkler(b, written)));
    closest.filter(|known| strsim::jaro_winkler(known, written) > 0.8).map_or_else(String::new, |known| format!("; did you mean {known}?"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn written(value: Value) -> Result<Toxic, String> {
        serde_json::from_value(value).map_err(|error: serde_json::Error| error.to_string())
    }

    #[test]
    fn what_is_left_out_is_toxiproxys_default() {
        let toxic = written(json!({"type": "latency", "attributes": {"latency": 100}})).unwrap();
        let shown = serde_json::to_value(&toxic).unwrap();
        assert_eq!(
            shown,
            json!({"name": "latency_downstream", "stream": "downstream", "toxicity": 1.0, "type": "latency", "attributes": {"latency": 100, "jitter": 0}})
        );
    }

    #[test]
    fn a_document_is_told_what_it_misspelt() {
        let wrong = written(json!({"type": "latencey"})).unwrap_err();
        assert!(wrong.ends_with("did you mean latency?"), "{wrong}");
        let wrong = written(json!({"type": "latency", "attributes": {"jiter": 1}})).unwrap_err();
        assert_eq!(wrong, "\"jiter\" is not an attribute of latency; did you mean jitter?");
        let wrong = written(json!({"type": "latency", "attributes": {"latency": -1}})).unwrap_err();
        assert_eq!(wrong, "latency is -1, and cannot be negative");
    }

    #[test]
    fn a_change_keeps_what_it_does_not_name() {
        let toxic = written(json!({"type": "latency", "toxicity": 0.5, "attributes": {"latency": 100, "jitter": 10}})).unwrap();
        let change = serde_json::from_value(json!({"attributes": {"latency": 20}})).unwrap();
        let changed = toxic.changed(change).unwrap();
        assert_eq!(changed.effect, Effect::Latency(Latency { latency: 20, jitter: 10 }));
        assert_eq!(changed.toxicity, 0.5);
    }
}
