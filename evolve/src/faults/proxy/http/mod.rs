//! The toxics that know HTTP/1: an answer instead of the server's, and a delay, on a route.
//!
//! They act on requests, whatever their `stream`. What is not HTTP/1 passes untouched.

mod framing;
mod gate;

use serde::{Deserialize, Serialize};

pub(super) use gate::{Gate, Outcome};

/// Answers requests on a route with `status` instead of asking the server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "WrittenStatus")]
pub struct HttpStatus {
    /// 200 to 599.
    pub status: u16,
    #[serde(flatten)]
    pub route: Route,
}

/// Delays requests on a route by `delay` ± `jitter` milliseconds.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct HttpDelay {
    pub delay: i64,
    pub jitter: i64,
    #[serde(flatten)]
    pub route: Route,
}

/// Which requests are meant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Route {
    /// As `GET`; empty is every method.
    pub method: String,
    /// As `/orders`, without the query; a `*` at the end stands for any rest. Empty is every path.
    pub path: String,
    /// Of each request on the route, 0 to 1.
    pub probability: f64,
}

#[derive(Debug, Deserialize)]
struct WrittenStatus {
    status: u16,
    #[serde(flatten, default)]
    route: Route,
}

impl TryFrom<WrittenStatus> for HttpStatus {
    type Error = String;

    fn try_from(WrittenStatus { status, route }: WrittenStatus) -> Result<Self, String> {
        match status {
            200..=599 => Ok(Self { status, route }),
            other => Err(format!("status is {other}, and has to be between 200 and 599")),
        }
    }
}

impl Default for Route {
    fn default() -> Self {
        Self { method: String::new(), path: String::new(), probability: 1.0 }
    }
}

impl Route {
    fn matches(&self, method: &str, target: &str) -> bool {
        let path = path_of(target);
        let path_matches = match self.path.strip_suffix('*') {
            Some(prefix) => path.starts_with(prefix),
            None => self.path.is_empty() || path == self.path,
        };
        path_matches && (self.method.is_empty() || self.method.eq_ignore_ascii_case(method))
    }
}

/// The path of a request target, which may hold a query, and for a proxy a whole address.
fn path_of(target: &str) -> &str {
    let without_origin = match target.split_once("://") {
        Some((scheme, rest)) if !scheme.contains('/') => rest.find('/').map_or("/", |slash| &rest[slash..]),
        _ => target,
    };
    without_origin.split(['?', '#']).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes() {
        let route = |method: &str, path: &str| Route { method: method.to_owned(), path: path.to_owned(), probability: 1.0 };
        assert!(route("", "").matches("GET", "/a"));
        assert!(route("get", "/a").matches("GET", "/a?x=1"));
        assert!(!route("POST", "/a").matches("GET", "/a"));
        assert!(!route("", "/a").matches("GET", "/ab"));
        assert!(route("", "/a*").matches("GET", "/ab"));
        assert!(route("", "/a").matches("GET", "http://shop/a?x"));
    }
}
