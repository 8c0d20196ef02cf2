//! What a proxy may pass on, must not pass on, and adds. Sources: RFC 9110 sections 7.2 and 7.6, RFC 9112 sections
//! 3.2 and 6, RFC 9113 section 8, RFC 7239.

use http::header::{CONNECTION, CONTENT_LENGTH, COOKIE, FORWARDED, HOST, HeaderName, HeaderValue, TE, TRANSFER_ENCODING, UPGRADE, VIA};
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{HeaderMap, Method, StatusCode, Uri, Version};

use crate::client::Client;
use crate::config;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// As [`hop_by_hop`] counts them.
static HOP_BY_HOP: [HeaderName; 6] = [CONNECTION, HeaderName::from_static("keep-alive"), HeaderName::from_static("proxy-connection"), TE, TRANSFER_ENCODING, UPGRADE];

/// A request that is not passed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refusal(pub StatusCode, pub &'static str);

/// What the parser lets pass although it may not be passed on. Of two lengths it has kept the one that counts.
pub(crate) fn check(parts: &Parts) -> Result<(), Refusal> {
    let bad = |why| Err(Refusal(StatusCode::BAD_REQUEST, why));
    if parts.method == Method::CONNECT {
        return Err(Refusal(StatusCode::NOT_IMPLEMENTED, "this proxy opens no tunnels"));
    }
    let mut hosts = parts.headers.get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (None, _) if parts.version == Version::HTTP_11 => return bad("the request has no Host"),
        (_, Some(_)) => return bad("the request has more than one Host"),
        _ => {}
    }
    Ok(())
}

/// Of an HTTP/1.1 request or response that changes protocol.
pub(crate) fn upgrade(headers: &HeaderMap) -> Option<HeaderValue> {
    let upgrade = headers.get(UPGRADE)?;
    nominated(headers).any(|name| name.eq_ignore_ascii_case(b"upgrade")).then(|| upgrade.clone())
}

/// Makes a client's request ours.
pub(crate) fn to_backend(parts: &mut Parts, client: &Client, settings: config::Forwarded, upgrade: Option<HeaderValue>) {
    let via = if parts.version == Version::HTTP_2 { "2.0 mainstay" } else { "1.1 mainstay" };
    host_and_target(parts);
    let headers = &mut parts.headers;
    let trailers = headers.get(TE).is_some_and(|te| te.as_bytes().split(|byte| *byte == b',').any(|one| one.trim_ascii().eq_ignore_ascii_case(b"trailers")));
    remove_hop_by_hop(headers);
    if trailers {
        headers.insert(TE, HeaderValue::from_static("trailers"));
        headers.insert(CONNECTION, HeaderValue::from_static("te"));
    }
    if let Some(upgrade) = upgrade {
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(UPGRADE, upgrade);
    }
    if parts.version == Version::HTTP_2 {
        join_cookies(headers);
    }
    forwarded(headers, client, settings);
    headers.append(VIA, HeaderValue::from_static(via));
    parts.version = Version::HTTP_11;
}

/// Makes a backend's response ours.
pub(crate) fn to_client(headers: &mut HeaderMap, upgrade: Option<HeaderValue>) {
    remove_hop_by_hop(headers);
    if let Some(upgrade) = upgrade {
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(UPGRADE, upgrade);
    }
}

/// The target's authority counts, where there is one; towards the backend the target is a path.
fn host_and_target(parts: &mut Parts) {
    if let Some(authority) = parts.uri.authority() {
        let host = authority.as_str().rsplit('@').next().unwrap_or_default();
        if let Ok(host) = HeaderValue::try_from(host) {
            parts.headers.insert(HOST, host);
        }
    }
    if parts.uri.scheme().is_some() || parts.uri.authority().is_some() {
        let path = parts.uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
        parts.uri = Uri::from(path);
    }
}

fn nominated(headers: &HeaderMap) -> impl Iterator<Item = &[u8]> {
    headers.get_all(CONNECTION).iter().flat_map(|value| value.as_bytes().split(|byte| *byte == b',')).map(<[u8]>::trim_ascii)
}

fn remove_hop_by_hop(headers: &mut HeaderMap) {
    // One look at all names costs less than a search for each: few messages have more than `Connection`.
    let mut found = [false; HOP_BY_HOP.len()];
    for name in headers.keys() {
        if let Some(at) = hop_by_hop(name) {
            found[at] = true;
        }
    }
    if found[0] {
        for name in nominated_only(headers) {
            headers.remove(name);
        }
    }
    for (name, _) in HOP_BY_HOP.iter().zip(found).filter(|(_, found)| *found) {
        headers.remove(name);
    }
}

/// Its place among them.
fn hop_by_hop(name: &HeaderName) -> Option<usize> {
    match name.as_str() {
        "connection" => Some(0),
        "keep-alive" => Some(1),
        "proxy-connection" => Some(2),
        "te" => Some(3),
        "transfer-encoding" => Some(4),
        "upgrade" => Some(5),
        _ => None,
    }
}

/// But for the usual ones, which are removed anyway. What frames and addresses the message is not a client's to take
/// away.
fn nominated_only(headers: &HeaderMap) -> Vec<HeaderName> {
    let usual = |name: &[u8]| [&b"keep-alive"[..], b"close"].iter().any(|usual| name.eq_ignore_ascii_case(usual));
    let names = nominated(headers).filter(|name| !usual(name)).filter_map(|name| HeaderName::from_bytes(name).ok());
    names.filter(|name| *name != HOST && *name != CONTENT_LENGTH).collect()
}

/// HTTP/2 may send them one by one (RFC 9113, section 8.2.3).
fn join_cookies(headers: &mut HeaderMap) {
    if headers.get_all(COOKIE).iter().nth(1).is_some() {
        let all: Vec<&[u8]> = headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes).collect();
        if let Ok(joined) = HeaderValue::from_bytes(&all.join(&b"; "[..])) {
            headers.insert(COOKIE, joined);
        }
    }
}

fn forwarded(headers: &mut HeaderMap, client: &Client, settings: config::Forwarded) {
    let trusted = settings.trust;
    if !trusted {
        headers.remove(FORWARDED);
    }
    let host = headers.get(HOST).cloned();
    add(headers, X_FORWARDED_FOR, &client.address, trusted);
    if settings.standard {
        add(headers, FORWARDED, &client.forwarded, trusted);
    }
    // Who is in front knows better what the user asked for.
    if !(trusted && headers.contains_key(X_FORWARDED_PROTO)) {
        headers.insert(X_FORWARDED_PROTO, client.protocol.clone());
    }
    if let Some(host) = host
        && !(trusted && headers.contains_key(X_FORWARDED_HOST))
    {
        headers.insert(X_FORWARDED_HOST, host);
    }
}

/// Both are lists; several lines of one mean the same as one line.
fn add(headers: &mut HeaderMap, name: HeaderName, value: &HeaderValue, trusted: bool) {
    if trusted && headers.contains_key(&name) {
        let all: Vec<&[u8]> = headers.get_all(&name).iter().chain([value]).map(HeaderValue::as_bytes).collect();
        if let Ok(joined) = HeaderValue::from_bytes(&all.join(&b", "[..])) {
            headers.insert(name, joined);
        }
    } else {
        headers.insert(name, value.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;

    fn parts(build: impl FnOnce(http::request::Builder) -> http::request::Builder) -> Parts {
        build(Request::builder()).body(()).unwrap().into_parts().0
    }

    fn passed_on(mut parts: Parts, settings: config::Forwarded) -> Parts {
        to_backend(&mut parts, &Client::new("192.0.2.7".parse().unwrap(), false), settings, None);
        parts
    }

    #[test]
    fn what_belongs_to_one_connection_stays_there() {
        let request = parts(|request| {
            request.header("host", "shop").header("connection", "close, X-Private, host").header("keep-alive", "timeout=5").header("x-private", "1").header("te", "gzip, Trailers").header("x-kept", "2")
        });
        let headers = passed_on(request, config::Forwarded::default()).headers;
        assert_eq!(headers["te"], "trailers");
        assert_eq!((&headers["x-kept"], &headers["host"], &headers["via"]), (&HeaderValue::from_static("2"), &HeaderValue::from_static("shop"), &HeaderValue::from_static("1.1 mainstay")));
        assert!(!headers.contains_key("x-private") && !headers.contains_key("keep-alive"));
    }

    #[test]
    fn each_hop_by_hop_header_is_known_by_its_place() {
        assert!(HOP_BY_HOP.iter().enumerate().all(|(at, name)| hop_by_hop(name) == Some(at)));
        assert_eq!(hop_by_hop(&HOST), None);
    }

    #[test]
    fn what_clients_say_of_themselves_is_replaced_unless_trusted() {
        let request = || parts(|request| request.header("host", "shop").header("x-forwarded-for", "10.0.0.1").header("x-forwarded-for", "10.0.0.2").header("forwarded", "for=10.0.0.1"));
        let headers = passed_on(request(), config::Forwarded::default()).headers;
        assert_eq!(headers["x-forwarded-for"], "192.0.2.7");
        assert_eq!((&headers["x-forwarded-host"], &headers["x-forwarded-proto"]), (&HeaderValue::from_static("shop"), &HeaderValue::from_static("http")));
        assert!(!headers.contains_key("forwarded"));
        let headers = passed_on(request(), config::Forwarded { standard: true, trust: true }).headers;
        assert_eq!(headers["x-forwarded-for"], "10.0.0.1, 10.0.0.2, 192.0.2.7");
        assert_eq!(headers["forwarded"], "for=10.0.0.1, for=192.0.2.7;proto=http");
    }

    #[test]
    fn the_target_becomes_a_path_and_its_authority_the_host() {
        let request = parts(|request| request.uri("http://user@shop:8080/a?b=c").header("host", "other"));
        let passed = passed_on(request, config::Forwarded::default());
        assert_eq!((passed.uri.to_string().as_str(), passed.headers["host"].to_str().unwrap()), ("/a?b=c", "shop:8080"));
    }

    #[test]
    fn cookies_of_http_2_are_joined() {
        let request = parts(|request| request.version(Version::HTTP_2).uri("http://shop/").header("cookie", "a=1").header("cookie", "b=2"));
        let headers = passed_on(request, config::Forwarded::default()).headers;
        assert_eq!(headers.get_all("cookie").iter().collect::<Vec<_>>(), ["a=1; b=2"]);
    }

    #[test]
    fn ambiguous_requests_are_refused() {
        let status = |parts: Parts| check(&parts).err().map(|Refusal(status, _)| status.as_u16());
        assert_eq!(status(parts(|request| request)), Some(400));
        assert_eq!(status(parts(|request| request.header("host", "a").header("host", "a"))), Some(400));
        assert_eq!(status(parts(|request| request.method("CONNECT").header("host", "a"))), Some(501));
        assert_eq!(status(parts(|request| request.header("host", "a"))), None);
    }
}
