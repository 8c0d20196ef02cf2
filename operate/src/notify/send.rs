//! One attempt over HTTP.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use kernel::Timestamp;
use ledger::{Channel, Delivery};
use reqwest::header::{CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::{Client, Response, StatusCode, Url, redirect};
use serde_json::Value;

use super::state::Outcome;

const TIMEOUT: Duration = Duration::from_secs(10);
const REDIRECTS_MAX: usize = 3;
const ANSWER_SHOWN_MAX: usize = 200;
/// Marks the name of an environment variable where a value could stand.
const ENVIRONMENT: &str = "env:";

/// Looks up a secret by its name.
pub type Secrets = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// Sends deliveries. What it says of a failure never holds the address, which may be a secret.
pub struct Sender {
    client: OnceLock<Client>,
    secrets: Secrets,
}

impl Sender {
    pub fn new(secrets: Secrets) -> Self {
        Self { client: OnceLock::new(), secrets }
    }

    pub fn from_environment() -> Self {
        Self::new(Arc::new(|name| std::env::var(name).ok()))
    }

    pub async fn send(&self, delivery: &Delivery, now: Timestamp) -> Outcome {
        match self.request(delivery) {
            Err(outcome) => outcome,
            Ok((request, url)) => match request.send().await {
                Ok(response) => judge(response, &url, now).await,
                Err(error) => Outcome::Failed { reason: transport_error(error), retry_after: None },
            },
        }
    }

    fn request(&self, delivery: &Delivery) -> Result<(reqwest::RequestBuilder, Url), Outcome> {
        let refused = |reason: &str| Outcome::Refused { reason: reason.to_owned() };
        let url = Url::parse(&self.resolve(&delivery.target)?).map_err(|_| refused("the target is not a URL"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(refused("the target is not an http or https URL"));
        }
        let client = self.client()?;
        let (content_type, body) = match (&delivery.body, delivery.channel) {
            (Value::String(text), _) => ("text/plain; charset=utf-8", text.clone()),
            (json, Channel::Slack) => ("application/json", json.to_string()),
            (json, Channel::Webhook) => ("application/cloudevents+json", json.to_string()),
        };
        let mut request = client
            .post(url.clone())
            .header(CONTENT_TYPE, content_type)
            .header("idempotency-key", delivery.id.as_str())
            .body(body);
        for (name, value) in &delivery.headers {
            let header = HeaderName::try_from(name).ok().zip(HeaderValue::try_from(self.resolve(value)?).ok());
            let (header, value) = header.ok_or_else(|| refused(&format!("the header {name} cannot be sent as it is written")))?;
            request = request.header(header, value);
        }
        Ok((request, url))
    }

    /// `env:NAME` is looked up now, so that a secret that changes is used at the next attempt.
    fn resolve(&self, text: &str) -> Result<String, Outcome> {
        let Some(name) = text.strip_prefix(ENVIRONMENT) else { return Ok(text.to_owned()) };
        (self.secrets)(name).ok_or_else(|| Outcome::Failed {
            reason: format!("the environment variable {name} is not set; set it where the server runs"),
            retry_after: None,
        })
    }

    fn client(&self) -> Result<&Client, Outcome> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let client = Client::builder()
            .timeout(TIMEOUT)
            .redirect(redirect::Policy::custom(follow))
            .user_agent(concat!("mainstay/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| Outcome::Failed { reason: transport_error(error), retry_after: None })?;
        Ok(self.client.get_or_init(|| client))
    }
}

/// Only where the same request goes to the same host: a message is for whom it is addressed to.
fn follow(attempt: redirect::Attempt) -> redirect::Action {
    let keeps_request = matches!(attempt.status(), StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT);
    let same = attempt.previous().first().is_some_and(|first| {
        let to = attempt.url();
        first.scheme() == to.scheme() && first.host_str() == to.host_str() && first.port_or_known_default() == to.port_or_known_default()
    });
    if keeps_request && same && attempt.previous().len() <= REDIRECTS_MAX { attempt.follow() } else { attempt.stop() }
}

async fn judge(response: Response, url: &Url, now: Timestamp) -> Outcome {
    let status = response.status();
    if status.is_success() {
        return Outcome::Delivered;
    }
    let retry_after = response.headers().get(RETRY_AFTER).and_then(|value| retry_after(value.to_str().ok()?, now));
    let reason = format!("the receiver answered {status}{}", shown_answer(response, url).await);
    match status {
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => Outcome::Failed { reason, retry_after },
        _ if status.is_redirection() => Outcome::Refused { reason: format!("the receiver answered {status}: it redirects elsewhere; name the final URL") },
        _ if status.is_client_error() => Outcome::Refused { reason },
        _ => Outcome::Failed { reason, retry_after },
    }
}

/// The beginning of the answer, unless it repeats the address.
async fn shown_answer(mut response: Response, url: &Url) -> String {
    let Ok(Some(chunk)) = response.chunk().await else { return String::new() };
    let text: String = String::from_utf8_lossy(&chunk).split_whitespace().collect::<Vec<_>>().join(" ");
    let text: String = text.chars().filter(|c| !c.is_control()).take(ANSWER_SHOWN_MAX).collect();
    let secret = url.path().len() > 1 && text.contains(url.path()) || url.query().is_some_and(|query| text.contains(query));
    if text.is_empty() || secret { String::new() } else { format!(": {text}") }
}

/// Seconds, or an HTTP date.
fn retry_after(value: &str, now: Timestamp) -> Option<Duration> {
    if let Ok(seconds) = value.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let at = jiff::fmt::rfc2822::parse(value.trim()).ok()?.timestamp();
    Some(Duration::try_from(at.duration_since(now)).unwrap_or_default())
}

fn transport_error(error: reqwest::Error) -> String {
    let what = match () {
        () if error.is_timeout() => "the receiver did not answer in time",
        () if error.is_connect() => "the receiver cannot be reached",
        () if error.is_builder() => "the request cannot be made",
        () => "the connection to the receiver failed",
    };
    // The innermost cause names no address, only what the system said.
    let error = error.without_url();
    let mut cause: &dyn std::error::Error = &error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    match cause.downcast_ref::<std::io::Error>() {
        Some(io) => format!("{what}: {}", io.kind()),
        None => what.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now: Timestamp = "2015-10-21T07:27:00Z".parse().unwrap();
        assert_eq!(retry_after("120", now), Some(Duration::from_secs(120)));
        assert_eq!(retry_after("Wed, 21 Oct 2015 07:28:00 GMT", now), Some(Duration::from_secs(60)));
        assert_eq!(retry_after("Wed, 21 Oct 2015 07:00:00 GMT", now), Some(Duration::ZERO));
        assert_eq!(retry_after("soon", now), None);
    }
}
