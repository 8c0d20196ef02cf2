//! Where a request goes: an endpoint to connect to, and a path to ask it for.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::Uri;
use http::header::HeaderValue;
use http::uri::PathAndQuery;
use url::Url;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    #[error("`{url}` is no address: {reason}")]
    Unreadable { url: String, reason: String },
    #[error("`{url}` has no host, and the script has no `config.target`")]
    Relative { url: String },
    #[error("`{url}`: only http, https, ws, wss, grpc and grpcs can be asked")]
    Scheme { url: String },
}

/// Host and port, and whether TLS is spoken there. Cheap to copy and to compare.
#[derive(Clone)]
pub struct Endpoint(Arc<EndpointParts>);

struct EndpointParts {
    secure: bool,
    host: String,
    port: u16,
    /// With the port where it is not the scheme's own.
    host_header: HeaderValue,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    endpoint: Endpoint,
    path: PathAndQuery,
}

impl Address {
    /// Reads an absolute address.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let url = Url::parse(text).map_err(|error| match error {
            url::ParseError::RelativeUrlWithoutBase => AddressError::Relative { url: text.to_owned() },
            other => AddressError::Unreadable { url: text.to_owned(), reason: other.to_string() },
        })?;
        Self::from_url(&url)
    }

    /// What a step asks for: an absolute address, or a path that is put behind `target` as it stands.
    pub fn of_step(text: &str, target: Option<&Self>) -> Result<Self, AddressError> {
        let text = text.trim();
        let Some(target) = target else { return Self::parse(text) };
        if text.is_empty() {
            return Ok(target.clone());
        }
        if !text.starts_with('/') {
            return Self::parse(text);
        }
        let prefix = target.path.path().trim_end_matches('/');
        if is_plain(text) {
            let path = if prefix.is_empty() { Bytes::copy_from_slice(text.as_bytes()) } else { [prefix, text].concat().into() };
            if let Ok(path) = PathAndQuery::from_maybe_shared(path) {
                return Ok(Self { endpoint: target.endpoint.clone(), path });
            }
        }
        Self::parse(&format!("{}{prefix}{text}", target.endpoint))
    }

    /// The address that a redirect names, seen from here.
    pub fn follow(&self, location: &str) -> Result<Self, AddressError> {
        let unreadable =
            |error: url::ParseError| AddressError::Unreadable { url: location.to_owned(), reason: error.to_string() };
        let here = Url::parse(&self.to_string()).map_err(unreadable)?;
        Self::from_url(&here.join(location).map_err(unreadable)?)
    }

    /// With these pairs behind the query it has.
    pub fn with_query(&self, pairs: &[(String, String)]) -> Result<Self, AddressError> {
        let unreadable = |reason: String| AddressError::Unreadable { url: self.to_string(), reason };
        let mut url = Url::parse(&self.to_string()).map_err(|error| unreadable(error.to_string()))?;
        url.query_pairs_mut().extend_pairs(pairs);
        Self::from_url(&url)
    }

    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    pub fn path(&self) -> &PathAndQuery {
        &self.path
    }

    pub fn uri(&self) -> Uri {
        let mut parts = http::uri::Parts::default();
        parts.scheme = Some(if self.endpoint.secure() { http::uri::Scheme::HTTPS } else { http::uri::Scheme::HTTP });
        parts.authority = http::uri::Authority::try_from(self.endpoint.host_header().as_bytes()).ok();
        parts.path_and_query = Some(self.path.clone());
        Uri::from_parts(parts).unwrap_or_default()
    }

    fn from_url(url: &Url) -> Result<Self, AddressError> {
        let written = || url.to_string();
        let secure = match url.scheme() {
            "http" | "ws" | "grpc" => false,
            "https" | "wss" | "grpcs" => true,
            _ => return Err(AddressError::Scheme { url: written() }),
        };
        let host = url.host_str().filter(|host| !host.is_empty());
        let host = host.ok_or_else(|| AddressError::Relative { url: written() })?;
        let unreadable = |reason: String| AddressError::Unreadable { url: written(), reason };
        let path = match url.query() {
            Some(query) => PathAndQuery::try_from(format!("{}?{query}", url.path())),
            None => PathAndQuery::try_from(url.path()),
        };
        let path = path.map_err(|error| unreadable(error.to_string()))?;
        let endpoint = Endpoint::new(secure, host, url.port()).map_err(unreadable)?;
        Ok(Self { endpoint, path })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.endpoint, self.path)
    }
}

impl Endpoint {
    fn new(secure: bool, host: &str, port: Option<u16>) -> Result<Self, String> {
        let header = port.map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        let host_header = HeaderValue::try_from(header).map_err(|error| error.to_string())?;
        let port = port.unwrap_or(if secure { 443 } else { 80 });
        // An IPv6 address stands in brackets in a URL only.
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        Ok(Self(Arc::new(EndpointParts { secure, host, port, host_header })))
    }

    pub fn secure(&self) -> bool {
        self.0.secure
    }

    pub fn host(&self) -> &str {
        &self.0.host
    }

    pub fn port(&self) -> u16 {
        self.0.port
    }

    pub fn host_header(&self) -> &HeaderValue {
        &self.0.host_header
    }

    /// `host:port`, for messages.
    pub fn peer(&self) -> String {
        format!("{}:{}", self.0.host, self.0.port)
    }
}

impl PartialEq for Endpoint {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
            || (self.0.port == other.0.port && self.0.secure == other.0.secure && self.0.host == other.0.host)
    }
}

impl Eq for Endpoint {}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.secure() { "https" } else { "http" };
        write!(f, "{scheme}://{}", self.0.host_header.to_str().unwrap_or(&self.0.host))
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Whether a path can stand in a request as it is: no fragment, nothing to be escaped, no dots to be resolved.
fn is_plain(text: &str) -> bool {
    !text.starts_with("//")
        && !text.contains("/.")
        && text.bytes().all(|byte| {
            byte.is_ascii_alphanumeric() || b"/-._~%!$&'()*+,;=:@?".contains(&byte)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_step(text: &str, target: &str) -> String {
        Address::of_step(text, Some(&Address::parse(target).unwrap())).unwrap().to_string()
    }

    #[test]
    fn a_path_is_put_behind_the_target() {
        assert_eq!(of_step("/cart?id=1", "http://shop.test"), "http://shop.test/cart?id=1");
        assert_eq!(of_step("/cart", "http://shop.test:8080/api/"), "http://shop.test:8080/api/cart");
        assert_eq!(of_step("/", "http://shop.test/api"), "http://shop.test/api/");
    }

    #[test]
    fn an_absolute_address_stands_for_itself() {
        assert_eq!(of_step("https://other.test/x", "http://shop.test"), "https://other.test/x");
    }

    #[test]
    fn what_cannot_stand_in_a_request_is_escaped() {
        assert_eq!(of_step("/find?q=a b#top", "http://shop.test"), "http://shop.test/find?q=a%20b");
        assert_eq!(of_step("/ä", "http://shop.test"), "http://shop.test/%C3%A4");
    }

    #[test]
    fn a_redirect_is_seen_from_where_it_was_met() {
        let here = Address::parse("http://shop.test/a/b?x").unwrap();
        assert_eq!(here.follow("../c").unwrap().to_string(), "http://shop.test/c");
        assert_eq!(here.follow("//cdn.test/d").unwrap().to_string(), "http://cdn.test/d");
    }

    #[test]
    fn brackets_of_an_ipv6_address_are_for_the_header_only() {
        let address = Address::parse("http://[::1]:8080/").unwrap();
        assert_eq!(address.endpoint().host(), "::1");
        assert_eq!(address.endpoint().host_header(), "[::1]:8080");
    }

    #[test]
    fn a_path_without_a_target_is_refused() {
        let error = Address::of_step("/cart", None).unwrap_err();
        assert_eq!(error.to_string(), "`/cart` has no host, and the script has no `config.target`");
    }
}
