//! The few calls of AWS that values and Lambda's aliases need: JSON over HTTPS, signed by AWS's own library.
//!
//! Credentials come from the environment, else from a profile of the shared credentials file. The whole SDK would bring
//! three hundred crates for seven calls.
//!
//! Source: AWS SDKs and Tools Reference Guide, "Configuration settings"; AWS JSON 1.1 and REST JSON protocols.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use reqwest::{Method, Url};
use serde_json::Value;
use zeroize::Zeroizing;

use crate::cause::cause;

const TIMEOUT: Duration = Duration::from_secs(10);
/// A secret has at most 64 KiB.
const ANSWER_BYTES_MAX: usize = 1 << 20;

#[derive(Debug, thiserror::Error)]
pub enum AwsError {
    #[error("no region is set; set AWS_REGION")]
    Region,
    #[error("no credentials are set; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile of {}", file.display())]
    Credentials { file: PathBuf },
    #[error("{service} at {endpoint} cannot be reached: {reason}")]
    Unreachable { service: String, endpoint: String, reason: String },
    #[error("{service} refused: {kind}: {message}")]
    Refused { service: String, kind: String, message: String },
    #[error("{service} answered something unexpected")]
    Unexpected { service: String },
}

/// Speaks to one region. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Client {
    settings: Settings,
    http: reqwest::Client,
}

#[derive(Clone)]
pub struct Settings {
    pub region: String,
    /// Of all services, instead of AWS's own.
    pub endpoint: Option<String>,
    pub credentials: Credentials,
}

impl std::fmt::Debug for Settings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Settings").field("region", &self.region).field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}

impl Settings {
    pub fn from_environment() -> Result<Self, AwsError> {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let region = variable("AWS_REGION").or_else(|| variable("AWS_DEFAULT_REGION")).ok_or(AwsError::Region)?;
        let given = variable("AWS_ACCESS_KEY_ID").zip(variable("AWS_SECRET_ACCESS_KEY"));
        let credentials = match given {
            Some((id, secret)) => Credentials::new(id, secret, variable("AWS_SESSION_TOKEN"), None, "environment"),
            None => {
                let home = PathBuf::from(variable("HOME").unwrap_or_default());
                let file = variable("AWS_SHARED_CREDENTIALS_FILE").map_or_else(|| home.join(".aws/credentials"), PathBuf::from);
                let text = Zeroizing::new(std::fs::read_to_string(&file).unwrap_or_default());
                let profile = variable("AWS_PROFILE").unwrap_or_else(|| "default".to_owned());
                of_profile(&text, &profile).ok_or(AwsError::Credentials { file })?
            }
        };
        Ok(Self { region, endpoint: variable("AWS_ENDPOINT_URL"), credentials })
    }
}

impl Client {
    pub fn from_environment() -> Result<Self, AwsError> {
        Ok(Self::new(Settings::from_environment()?))
    }

    pub fn new(settings: Settings) -> Self {
        let http = reqwest::Client::builder().timeout(TIMEOUT).redirect(reqwest::redirect::Policy::none()).build();
        Self { settings, http: http.expect("TLS was set up when the program began") }
    }

    /// `target` is `SERVICE.ACTION` as the service's reference names it.
    pub async fn call(&self, service: &str, target: &str, body: &Value) -> Result<Value, AwsError> {
        let body = Zeroizing::new(body.to_string());
        let headers = [("content-type", "application/x-amz-json-1.1"), ("x-amz-target", target)];
        self.send(service, Method::POST, self.endpoint(service), &headers, &body).await
    }

    /// For services whose operations are methods of paths.
    pub async fn rest(&self, service: &str, method: Method, path: &[&str], body: Option<&Value>) -> Result<Value, AwsError> {
        let mut url = self.endpoint(service);
        let base = url.parse::<Url>().ok().and_then(|mut url| {
            url.path_segments_mut().ok()?.pop_if_empty().extend(path);
            Some(url)
        });
        url = base.ok_or_else(|| AwsError::Unexpected { service: service.to_owned() })?.into();
        let body = Zeroizing::new(body.map(Value::to_string).unwrap_or_default());
        self.send(service, method, url, &[("content-type", "application/json")], &body).await
    }

    async fn send(&self, service: &str, method: Method, url: String, headers: &[(&str, &str)], body: &str) -> Result<Value, AwsError> {
        let unexpected = || AwsError::Unexpected { service: service.to_owned() };
        let signature = self.signature(service, method.as_str(), &url, headers, body).ok_or_else(unexpected)?;
        let mut request = self.http.request(method, &url).body(body.as_bytes().to_vec());
        for (name, value) in headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).chain(signature) {
            request = request.header(name, value);
        }
        let unreachable = |error: reqwest::Error| AwsError::Unreachable { service: service.to_owned(), endpoint: url.clone(), reason: cause(&error) };
        let mut response = request.send().await.map_err(unreachable)?;
        let status = response.status();
        let kind = response.headers().get("x-amzn-errortype").and_then(|kind| kind.to_str().ok()).map(str::to_owned);
        let mut bytes = Zeroizing::new(Vec::new());
        while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
            if bytes.len() + chunk.len() > ANSWER_BYTES_MAX {
                return Err(unexpected());
            }
            bytes.extend(&chunk);
        }
        let answer: Value = serde_json::from_slice(&bytes).map_err(|_| unexpected())?;
        if status.is_success() { Ok(answer) } else { Err(refusal(service, kind.as_deref(), &answer)) }
    }

    fn endpoint(&self, service: &str) -> String {
        let own = || format!("https://{service}.{}.amazonaws.com", self.settings.region);
        self.settings.endpoint.clone().unwrap_or_else(own).trim_end_matches('/').to_owned() + "/"
    }

    /// The headers that carry it.
    fn signature(&self, service: &str, method: &str, url: &str, headers: &[(&str, &str)], body: &str) -> Option<Vec<(String, String)>> {
        let identity = self.settings.credentials.clone().into();
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.settings.region)
            .name(service)
            .time(SystemTime::now())
            .settings(SigningSettings::default())
            .build()
            .ok()?
            .into();
        let signable = SignableRequest::new(method, url, headers.iter().copied(), SignableBody::Bytes(body.as_bytes())).ok()?;
        let (instructions, _) = sign(signable, &params).ok()?.into_parts();
        Some(instructions.headers().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }
}

/// The kind stands in the answer, or in a header.
fn refusal(service: &str, kind: Option<&str>, answer: &Value) -> AwsError {
    let text = |names: [&str; 2]| names.iter().find_map(|name| answer[*name].as_str());
    let kind = text(["__type", "code"]).or(kind).unwrap_or_default();
    let kind = kind.rsplit('#').next().and_then(|kind| kind.split(':').next()).unwrap_or_default().to_owned();
    AwsError::Refused { service: service.to_owned(), kind, message: text(["message", "Message"]).unwrap_or_default().to_owned() }
}

/// From an INI file as `aws configure` writes it.
fn of_profile(text: &str, profile: &str) -> Option<Credentials> {
    let heading = format!("[{profile}]");
    let lines = text.lines().map(str::trim);
    let section = || lines.clone().skip_while(|line| *line != heading).skip(1).take_while(|line| !line.starts_with('['));
    let value = |name: &str| {
        let mut entries = section().filter_map(|line| line.split_once('='));
        entries.find(|(key, _)| key.trim() == name).map(|(_, value)| value.trim().to_owned())
    };
    Some(Credentials::new(value("aws_access_key_id")?, value("aws_secret_access_key")?, value("aws_session_token"), None, "profile"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_is_found_among_others() {
        let file = "[other]\naws_access_key_id = A\n[default]\naws_access_key_id = B\naws_secret_access_key=C\n\n[last]\naws_secret_access_key = D\n";
        let found = of_profile(file, "default").unwrap();
        assert_eq!((found.access_key_id(), found.secret_access_key()), ("B", "C"));
        assert!(of_profile(file, "other").is_none(), "it has no secret key of its own");
    }
}
