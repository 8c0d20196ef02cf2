//! Whether a URL answers as it should.

use std::time::{Duration, Instant};

use documents::canary::HttpCheck;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::header::{HOST, HeaderMap, HeaderName, HeaderValue, LOCATION, USER_AGENT};
use hyper::rt::{Read, Write};
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use regex::Regex;
use reqwest::Url;

use super::{Outcome, Reading, tcp, tls};

const REDIRECTS_MAX: usize = 10;
/// Marks the name of an environment variable where a value could stand.
const ENVIRONMENT: &str = "env:";
/// More than this of a body is not looked at.
const BODY_MAX: usize = 1 << 20;

pub async fn look(check: &HttpCheck, readings: &mut Vec<Reading>) -> Outcome {
    let question = Question::of(check)?;
    let mut url = Url::parse(&check.url).map_err(|error| format!("{} is no URL: {error}", check.url))?;
    for redirects in 0..=REDIRECTS_MAX {
        let answer = question.ask(&url, readings).await?;
        let status = answer.response.status();
        let next = answer.response.headers().get(LOCATION).and_then(|location| url.join(location.to_str().ok()?).ok());
        if let Some(next) = next.filter(|_| status.is_redirection() && check.status.is_empty()) {
            url = next;
            continue;
        }
        readings.push(Reading::new("probe_http_redirects", redirects as f64));
        readings.push(Reading::new("probe_http_status_code", f64::from(status.as_u16())));
        return question.judge(status.as_u16(), &answer.body(readings).await?);
    }
    Err(format!("{} redirects more than {REDIRECTS_MAX} times", check.url))
}

/// What is asked of each URL on the way, and how the last answer is judged.
struct Question<'a> {
    check: &'a HttpCheck,
    method: Method,
    headers: HeaderMap,
    body: Option<Regex>,
}

impl<'a> Question<'a> {
    fn of(check: &'a HttpCheck) -> Result<Self, String> {
        let method = check.method.parse().map_err(|_| format!("{} is no method", check.method))?;
        let body = check.body.as_deref().map(Regex::new).transpose().map_err(|error| error.to_string())?;
        let mut headers = HeaderMap::new();
        for (name, value) in &check.headers {
            let value = match value.strip_prefix(ENVIRONMENT) {
                Some(variable) => std::env::var(variable).map_err(|_| format!("the environment variable {variable} is not set"))?,
                None => value.clone(),
            };
            let unusable = || format!("the header {name} cannot be sent");
            headers.insert(HeaderName::try_from(name).map_err(|_| unusable())?, HeaderValue::try_from(value).map_err(|_| unusable())?);
        }
        Ok(Self { check, method, headers, body })
    }

    fn judge(&self, status: u16, body: &[u8]) -> Outcome {
        let expected = if self.check.status.is_empty() { status < 400 } else { self.check.status.contains(&status) };
        if !expected {
            return Err(format!("{} answered with {status}", self.check.url));
        }
        match &self.body {
            Some(pattern) if !pattern.is_match(&String::from_utf8_lossy(body)) => Err(format!("the body does not match /{pattern}/")),
            _ => Ok(()),
        }
    }

    async fn ask(&self, url: &Url, readings: &mut Vec<Reading>) -> Result<Answer, String> {
        let host = url.host_str().ok_or_else(|| format!("{url} has no host"))?;
        let port = url.port_or_known_default().ok_or_else(|| format!("{url} has no port"))?;
        let stream = tcp::connect(&format!("{host}:{port}"), readings).await?;
        match url.scheme() {
            "https" => {
                let stream = tls::handshake(stream, tls::host_of(&format!("{host}:{port}")), readings).await?;
                self.send(url, TokioIo::new(stream), readings).await
            }
            "http" => self.send(url, TokioIo::new(stream), readings).await,
            other => Err(format!("{other} is not a scheme that can be asked")),
        }
    }

    async fn send(&self, url: &Url, io: impl Read + Write + Unpin + Send + 'static, readings: &mut Vec<Reading>) -> Result<Answer, String> {
        let failed = |error: hyper::Error| format!("{url} did not answer: {error}");
        let (mut sender, connection) = http1::handshake(io).await.map_err(failed)?;
        // Ends with the sender.
        tokio::spawn(connection);
        let host = url.host_str().unwrap_or_default();
        let authority = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        let path = url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()));
        let mut request = Request::builder()
            .method(&self.method)
            .uri(path)
            .header(HOST, authority)
            .header(USER_AGENT, concat!("mainstay/", env!("CARGO_PKG_VERSION")))
            .body(Empty::<Bytes>::new())
            .map_err(|error| format!("{url} cannot be asked for: {error}"))?;
        request.headers_mut().extend(self.headers.clone());
        let begun = Instant::now();
        let response = sender.send_request(request).await.map_err(failed)?;
        let processing = begun.elapsed();
        readings.push(Reading::phase("probe_http_duration_seconds", "processing", processing));
        Ok(Answer { response, begun, processing })
    }
}

struct Answer {
    response: Response<Incoming>,
    begun: Instant,
    processing: Duration,
}

impl Answer {
    async fn body(self, readings: &mut Vec<Reading>) -> Result<Vec<u8>, String> {
        let body = Limited::new(self.response.into_body(), BODY_MAX).collect().await;
        let body = body.map_err(|error| format!("the body could not be read: {error}"))?.to_bytes();
        readings.push(Reading::phase("probe_http_duration_seconds", "transfer", self.begun.elapsed() - self.processing));
        readings.push(Reading::new("probe_http_uncompressed_body_length", body.len() as f64));
        Ok(body.to_vec())
    }
}
