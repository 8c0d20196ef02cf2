//! Mainstay's own proxy, through its control API: `mainstay proxy`, or one that a server runs.

use std::sync::Arc;

use async_trait::async_trait;
use documents::deployment::{ProxyRouter as Described, VERSION};
use kernel::format_duration;
use reqwest::{Method, Url};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use super::{Router, RouterError, Shares};
use crate::cause::cause;
use crate::secrets::Asking;
use crate::values::ValueSource;

pub struct ProxyRouter {
    pub described: Described,
    pub http: reqwest::Client,
    pub values: Arc<dyn ValueSource>,
    /// Who wants the token of the API.
    pub asking: Asking,
}

#[async_trait]
impl Router for ProxyRouter {
    async fn set(&self, shares: &Shares) -> Result<(), RouterError> {
        if !self.described.backends.is_empty() {
            let mut backends = Vec::with_capacity(self.described.backends.len());
            for url in &self.described.backends {
                backends.push(self.filled(&url.replace(VERSION, &shares.new)).await?.expose_secret().to_owned());
            }
            self.put(&["versions", &shares.new], json!({ "backends": backends })).await?;
        }
        self.put(&["shares"], json!({ "old": shares.old, "new": shares.new, "weight": shares.weight.as_percent() })).await
    }
}

impl ProxyRouter {
    async fn put(&self, path: &[&str], body: Value) -> Result<(), RouterError> {
        let control = &self.described.control;
        let unreachable = |reason: String| RouterError::Unreachable { url: control.clone(), reason };
        let mut url: Url = self.filled(control).await?.expose_secret().parse().map_err(|error| unreachable(format!("{error}")))?;
        url.path_segments_mut().map_err(|()| unreachable("it is no base of a path".to_owned()))?.pop_if_empty().extend(path);
        let mut request = self.http.request(Method::PUT, url).timeout(self.described.timeout).json(&body);
        if let Some(token) = &self.described.token {
            request = request.bearer_auth(self.filled(token).await?.expose_secret());
        }
        let answer = request.send().await.map_err(|error| match error.is_timeout() {
            true => RouterError::TimedOut { program: control.clone(), limit: format_duration(self.described.timeout) },
            false => unreachable(cause(&error)),
        })?;
        if answer.status().is_success() {
            return Ok(());
        }
        let status = answer.status();
        let told: Value = answer.json().await.unwrap_or_default();
        Err(RouterError::Refused { url: control.clone(), said: told["error"].as_str().map_or_else(|| status.to_string(), str::to_owned) })
    }

    async fn filled(&self, text: &str) -> Result<SecretString, RouterError> {
        let filled = self.values.fill(text, &self.asking).await;
        filled.map(|filled| filled.text).map_err(|error| RouterError::Value(error.to_string()))
    }
}
