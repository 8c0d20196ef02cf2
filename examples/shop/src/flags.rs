//! Feature flags, asked for by the OpenFeature Remote Evaluation Protocol, as OpenFeature's SDKs do.

use std::time::Duration;

use serde_json::{Value, json};
use tracing::info;

use crate::Error;

/// Nobody waits longer for a flag; then it is off.
const TIMEOUT: Duration = Duration::from_millis(500);

/// Without an address every flag is off.
#[derive(Clone)]
pub struct Flags {
    evaluate: Option<reqwest::Url>,
    client: reqwest::Client,
}

impl Flags {
    pub fn new(url: Option<&str>, client: reqwest::Client) -> Result<Self, Error> {
        let evaluate = url.map(|url| reqwest::Url::parse(url)?.join("/ofrep/v1/evaluate/flags/")).transpose()?;
        Ok(Self { evaluate, client })
    }

    /// Whether a flag is on for somebody.
    pub async fn on(&self, key: &str, who: &str) -> bool {
        let Some(url) = self.evaluate.as_ref().and_then(|url| url.join(key).ok()) else { return false };
        let asked = self.client.post(url).timeout(TIMEOUT).json(&json!({ "context": { "targetingKey": who } })).send().await;
        let Ok(answer) = asked else { return false };
        let answer: Value = answer.json().await.unwrap_or_default();
        let variant = answer["variant"].as_str().unwrap_or_default();
        // By OpenTelemetry's semantic conventions of feature flags.
        info!(feature_flag.key = key, feature_flag.result.variant = variant, feature_flag.context.id = who, "feature_flag.evaluation");
        answer["value"] == true
    }
}
