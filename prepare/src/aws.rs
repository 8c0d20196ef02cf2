//! The account of AWS that the environment names.
//!
//! AWS's SDK finds it: variables, profiles, single sign-on, web identities, the roles of containers and of instances.
//! Aliases of Lambda go through the SDK's client. The four calls of KMS, Systems Manager and Secrets Manager are JSON
//! over HTTPS that the SDK's signer signs: their three crates would make a first build minutes longer.
//!
//! Source: AWS SDKs and Tools Reference Guide; AWS JSON 1.1 protocol.

use std::time::{Duration, SystemTime};

use aws_config::{BehaviorVersion, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::ProvideCredentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use serde_json::Value;
use tokio::sync::{Mutex, OnceCell};
use zeroize::Zeroizing;

use crate::cause::cause;

const TIMEOUT: Duration = Duration::from_secs(10);
/// A secret has at most 64 KiB.
const ANSWER_BYTES_MAX: usize = 1 << 20;
/// Credentials that end sooner are asked for anew.
const RENEW_BEFORE: Duration = Duration::from_secs(60);

#[derive(Debug, thiserror::Error)]
pub enum AwsError {
    #[error("no region is set; set AWS_REGION, or `region` in a profile")]
    Region,
    #[error("no credentials are found: {0}; set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give the machine a role")]
    Credentials(String),
    #[error("{service} at {endpoint} cannot be reached: {reason}")]
    Unreachable { service: String, endpoint: String, reason: String },
    #[error("{service} refused: {kind}: {message}")]
    Refused { service: String, kind: String, message: String },
    #[error("{service} answered something unexpected")]
    Unexpected { service: String },
}

/// Found once in a process; its credentials are renewed as they expire.
pub struct Account {
    pub config: SdkConfig,
    region: String,
    http: reqwest::Client,
    credentials: Mutex<Option<Credentials>>,
}

pub async fn account() -> Result<&'static Account, AwsError> {
    static ACCOUNT: OnceCell<Account> = OnceCell::const_new();
    ACCOUNT.get_or_try_init(Account::find).await
}

impl Account {
    async fn find() -> Result<Self, AwsError> {
        let tls = Provider::Rustls(CryptoMode::Ring);
        let http = aws_smithy_http_client::Builder::new().tls_provider(tls).build_https();
        let config = aws_config::defaults(BehaviorVersion::latest()).http_client(http).load().await;
        let region = config.region().ok_or(AwsError::Region)?.to_string();
        let http = reqwest::Client::builder().timeout(TIMEOUT).redirect(reqwest::redirect::Policy::none()).build();
        Ok(Self { config, region, http: http.expect("TLS was set up when the program began"), credentials: Mutex::default() })
    }

    pub async fn credentials(&self) -> Result<Credentials, AwsError> {
        let mut held = self.credentials.lock().await;
        let fresh = |held: &Credentials| held.expiry().is_none_or(|end| end > SystemTime::now() + RENEW_BEFORE);
        if let Some(held) = held.as_ref().filter(|held| fresh(held)) {
            return Ok(held.clone());
        }
        let provider = self.config.credentials_provider().ok_or_else(|| AwsError::Credentials("nobody provides any".to_owned()))?;
        let found = provider.provide_credentials().await.map_err(|error| AwsError::Credentials(cause(&error)))?;
        Ok(held.insert(found).clone())
    }

    /// `target` is `SERVICE.ACTION` as the service's reference names it.
    pub async fn call(&self, service: &str, target: &str, body: &Value) -> Result<Value, AwsError> {
        let body = Zeroizing::new(body.to_string());
        let headers = [("content-type", "application/x-amz-json-1.1"), ("x-amz-target", target)];
        let url = self.endpoint(service);
        let unexpected = || AwsError::Unexpected { service: service.to_owned() };
        let signature = self.signature(self.credentials().await?, service, &url, &headers, &body).ok_or_else(unexpected)?;
        let mut request = self.http.post(&url).body(body.as_bytes().to_vec());
        for (name, value) in headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).chain(signature) {
            request = request.header(name, value);
        }
        let unreachable = |error: reqwest::Error| AwsError::Unreachable { service: service.to_owned(), endpoint: url.clone(), reason: cause(&error) };
        let mut response = request.send().await.map_err(unreachable)?;
        let status = response.status();
        let mut bytes = Zeroizing::new(Vec::new());
        while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
            if bytes.len() + chunk.len() > ANSWER_BYTES_MAX {
                return Err(unexpected());
            }
            bytes.extend(&chunk);
        }
        let answer: Value = serde_json::from_slice(&bytes).map_err(|_| unexpected())?;
        if status.is_success() { Ok(answer) } else { Err(refusal(service, &answer)) }
    }

    fn endpoint(&self, service: &str) -> String {
        let own = || format!("https://{service}.{}.amazonaws.com", self.region);
        self.config.endpoint_url().map_or_else(own, str::to_owned).trim_end_matches('/').to_owned() + "/"
    }

    /// The headers that carry it.
    fn signature(&self, credentials: Credentials, service: &str, url: &str, headers: &[(&str, &str)], body: &str) -> Option<Vec<(String, String)>> {
        let identity = credentials.into();
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name(service)
            .time(SystemTime::now())
            .settings(SigningSettings::default())
            .build()
            .ok()?
            .into();
        let signable = SignableRequest::new("POST", url, headers.iter().copied(), SignableBody::Bytes(body.as_bytes())).ok()?;
        let (instructions, _) = sign(signable, &params).ok()?.into_parts();
        Some(instructions.headers().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }
}

/// As the service tells it.
fn refusal(service: &str, answer: &Value) -> AwsError {
    let text = |names: [&str; 2]| names.iter().find_map(|name| answer[*name].as_str()).unwrap_or_default();
    let kind = text(["__type", "code"]).rsplit('#').next().unwrap_or_default().to_owned();
    AwsError::Refused { service: service.to_owned(), kind, message: text(["message", "Message"]).to_owned() }
}
