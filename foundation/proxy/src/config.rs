//! Settings, as they are written. Durations read as `500ms`, `15s`, `5m`.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::error::ProxyError;
use crate::shares::Shares;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Config {
    pub listen: SocketAddr,
    /// By name; each with the addresses that serve it, as `http://HOST:PORT`.
    pub versions: BTreeMap<String, Vec<String>>,
    /// With which a proxy begins that has no state file yet. Needed with more than one version.
    #[serde(default)]
    pub shares: Option<Shares>,
    /// Where the shares outlive the process.
    #[serde(default)]
    pub state: Option<PathBuf>,
    #[serde(default)]
    pub control: Option<Control>,
    #[serde(default)]
    pub telemetry: Telemetry,
    #[serde(default)]
    pub tls: Option<Tls>,
    #[serde(default)]
    pub sticky: Option<Sticky>,
    #[serde(default)]
    pub health: Option<HealthCheck>,
    #[serde(default)]
    pub passive: Passive,
    #[serde(default)]
    pub forwarded: Forwarded,
    #[serde(default)]
    pub limits: Limits,
    #[serde(default)]
    pub timeouts: Timeouts,
    /// Threads; as many as the machine has cores if unset.
    #[serde(default)]
    pub workers: Option<usize>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Control {
    pub listen: SocketAddr,
    /// Asked for as `Authorization: Bearer TOKEN`. Without it only a loopback address is accepted.
    #[serde(default, skip_serializing)]
    pub token: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Tls {
    /// PEM, the server's own certificate first.
    pub certificate: PathBuf,
    pub key: PathBuf,
}

/// What becomes of the counters, for whoever runs the proxy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Telemetry {
    /// `service.name`. Not that of the service behind it, or each request would count twice.
    pub service: String,
    /// How often they are sent.
    #[serde(with = "text")]
    pub every: Duration,
}

impl Default for Telemetry {
    fn default() -> Self {
        Self { service: "proxy".to_owned(), every: Duration::from_secs(5) }
    }
}

/// Who is one user. Requests that do not say are shared at random.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum Sticky {
    /// Set by the proxy where it is missing.
    #[serde(rename_all = "camelCase")]
    Cookie {
        name: String,
        /// Until the browser closes if unset.
        #[serde(default, with = "optional_text")]
        max_age: Option<Duration>,
    },
    /// For example the id of a customer or of a tenant.
    Header { name: String },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct HealthCheck {
    pub path: String,
    #[serde(with = "text")]
    pub interval: Duration,
    #[serde(with = "text")]
    pub timeout: Duration,
    /// Failures in a row that take a backend out.
    pub unhealthy_after: u32,
    /// Successes in a row that take it back in.
    pub healthy_after: u32,
}

impl Default for HealthCheck {
    fn default() -> Self {
        let second = Duration::from_secs(1);
        Self { path: "/".to_owned(), interval: 5 * second, timeout: 2 * second, unhealthy_after: 3, healthy_after: 2 }
    }
}

/// What requests themselves say about a backend. Never takes out the last one of a version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Passive {
    /// Connections in a row that could not be made; 0 turns it off.
    pub failures: u32,
    #[serde(with = "text")]
    pub pause: Duration,
}

impl Default for Passive {
    fn default() -> Self {
        Self { failures: 3, pause: Duration::from_secs(10) }
    }
}

/// How backends learn who asked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Forwarded {
    /// Send RFC 7239's `Forwarded` beside `X-Forwarded-For`, `-Host` and `-Proto`.
    pub standard: bool,
    /// Add to what the client sent instead of replacing it: only where another proxy is in front.
    pub trust: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Limits {
    /// Of clients, at once; one more is answered with 503.
    pub connections: usize,
    pub header_bytes: usize,
    pub headers: usize,
    /// On one HTTP/2 connection.
    pub streams: u32,
    /// Idle ones that each worker keeps to each backend.
    pub idle_per_backend: usize,
    /// Times that a safe request may be sent again.
    pub retries: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { connections: 10_000, header_bytes: 32 * 1024, headers: 100, streams: 128, idle_per_backend: 128, retries: 2 }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Timeouts {
    /// To a backend.
    #[serde(with = "text")]
    pub connect: Duration,
    /// From the end of the request to the head of its response.
    #[serde(with = "text")]
    pub response: Duration,
    /// Between two pieces of a body.
    #[serde(with = "text")]
    pub body: Duration,
    /// For a client to send the head of a request, and between two requests.
    #[serde(with = "text")]
    pub keep_alive: Duration,
    /// After which an unused connection to a backend is closed. Shorter than what backends use (Node.js: 5 s), as a
    /// request sent while they close is lost.
    #[serde(with = "text")]
    pub idle: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        let second = Duration::from_secs(1);
        Self { connect: 3 * second, response: 60 * second, body: 60 * second, keep_alive: 60 * second, idle: 4 * second }
    }
}

impl Config {
    /// The least that a proxy needs; everything else as by default.
    pub fn new(listen: SocketAddr, versions: BTreeMap<String, Vec<String>>) -> Self {
        Self {
            listen,
            versions,
            shares: None,
            state: None,
            control: None,
            telemetry: Telemetry::default(),
            tls: None,
            sticky: None,
            health: None,
            passive: Passive::default(),
            forwarded: Forwarded::default(),
            limits: Limits::default(),
            timeouts: Timeouts::default(),
            workers: None,
        }
    }

    /// What can be told without opening anything.
    pub fn check(&self) -> Result<(), ProxyError> {
        let wrong = |setting, reason: &str| Err(ProxyError::Setting { setting, reason: reason.to_owned() });
        if self.versions.is_empty() {
            return wrong("versions", "at least one is needed");
        }
        if self.shares.is_none() && self.versions.len() > 1 {
            return wrong("shares", "with more than one version, say which is the old and which the new");
        }
        if self.workers == Some(0) {
            return wrong("workers", "at least one is needed");
        }
        if let Some(Control { listen, token: None }) = &self.control
            && !listen.ip().is_loopback()
        {
            return wrong("control.token", "needed, as control.listen can be reached from other machines");
        }
        if self.telemetry.service.is_empty() || self.telemetry.every.is_zero() {
            return wrong("telemetry", "service has a name, and every is above 0");
        }
        match &self.sticky {
            Some(Sticky::Cookie { name, .. }) if name.is_empty() || !name.bytes().all(is_token) => return wrong("sticky.cookie.name", "not the name of a cookie"),
            Some(Sticky::Header { name }) if http::HeaderName::from_bytes(name.as_bytes()).is_err() => return wrong("sticky.header.name", "not the name of a header"),
            _ => {}
        }
        if let Some(health) = &self.health {
            if !health.path.starts_with('/') || health.path.parse::<http::uri::PathAndQuery>().is_err() {
                return wrong("health.path", "begins with / and has no spaces");
            }
            if health.interval.is_zero() || health.timeout.is_zero() || health.unhealthy_after == 0 || health.healthy_after == 0 {
                return wrong("health", "interval, timeout, unhealthyAfter and healthyAfter are above 0");
            }
        }
        let Limits { connections, header_bytes, headers, streams, .. } = self.limits;
        if connections == 0 || headers == 0 || streams == 0 || !(8 * 1024..=1024 * 1024).contains(&header_bytes) {
            return wrong("limits", "connections, headers and streams are above 0, headerBytes from 8192 to 1048576");
        }
        Ok(())
    }
}

/// RFC 9110, section 5.6.2.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

mod text {
    use super::*;
    use serde::de::Error;
    use serde::{Deserializer, Serializer};

    pub fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&kernel::format_duration(*duration))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        kernel::parse_duration(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

mod optional_text {
    use super::*;
    use serde::de::Error;
    use serde::{Deserializer, Serializer};

    pub fn serialize<S: Serializer>(duration: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
        duration.map(kernel::format_duration).serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        text.map(|text| kernel::parse_duration(&text)).transpose().map_err(D::Error::custom)
    }
}
