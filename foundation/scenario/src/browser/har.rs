//! The requests of a journey as an HTTP Archive 1.2, without bodies and without secrets.
//!
//! Source: <http://www.softwareishard.com/blog/har-12-spec/>.

use serde_json::{Value, json};
use url::Url;

use super::traffic::{Entry, Traffic};
use crate::redact::{HIDDEN, Redactor, looks_secret};

/// What is beyond is left out, and the archive says so.
const BYTES_MAX: usize = 2 * 1024 * 1024;

pub(super) fn archive(traffic: &Traffic, redactor: &Redactor) -> Vec<u8> {
    let mut all: Vec<&Entry> = traffic.all_entries().collect();
    all.sort_by(|one, other| one.began_s.total_cmp(&other.began_s));
    let mut left_out = traffic.left_out;
    let mut bytes = 0;
    let mut entries = Vec::new();
    for told in all.into_iter().map(|of| entry(of, redactor)) {
        bytes += told.to_string().len();
        match bytes <= BYTES_MAX {
            true => entries.push(told),
            false => left_out += 1,
        }
    }
    let mut log = json!({
        "version": "1.2",
        "creator": { "name": "mainstay", "version": env!("CARGO_PKG_VERSION") },
        "pages": [],
        "entries": entries,
        "comment": "Bodies and secrets are left out.",
    });
    if left_out > 0 {
        log["comment"] = format!("Bodies and secrets are left out, and {left_out} requests that were too many.").into();
    }
    json!({ "log": log }).to_string().into_bytes()
}

fn entry(entry: &Entry, redactor: &Redactor) -> Value {
    let total_ms = if entry.ended_s > entry.began_s { (entry.ended_s - entry.began_s) * 1000.0 } else { -1.0 };
    let url = url(&entry.url, redactor);
    let mut told = json!({
        "startedDateTime": instant(entry.began_wall_s),
        "time": total_ms.max(0.0),
        "request": {
            "method": entry.method,
            "url": url,
            "httpVersion": entry.protocol,
            "cookies": [],
            "headers": headers(&entry.request_headers, redactor),
            "queryString": query(&url),
            "headersSize": -1,
            "bodySize": if entry.sends_body { -1 } else { 0 },
        },
        "response": {
            "status": entry.status,
            "statusText": entry.status_text,
            "httpVersion": entry.protocol,
            "cookies": [],
            "headers": headers(&entry.response_headers, redactor),
            "content": { "size": entry.bytes, "mimeType": entry.mime },
            "redirectURL": redirect(entry, redactor),
            "headersSize": -1,
            "bodySize": entry.bytes,
        },
        "cache": {},
        "timings": timings(entry, total_ms),
    });
    if !entry.address.is_empty() {
        told["serverIPAddress"] = entry.address.clone().into();
    }
    if let Some(error) = &entry.error {
        // As the developer tools of browsers name it.
        told["response"]["_error"] = error.clone().into();
    }
    told
}

fn redirect(entry: &Entry, redactor: &Redactor) -> String {
    let location = entry.response_headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("location"));
    location.map(|(_, value)| redactor.redacted(value)).unwrap_or_default()
}

/// In milliseconds; -1 is what does not apply.
fn timings(entry: &Entry, total_ms: f64) -> Value {
    let Some(timing) = &entry.timing else {
        return json!({ "send": 0, "wait": total_ms.max(0.0), "receive": 0 });
    };
    let at = |name: &str| timing[name].as_f64().unwrap_or(-1.0);
    let between = |from: &str, to: &str| if at(from) >= 0.0 { (at(to) - at(from)).max(0.0) } else { -1.0 };
    let headers_ms = at("receiveHeadersEnd").max(at("sendEnd"));
    let began_ms = (timing["requestTime"].as_f64().unwrap_or(entry.began_s) - entry.began_s) * 1000.0;
    json!({
        "blocked": began_ms.max(0.0),
        "dns": between("dnsStart", "dnsEnd"),
        "connect": between("connectStart", "connectEnd"),
        "ssl": between("sslStart", "sslEnd"),
        "send": (at("sendEnd") - at("sendStart")).max(0.0),
        "wait": (headers_ms - at("sendEnd")).max(0.0),
        "receive": (total_ms - began_ms - headers_ms).max(0.0),
    })
}

fn headers(headers: &[(String, String)], redactor: &Redactor) -> Vec<Value> {
    let shown = |(name, value): &(String, String)| {
        let value = if looks_secret(name) { HIDDEN.to_owned() } else { redactor.redacted(value) };
        json!({ "name": name, "value": value })
    };
    headers.iter().map(shown).collect()
}

/// Without secrets, also where a parameter's name tells that it is one.
fn url(written: &str, redactor: &Redactor) -> String {
    let redacted = redactor.redacted(written);
    let Ok(mut url) = Url::parse(&redacted) else { return redacted };
    let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    if url.password().is_none() && !pairs.iter().any(|(name, _)| looks_secret(name)) {
        return redacted;
    }
    // An address that cannot have one has none.
    let _ = url.set_password(None);
    let shown = pairs.iter().map(|(name, value)| (name, if looks_secret(name) { HIDDEN } else { value.as_str() }));
    url.query_pairs_mut().clear().extend_pairs(shown);
    url.to_string()
}

fn query(url: &str) -> Vec<Value> {
    let Ok(url) = Url::parse(url) else { return Vec::new() };
    url.query_pairs().map(|(name, value)| json!({ "name": name, "value": value })).collect()
}

/// ISO 8601, of seconds since 1970.
fn instant(wall_s: f64) -> String {
    let at = std::time::Duration::try_from_secs_f64(wall_s).unwrap_or_default();
    let at = jiff::Timestamp::from_millisecond(at.as_millis() as i64).unwrap_or_default();
    format!("{at:.3}")
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn secrets_are_hidden_in_headers_and_addresses() {
        let mut traffic = Traffic::new("main".to_owned(), true);
        let request = json!({
            "url": "http://x/?token=abc&page=2&q=s3cr3t", "method": "GET",
            "headers": { "Authorization": "Basic eDp5", "Accept": "text/s3cr3t" },
        });
        let params = json!({ "requestId": "a", "frameId": "main", "type": "Document", "request": request, "wallTime": 1.5, "timestamp": 1.0 });
        traffic.apply("Network.requestWillBeSent", &params, Instant::now());
        let mut redactor = Redactor::default();
        redactor.learn("s3cr3t");
        let bytes = archive(&traffic, &redactor);
        let har: Value = serde_json::from_slice(&bytes).unwrap();
        let entry = &har["log"]["entries"][0];
        assert_eq!(har["log"]["version"], "1.2");
        assert_eq!(entry["startedDateTime"], "1970-01-01T00:00:01.500Z");
        assert_eq!(entry["request"]["queryString"][0]["value"], HIDDEN);
        assert_eq!(entry["request"]["queryString"][1]["value"], "2");
        let text = String::from_utf8(bytes).unwrap();
        assert!(!text.contains("abc") && !text.contains("s3cr3t") && !text.contains("eDp5"), "{text}");
    }
}
